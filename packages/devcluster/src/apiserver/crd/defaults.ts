import { getOwn, isObject, setOwn } from '../schema/index.ts';
import { entrySchema, type JsonSchema, propertySchema } from './json-schema.ts';

/**
 * Fills the defaults of a schema into a custom resource, or a part of one. Mutates it. A null gives way to a default where null is not
 * allowed.
 */
export function defaultObject(value: unknown, schema: JsonSchema): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (const [i, item] of value.entries()) {
      if (item === null && items.nullable !== true && items.default !== undefined)
        value[i] = structuredClone(items.default);
      defaultObject(value[i], items);
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
    defaultObject(value[key], child);
  }
}

/**
 * Drops nulls where null is not allowed and no default stands in for them: part of reading a resource, together with
 * pruning. Nulls in lists stay, for validation to refuse. Mutates.
 */
export function dropNulls(value: unknown, schema: JsonSchema): void {
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
