import { isObject, setOwn } from './json.ts';
import { canonicalQuantity, QUANTITY_ERROR } from './quantity.ts';
import { canonicalMicroTime, canonicalTime } from './times.ts';
import type { FieldSchema, ScalarType, TypeSchema } from './types.ts';

/** `message` is the decoder's text (`json: cannot unmarshal string into Go struct field … of type int32`). */
export type NormalizeResult =
  | { readonly ok: true; readonly value: Record<string, unknown> }
  | { readonly ok: false; readonly message: string };

/**
 * What is left of a built-in object after the server has decoded it into its Go type and encoded it again: unknown fields
 * dropped, empty `omitempty` fields dropped, zero values of the other fields added, quantities and times canonical, fields
 * in Go's order. Defaults are not filled in. The input is not changed; parts of raw type are shared with it.
 */
export function normalize(object: unknown, schema: TypeSchema): NormalizeResult {
  const at: Place = { struct: '', path: '', type: typeName(schema) };
  try {
    return { ok: true, value: decode(object, schema, at) as Record<string, unknown> };
  } catch (error) {
    if (error instanceof DecodeError) return { ok: false, message: error.message };
    throw error;
  }
}

/**
 * The JSON of a Go value that nothing was decoded into: `{}` for structs held by value, null for lists that are always
 * written. It is what the server compares a new object with to find the fields that its creator set.
 */
export function zeroObject(schema: TypeSchema): Record<string, unknown> {
  return schema.t === 'struct' ? encodeStruct({}, schema) : {};
}

class DecodeError extends Error {}

/** Where decoding is, in the decoder's words: the Go struct of the innermost field, the path of JSON names, the Go type. */
interface Place {
  readonly struct: string;
  readonly path: string;
  readonly type: string;
}

type Struct = Extract<TypeSchema, { t: 'struct' }>;

function typeName(schema: TypeSchema): string {
  return schema.t === 'struct' ? (schema.name?.split('.').slice(-2).join('.') ?? 'struct') : schema.t;
}

function decode(value: unknown, schema: TypeSchema, at: Place): unknown {
  switch (schema.t) {
    case 'struct':
      return decodeStruct(value, schema, at);
    case 'map':
      return decodeMap(value, schema.value(), at);
    case 'list':
      return decodeList(value, schema.item(), at);
    case 'any': {
      const object = schema.object?.();
      return object !== undefined && isObject(value) ? decode(value, object, at) : value;
    }
    case 'scalar':
      return decodeScalar(value, schema.scalar, at);
  }
}

function decodeStruct(value: unknown, schema: Struct, at: Place): unknown {
  if (value === null || value === undefined) return encodeStruct({}, schema);
  if (!isObject(value)) throw mismatch(value, at);
  const decoded: Record<string, unknown> = {};
  const { struct, byName } = preparedOf(schema);
  for (const key of Object.keys(value)) {
    const v = value[key];
    const field = byName.get(key);
    if (field === undefined || v === null || v === undefined) continue;
    const place = { struct, path: at.path === '' ? key : `${at.path}.${key}`, type: field.go?.type ?? '' };
    decoded[key] = decode(v, field.schema(), place);
  }
  return encodeStruct(decoded, schema);
}

/** Writes the fields of a struct as Go does; `decoded` has no nulls. */
function encodeStruct(decoded: Readonly<Record<string, unknown>>, schema: Struct): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const { key, field, omittedWhenAbsent } of preparedOf(schema).fields) {
    const given = decoded[key];
    if (given === undefined && omittedWhenAbsent) continue;
    const value = encodeField(given, field);
    if (value !== undefined) out[key] = value;
  }
  return out;
}

/** What of a struct is the same for every object: most fields of most structs are absent, and cost nothing then. */
interface PreparedStruct {
  /** The last part of the Go name. */
  readonly struct: string;
  readonly byName: ReadonlyMap<string, FieldSchema>;
  readonly fields: readonly {
    readonly key: string;
    readonly field: FieldSchema;
    readonly omittedWhenAbsent: boolean;
  }[];
}

const prepared = new WeakMap<Struct, PreparedStruct>();

function preparedOf(schema: Struct): PreparedStruct {
  const known = prepared.get(schema);
  if (known !== undefined) return known;
  const entries = Object.entries(schema.fields);
  const made: PreparedStruct = {
    struct: schema.name?.split('.').at(-1) ?? '',
    byName: new Map(entries),
    fields: entries.map(([key, field]) => ({
      key,
      field,
      omittedWhenAbsent: encodeField(undefined, field) === undefined,
    })),
  };
  prepared.set(schema, made);
  return made;
}

