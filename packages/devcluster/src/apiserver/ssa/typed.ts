import { isObject, type TypeSchema } from '../schema/index.ts';
import { keyElement } from './field-set.ts';

/** What the walks over typed values share: which shape applies to a value, schemas of children, names of list items. */

export type Shape = 'map' | 'list' | 'scalar';

const ANY: TypeSchema = { t: 'any' };
const ANY_ATOMIC: TypeSchema = { t: 'any', atomic: true };

/** How `value` is handled under `schema`; null and absent values take a map's way where anything goes. */
export function shapeOf(schema: TypeSchema, value: unknown): Shape {
  switch (schema.t) {
    case 'struct':
    case 'map':
      return 'map';
    case 'list':
      return 'list';
    case 'scalar':
      return 'scalar';
    case 'any':
      if (Array.isArray(value)) return 'list';
      return value === undefined || value === null || isObject(value) ? 'map' : 'scalar';
  }
}

/** Lists where anything goes are atomic always. */
export function isAtomic(schema: TypeSchema, shape: Shape): boolean {
  switch (schema.t) {
    case 'struct':
    case 'map':
      return schema.atomic === true;
    case 'list':
      return schema.listType === 'atomic';
    case 'any':
      return shape !== 'map' || schema.atomic === true;
    case 'scalar':
      return true;
  }
}

/** Whether the field is declared by a struct; entries of maps are not. */
export function isDeclared(schema: TypeSchema, key: string): boolean {
  return schema.t === 'struct' && Object.hasOwn(schema.fields, key);
}

/** The schema of a map entry or struct field; undefined when the struct has no such field. */
export function fieldSchema(schema: TypeSchema, key: string): TypeSchema | undefined {
  switch (schema.t) {
    case 'struct': {
      const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
      if (field !== undefined) return field.schema();
      return schema.preserveUnknown ? ANY : undefined;
    }
    case 'map':
      return schema.value();
    case 'any':
      return schema.atomic ? ANY_ATOMIC : ANY;
    default:
      return undefined;
  }
}

/** The same, for values that were checked against the schema before. */
export function fieldSchemaOrAny(schema: TypeSchema, key: string): TypeSchema {
  return fieldSchema(schema, key) ?? ANY_ATOMIC;
}

export function itemSchema(schema: TypeSchema): TypeSchema {
  return schema.t === 'list' ? schema.item() : ANY_ATOMIC;
}

export type ElementResult =
  | { readonly ok: true; readonly element: string }
  | { readonly ok: false; readonly message: string };

/** The path element of an item of a set or a map list. */
export function itemElement(schema: TypeSchema, item: unknown): ElementResult {
  if (schema.t !== 'list' || schema.listType === 'atomic') {
    return { ok: false, message: 'invalid indexing of non-associative list' };
  }
  return schema.keys.length > 0 ? keyedElement(schema, item) : setElement(item);
}

function setElement(item: unknown): ElementResult {
  if (isObject(item)) {
    return { ok: false, message: "associative list without keys has an element that's a map type" };
  }
  if (Array.isArray(item)) {
    return { ok: false, message: 'not supported: associative list with lists as elements' };
  }
  if (item === null || item === undefined) {
    return { ok: false, message: "associative list without keys has an element that's an explicit null" };
  }
  return { ok: true, element: `v:${JSON.stringify(item)}` };
}

function keyedElement(schema: Extract<TypeSchema, { t: 'list' }>, item: unknown): ElementResult {
  if (item === null || item === undefined) {
    return { ok: false, message: 'associative list with keys may not have a null element' };
  }
  if (!isObject(item)) return { ok: false, message: 'associative list with keys may not have non-map elements' };
  const fields: [string, unknown][] = [];
  for (const key of schema.keys) {
    const value = Object.hasOwn(item, key) ? item[key] : keyDefault(schema, key);
    if (value !== undefined) fields.push([key, value]);
  }
  if (fields.length === 0) {
    const keys = schema.keys.map((k) => JSON.stringify(k)).join(' ');
    return {
      ok: false,
      message: `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`,
    };
  }
  return { ok: true, element: keyElement(fields) };
}

function keyDefault(schema: Extract<TypeSchema, { t: 'list' }>, key: string): unknown {
  const item = schema.item();
  return item.t === 'struct' && Object.hasOwn(item.fields, key) ? item.fields[key]?.default : undefined;
}
