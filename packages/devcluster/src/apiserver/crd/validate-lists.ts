import type { FieldError } from '../model.ts';
import { equalJson, isObject, normalize, objectMetaSchema } from '../schema/index.ts';
import { duplicate, invalidValue, required } from '../validation/field-errors.ts';
import { keyOf } from './correlate.ts';
import { entrySchema, isEmbedded, type JsonSchema, propertySchema } from './json-schema.ts';

/** Items of sets and of map lists have to be unique. */
export function validateLists(value: unknown, schema: JsonSchema): readonly FieldError[] {
  const errors: FieldError[] = [];
  visit(value, schema, '', (v, s, path) => {
    if (!Array.isArray(v)) return;
    const type = s['x-kubernetes-list-type'];
    if (type === 'set') checkSet(v, path, errors);
    if (type === 'map') checkMapList(v, s, path, errors);
  });
  return errors;
}

function checkSet(list: readonly unknown[], path: string, errors: FieldError[]): void {
  const reported: unknown[] = [];
  for (const [i, item] of list.entries()) {
    const repeated = list.slice(0, i).some((other) => equalJson(other, item));
    if (!repeated || reported.some((other) => equalJson(other, item))) continue;
    reported.push(item);
    errors.push(duplicate(`${path}[${i}]`, item));
  }
}

function checkMapList(list: readonly unknown[], schema: JsonSchema, path: string, errors: FieldError[]): void {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const seen = new Set<string>();
  for (const [i, item] of list.entries()) {
    if (!isObject(item)) continue;
    const key = keyOf(item, keys, schema);
    if (seen.has(key)) {
      const fields = [...keys].sort().filter((k) => item[k] !== undefined);
      errors.push(duplicate(`${path}[${i}]`, Object.fromEntries(fields.map((k) => [k, item[k]]))));
    }
    seen.add(key);
  }
}

/** Objects inside a custom resource that are whole objects need an apiVersion and a kind. */
export function validateEmbedded(value: unknown, schema: JsonSchema): readonly FieldError[] {
  const errors: FieldError[] = [];
  visit(value, schema, '', (v, s, path) => {
    if (!isObject(v)) return;
    if (isEmbedded(s) && path !== '') {
      if (typeof v.apiVersion !== 'string' || v.apiVersion === '') errors.push(required(`${path}.apiVersion`));
      else if (v.apiVersion.split('/').length > 2) {
        errors.push(
          invalidValue(`${path}.apiVersion`, v.apiVersion, `unexpected GroupVersion string: ${v.apiVersion}`),
        );
      }
      if (typeof v.kind !== 'string' || v.kind === '') errors.push(required(`${path}.kind`));
    }
    if ((path === '' || isEmbedded(s)) && v.metadata !== undefined) checkMetadata(v.metadata, path, errors);
  });
  return errors;
}

function checkMetadata(metadata: unknown, path: string, errors: FieldError[]): void {
  const at = path === '' ? 'metadata' : `${path}.metadata`;
  const result = normalize(metadata, objectMetaSchema());
  if (!result.ok) errors.push(invalidValue(at, metadata, result.message));
}

function visit(
  value: unknown,
  schema: JsonSchema,
  path: string,
  check: (value: unknown, schema: JsonSchema, path: string) => void,
): void {
  check(value, schema, path);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined) for (const [i, v] of value.entries()) visit(v, items, `${path}[${i}]`, check);
    return;
  }
  if (!isObject(value)) return;
  const entry = entrySchema(schema);
  for (const [key, v] of Object.entries(value)) {
    const property = propertySchema(schema, key);
    if (property !== undefined) visit(v, property, path === '' ? key : `${path}.${key}`, check);
    else if (entry !== undefined) visit(v, entry, `${path}[${key}]`, check);
  }
}
