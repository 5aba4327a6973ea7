import type { FieldError } from '../model.ts';
import { equalJson } from '../schema/index.ts';
import { forbiddenField, invalidValue, required } from '../validation/field-errors.ts';
import { isEmbedded, isIntOrString, type JsonSchema, preservesUnknown } from './json-schema.ts';
import { compilePattern, patternProblem } from './pattern.ts';

/** Errors of a schema that is not structural, sorted as the real server sorts them. */
export function structuralErrors(schema: JsonSchema, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  checkNode(schema, path, 'root', errors);
  checkComplete(schema, schema, path, path, errors);
  return errors.sort((a, b) => compare(`${a.field}: ${a.message}`, `${b.field}: ${b.message}`));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

type Level = 'root' | 'item' | 'field';

const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

function checkNode(schema: JsonSchema, path: string, level: Level, errors: FieldError[]): void {
  const { items, additionalProperties: entry } = schema;
  if (schema.type === 'array' && items === undefined) errors.push(required(`${path}.items`, 'must be specified'));
  if (items !== undefined) checkNode(items, `${path}.items`, 'item', errors);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkNode(property, `${path}.properties[${name}]`, 'field', errors);
  }
  if (entry !== undefined) {
    if (level === 'root') errors.push(forbiddenField(`${path}.additionalProperties`, 'must not be used at the root'));
    if (typeof entry === 'object') checkNode(entry, `${path}.additionalProperties`, 'field', errors);
  }
  checkExtensions(schema, path, errors);
  checkValues(schema, path, errors);
  checkType(schema, path, level, errors);
  checkMeta(schema, path, level, errors);
}

function checkExtensions(schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (!isIntOrString(schema)) return;
  const detail = 'must be false if x-kubernetes-int-or-string is true';
  if (preservesUnknown(schema)) errors.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, true, detail));
  if (isEmbedded(schema)) errors.push(invalidValue(`${path}.x-kubernetes-embedded-resource`, true, detail));
}

function checkType(schema: JsonSchema, path: string, level: Level, errors: FieldError[]): void {
  const type = schema.type ?? '';
  if (isEmbedded(schema) && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? required(`${path}.type`, detail) : invalidValue(`${path}.type`, type, detail));
  } else if (type === '' && !isIntOrString(schema) && !preservesUnknown(schema)) {
    errors.push(required(`${path}.type`, EMPTY_TYPE[level]));
  }
  if (isEmbedded(schema) && schema.additionalProperties !== undefined) {
    const detail = 'must not be used if x-kubernetes-embedded-resource is set';
    errors.push(forbiddenField(`${path}.additionalProperties`, detail));
  }
  if (level === 'root' && type !== '' && type !== 'object') {
    errors.push(invalidValue(`${path}.type`, type, 'must be object at the root'));
  }
}

function checkMeta(schema: JsonSchema, path: string, level: Level, errors: FieldError[]): void {
  const isResource = level === 'root' || isEmbedded(schema);
  const { kind, apiVersion, metadata } = schema.properties ?? {};
  for (const [name, property] of Object.entries({ kind, apiVersion })) {
    if (!isResource || property === undefined || property.type === 'string') continue;
    errors.push(invalidValue(`${path}.properties[${name}].type`, property.type ?? '', 'must be string'));
  }
  if (metadata !== undefined && isResource) {
    const at = `${path}.properties[metadata]`;
    if (metadata.type !== 'object') errors.push(invalidValue(`${at}.type`, metadata.type ?? '', 'must be object'));
    if (level === 'root' && !isBareMetadata(metadata)) {
      const detail = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
      errors.push(forbiddenField(at, detail));
    }
  }
  if (isEmbedded(schema) && !preservesUnknown(schema) && Object.keys(schema.properties ?? {}).length === 0) {
    const detail =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(required(`${path}.properties`, detail));
  }
}

function isBareMetadata(metadata: JsonSchema): boolean {
  const { type: _, default: __, properties = {}, description: ___, ...rest } = metadata;
  const names = Object.keys(properties);
  return Object.keys(rest).length === 0 && names.every((n) => n === 'name' || n === 'generateName');
}

const INT_OR_STRING: readonly JsonSchema[] = [{ type: 'integer' }, { type: 'string' }];

/** Checks the combinations of a schema. The two spellings of int-or-string are let pass. */
function checkValues(schema: JsonSchema, path: string, errors: FieldError[], nested = false): void {
  const skipAnyOf = !nested && equalJson(schema.anyOf, INT_OR_STRING);
  if (!skipAnyOf) for (const [i, s] of (schema.anyOf ?? []).entries()) checkNested(s, `${path}.anyOf[${i}]`, errors);
  for (const [i, s] of (schema.allOf ?? []).entries()) {
    const spelled = i === 0 && !nested && equalJson(s.anyOf, INT_OR_STRING);
    const { anyOf: _, ...others } = s;
    checkNested(spelled ? others : s, `${path}.allOf[${i}]`, errors);
  }
  for (const [i, s] of (schema.oneOf ?? []).entries()) checkNested(s, `${path}.oneOf[${i}]`, errors);
  if (schema.not !== undefined) checkNested(schema.not, `${path}.not`, errors);
  if (schema.pattern && compilePattern(schema.pattern) === undefined) {
    const detail = `must be a valid regular expression, but isn't: error parsing regexp: ${patternProblem(schema.pattern)}`;
    errors.push(invalidValue(`${path}.pattern`, schema.pattern, detail));
  }
}

/** What may not stand inside of a combination, and why. */
const NOT_NESTED: readonly [keyof JsonSchema, string][] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
];

function checkNested(schema: JsonSchema, path: string, errors: FieldError[]): void {
  checkValues(schema, path, errors, true);
  if (schema.items !== undefined) checkNested(schema.items, `${path}.items`, errors);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    checkNested(property, `${path}.properties[${name}]`, errors);
  }
  for (const [key, detail] of NOT_NESTED) {
    const value = schema[key];
    const empty = value === undefined || value === '' || (value === false && key !== 'additionalProperties');
    if (!empty) errors.push(forbiddenField(`${path}.${key}`, detail));
  }
  if (schema.properties?.metadata !== undefined) {
    errors.push(forbiddenField(`${path}.properties[metadata]`, 'must not be specified in a nested context'));
  }
}

/** Every field that a combination talks about has to be declared outside of it. */
function checkComplete(
  values: JsonSchema,
  schema: JsonSchema | undefined,
  path: string,
  valuePath: string,
  errors: FieldError[],
): void {
  if (values.not !== undefined) checkDeclared(values.not, schema, path, `${valuePath}.not`, errors);
  for (const key of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [i, s] of (values[key] ?? []).entries())
      checkDeclared(s, schema, path, `${valuePath}.${key}[${i}]`, errors);
  }
}

function checkDeclared(
  values: JsonSchema,
  schema: JsonSchema | undefined,
  path: string,
  valuePath: string,
  errors: FieldError[],
): void {
  if (schema === undefined) {
    errors.push(required(path, `because it is defined in ${valuePath}`));
    return;
  }
  checkComplete(values, schema, path, valuePath, errors);
  if (values.items !== undefined) {
    checkDeclared(values.items, schema.items, `${path}.items`, `${valuePath}.items`, errors);
  }
  for (const [name, property] of Object.entries(values.properties ?? {})) {
    const at = `${path}.properties[${name}]`;
    checkDeclared(property, schema.properties?.[name], at, `${valuePath}.properties[${name}]`, errors);
  }
}