function encodeField(value: unknown, field: FieldSchema): unknown {
  const go = field.go;
  if (go === undefined) return value;
  switch (go.shape) {
    case 'pointer':
      return value === undefined && !go.omitEmpty ? null : value;
    case 'slice':
    case 'map':
    case 'bytes':
      if (value === undefined || isEmptyCollection(value)) return go.omitEmpty ? undefined : (value ?? null);
      return value;
    case 'value':
      return encodeValue(value, field);
  }
}

function encodeValue(value: unknown, field: FieldSchema): unknown {
  const schema = field.schema();
  const written = value ?? zeroValue(schema);
  if (field.go?.omitZero && (written === null || written === '')) return undefined;
  if (!field.go?.omitEmpty || isGoStruct(schema)) return written;
  return written === '' || written === 0 || written === false ? undefined : written;
}

/** Go structs are not empty, whatever they hold, so `omitempty` does nothing for them. */
function isGoStruct(schema: TypeSchema): boolean {
  if (schema.t !== 'scalar') return true;
  return !['string', 'integer', 'number', 'boolean', 'bytes'].includes(schema.scalar);
}

function zeroValue(schema: TypeSchema): unknown {
  if (schema.t === 'struct') return encodeStruct({}, schema);
  if (schema.t !== 'scalar') return null;
  switch (schema.scalar) {
    case 'string':
      return '';
    case 'integer':
    case 'number':
    case 'int-or-string':
      return 0;
    case 'boolean':
      return false;
    case 'quantity':
      return '0';
    default:
      return null;
  }
}

function decodeMap(value: unknown, item: TypeSchema, at: Place): unknown {
  if (!isObject(value)) throw mismatch(value, at);
  const place = { ...at, type: at.type.replace(/^map\[\w+\]/, '') };
  const out: Record<string, unknown> = {};
  // The encoder writes maps sorted by key.
  for (const key of Object.keys(value).sort()) {
    const v = value[key];
    const decoded = v === null ? zeroValue(item) : decode(v, item, place);
    setOwn(out, key, decoded);
  }
  return out;
}

function decodeList(value: unknown, item: TypeSchema, at: Place): unknown {
  if (!Array.isArray(value)) throw mismatch(value, at);
  const place = { ...at, type: at.type.replace(/^\[\]/, '') };
  return value.map((v) => (v === null ? zeroValue(item) : decode(v, item, place)));
}

function decodeScalar(value: unknown, scalar: ScalarType, at: Place): unknown {
  switch (scalar) {
    case 'string':
      if (typeof value !== 'string') throw mismatch(value, at);
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw mismatch(value, at);
      return value;
    case 'integer':
      return decodeInteger(value, at);
    case 'number':
      if (typeof value !== 'number') throw mismatch(value, at);
      return value;
    case 'int-or-string':
      return typeof value === 'string' ? value : decodeInteger(value, { ...at, type: 'int32' });
    case 'quantity':
      return decodeQuantity(value);
    case 'time':
    case 'microtime':
      return decodeTime(value, scalar, at);
    case 'bytes':
      return decodeBytes(value, at);
    case 'untyped':
      return value;
  }
}

function decodeInteger(value: unknown, at: Place): number {
  if (typeof value !== 'number') throw mismatch(value, at);
  const limit = at.type === 'int32' ? 2 ** 31 : 2 ** 63;
  if (!Number.isInteger(value) || value >= limit || value < -limit) throw mismatch(value, at, ` ${value}`);
  return value;
}

function decodeQuantity(value: unknown): string {
  const text = typeof value === 'string' || typeof value === 'number' ? canonicalQuantity(value) : undefined;
  if (text === undefined) throw new DecodeError(QUANTITY_ERROR);
  return text;
}

function decodeTime(value: unknown, scalar: 'time' | 'microtime', at: Place): string {
  if (typeof value !== 'string') throw mismatch(value, { ...at, type: 'string' });
  const result = scalar === 'time' ? canonicalTime(value) : canonicalMicroTime(value);
  if (!result.ok) throw new DecodeError(result.message);
  return result.text;
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function decodeBytes(value: unknown, at: Place): string {
  if (typeof value !== 'string') throw mismatch(value, at);
  const text = value.replaceAll(/[\r\n]/g, '');
  if (!BASE64.test(text)) {
    throw new DecodeError(`illegal base64 data at input byte ${illegalBase64(text)}`);
  }
  return text;
}

function illegalBase64(text: string): number {
  const bad = text.search(/[^A-Za-z0-9+/]/);
  return bad < 0 ? Math.floor(text.length / 4) * 4 : bad;
}

function mismatch(value: unknown, at: Place, detail = ''): DecodeError {
  const target =
    at.path === '' ? `Go value of type ${at.type}` : `Go struct field ${at.struct}.${at.path} of type ${at.type}`;
  return new DecodeError(`json: cannot unmarshal ${jsonKind(value)}${detail} into ${target}`);
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

function isEmptyCollection(value: unknown): boolean {
  if (Array.isArray(value) || typeof value === 'string') return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}
