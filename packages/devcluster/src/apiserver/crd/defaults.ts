import { getOwn, isObject, setOwn } from '../schema/index.ts';
import { entrySchema, type JsonSchema, propertySchema } from './json-schema.ts';

/**
 * Fills the defaults of a schema into a custom resource, and drops nulls where null is not allowed. Mutates `object`.
 * A null where a default is set and null is not allowed gives way to the default.
 */
export function defaultObject(object: Record<string, unknown>, schema: JsonSchema): void {
  dropNulls(object, schema);
  fill(object, schema);
}

function fill(value: unknown, schema: JsonSchema): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (const [i, item] of value.entries()) {
      if (item === null && items.nullable !== true && items.default !== undefined)
        value[i] = structuredClone(items.default);
      fill(value[i], items);
    }
    return;
  }
  if (!isObject(value)) return;
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined) continue;
    const current = getOwn(value, key);
    if (current === undefined || (current === null && property.nullable !== true)) {
      setOwn(value, key, structuredClone(property.default));
    }
  }
  const entry = entrySchema(schema);
  for (const [key, v] of Object.entries(value)) {
    const child = propertySchema(schema, key) ?? entry;
    if (child === undefined) continue;
    if (v === null && child.nullable !== true && child.default !== undefined && child === entry) {
      setOwn(value, key, structuredClone(child.default));
    }
    fill(value[key], child);
  }
}

function dropNulls(value: unknown, schema: JsonSchema): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined) for (const item of value) dropNulls(item, items);
    return;
  }
  if (!isObject(value)) return;
  const entry = entrySchema(schema);
  for (const [key, v] of Object.entries(value)) {
    const child = propertySchema(schema, key) ?? entry;
    if (child === undefined) continue;
    if (v !== null) dropNulls(v, child);
    else if (child.nullable !== true && child.default === undefined) delete value[key];
  }
}
