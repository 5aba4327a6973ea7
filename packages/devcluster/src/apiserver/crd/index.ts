export { AGE_COLUMN } from './columns.ts';
export { compileCrd, convertCustomResource, selectableValue } from './compile.ts';
export type * from './compiled.ts';
export { applyCrdDefaults, crdBumpsGeneration, crdStatus, prepareCrd } from './definition.ts';
export type {
  DefinitionCondition,
  DefinitionNames,
  DefinitionSpec,
  DefinitionStatus,
  DefinitionVersion,
} from './definition-type.ts';
export { compileJsonPath, type JsonPath } from './json-path.ts';
export { validateCrd } from './validate-definition.ts';
