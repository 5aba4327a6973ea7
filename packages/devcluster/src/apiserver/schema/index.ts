export {
  builtinSchema,
  definitionSchema,
  type OpenApiDefinition,
  objectMetaSchema,
  once,
  openApiDefinitions,
} from './builtin.ts';
export { type Decoded, decodeJson, strictFieldErrors } from './decode.ts';
export { decodeYaml } from './decode-yaml.ts';
export { escapeJson, goJson, goSyntax, goText, goType } from './go-text.ts';
export { equalJson, getOwn, isObject, type JsonObject, setOwn } from './json.ts';
export { type NormalizeResult, normalize, zeroObject } from './normalize.ts';
export { canonicalQuantity, compareQuantities, formatQuantity, parseQuantity, type Quantity } from './quantity.ts';
export type * from './types.ts';
export { unknownFields } from './unknown-fields.ts';
