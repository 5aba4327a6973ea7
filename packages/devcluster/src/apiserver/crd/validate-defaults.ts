import type { FieldError } from '../model.ts';
import { equalJson, isObject } from '../schema/index.ts';
import { invalidValue } from '../validation/field-errors.ts';
import { defaultObject } from './defaults.ts';
import type { JsonSchema } from './json-schema.ts';
import { pruneObject } from './prune.ts';
import { NO_FIELD, validateValue } from './validate-value.ts';

/** Errors of defaults: they have to be valid by the schema they stand in, and hold no fields that it does not know. */
export function defaultErrors(schema: JsonSchema, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  visit(schema, path, errors);
  return errors;
}

function visit(schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (schema.default !== undefined) check(schema, `${path}.default`, errors);
  if (schema.items !== undefined) visit(schema.items, `${path}.items`, errors);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    visit(property, `${path}.properties[${name}]`, errors);
  }
  const entry = schema.additionalProperties;
  if (typeof entry === 'object') visit(entry, `${path}.additionalProperties`, errors);
}

function check(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const pruned: unknown = structuredClone(schema.default);
  if (isObject(pruned)) {
    pruneObject(pruned, schema);
    if (!equalJson(pruned, schema.default)) {
      errors.push(invalidValue(path, schema.default, 'must not have unknown fields'));
      return;
    }
    defaultObject(pruned, schema);
  }
  for (const error of validateValue(pruned, undefined, schema)) {
    errors.push({ ...error, field: error.field === NO_FIELD ? path : `${path}.${error.field}` });
  }
}
