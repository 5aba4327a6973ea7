import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { AnyObject } from '@drey/kube';
import type { ProtobufDecoder } from '../model.ts';
import { specialTypes } from './special-types.ts';
import { readFields, readPacked, WireError, type WireValue } from './wire.ts';

/** What Kubernetes puts before every protobuf message: `k8s` and a zero byte. */
const PREFIX = [0x6b, 0x38, 0x73, 0x00] as const;
/** Deeper than any built-in kind nests. */
const MAX_DEPTH = 64;
const META = 'apimachinery.pkg.apis.meta.v1.';

interface Field {
  readonly name: string;
  readonly type: string;
  readonly repeated: boolean;
  readonly map: boolean;
  /** Written into its parent in JSON. */
  readonly inline: boolean;
  /** Written in JSON even when zero. */
  readonly keepsZero: boolean;
}

interface Table {
  readonly groups: Readonly<Record<string, string>>;
  readonly messages: Readonly<Record<string, readonly string[]>>;
}

type Json = Record<string, unknown>;

/**
 * Decodes the binary encoding of a built-in kind into the object that the same client would have sent as JSON: zero values
 * that JSON omits are left out. Custom resources have no binary encoding. Field numbers are those of Kubernetes 1.34;
 * unknown fields are skipped.
 */
export const decodeProtobuf: ProtobufDecoder = (body) => {
  if (PREFIX.some((byte, index) => body[index] !== byte)) {
    const shown = Buffer.from(body.subarray(0, 1024)).toString('utf8');
    return {
      error: `provided data does not appear to be a protobuf message, expected prefix [${PREFIX.join(' ')}] (${shown})`,
    };
  }
  try {
    const { apiVersion, kind, raw } = readEnvelope(body.subarray(PREFIX.length));
    const message = messageOf(apiVersion, kind);
    if (message === undefined) return { error: `no kind "${kind}" is registered for version "${apiVersion}"` };
    return { object: { apiVersion, kind, ...decodeMessage(raw, message, 0) } as AnyObject };
  } catch (error) {
    if (error instanceof WireError) return { error: error.message };
    throw error;
  }
};

interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

/** The `runtime.Unknown` message: type 1, raw bytes 2, content encoding 3 and type 4. */
function readEnvelope(data: Uint8Array): Envelope {
  let [apiVersion, kind] = ['', ''];
  let raw: Uint8Array = new Uint8Array();
  for (const { number, value } of readFields(data)) {
    if (!(value instanceof Uint8Array)) continue;
    if (number === 2) raw = value;
    if (number !== 1) continue;
    for (const field of readFields(value)) {
      if (field.number === 1) apiVersion = text(field.value);
      if (field.number === 2) kind = text(field.value);
    }
  }
  return { apiVersion, kind, raw };
}

/** Options kinds (DeleteOptions, …) belong to every group. */
function messageOf(apiVersion: string, kind: string): string | undefined {
  const { groups, messages } = loadTable();
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const folder = groups[group];
  const own = `api.${folder}.${version}.${kind}`;
  if (folder !== undefined && messages[own] !== undefined) return own;
  return kind.endsWith('Options') && messages[META + kind] !== undefined ? META + kind : undefined;
}

let table: Table | undefined;
const parsed = new Map<string, ReadonlyMap<number, Field>>();

function loadTable(): Table {
  table ??= JSON.parse(
    gunzipSync(readFileSync(join(import.meta.dirname, 'messages.generated.json.gz'))).toString('utf8'),
  ) as Table;
  return table;
}

function fieldsOf(message: string): ReadonlyMap<number, Field> {
  const known = parsed.get(message);
  if (known !== undefined) return known;
  const fields = new Map<number, Field>();
  for (const line of loadTable().messages[message] ?? []) {
    const [number = '', name = '', type = '', flags = ''] = line.split(' ');
    fields.set(Number(number), {
      name,
      type,
      repeated: flags.includes('r'),
      map: flags.includes('m'),
      inline: flags.includes('i'),
      keepsZero: flags.includes('z'),
    });
  }
  parsed.set(message, fields);
  return fields;
}

function decodeMessage(data: Uint8Array, message: string, depth: number): Json {
  if (depth > MAX_DEPTH) throw new WireError('message is nested too deeply');
  const fields = fieldsOf(message);
  const out: Json = {};
  for (const { number, value } of readFields(data)) {
    const field = fields.get(number);
    if (field !== undefined) addField(out, field, value, depth);
  }
  return out;
}

function addField(out: Json, field: Field, value: WireValue, depth: number): void {
  if (field.inline) {
    if (value instanceof Uint8Array) Object.assign(out, decodeMessage(value, field.type, depth + 1));
  } else if (field.map) {
    const [key, entry] = decodeEntry(value, field.type, depth);
    const target = (out[field.name] ?? {}) as Json;
    out[field.name] = target;
    Object.defineProperty(target, key, { value: entry, enumerable: true, configurable: true, writable: true });
  } else if (field.repeated) {
    const target = (out[field.name] ?? []) as unknown[];
    out[field.name] = target;
    const packed = value instanceof Uint8Array && isNumeric(field.type);
    if (packed) target.push(...readPacked(value).map((item) => decodeValue(item, field.type, depth)));
    else target.push(decodeValue(value, field.type, depth));
  } else {
    const decoded = decodeValue(value, field.type, depth);
    if (decoded === undefined || (!field.keepsZero && isZero(decoded))) return;
    out[field.name] = decoded;
  }
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false;
}

function isNumeric(type: string): boolean {
  return /^(bool|u?int(32|64))$/.test(type);
}

function decodeEntry(value: WireValue, type: string, depth: number): [string, unknown] {
  let key = '';
  let entry = decodeValue(isNumeric(type) ? 0n : new Uint8Array(), type, depth);
  for (const field of readFields(bytes(value))) {
    if (field.number === 1) key = text(field.value);
    if (field.number === 2) entry = decodeValue(field.value, type, depth);
  }
  return [key, entry];
}

function decodeValue(value: WireValue, type: string, depth: number): unknown {
  switch (type) {
    case 'string':
      return text(value);
    case 'bytes':
      return Buffer.from(bytes(value)).toString('base64');
    case 'bool':
      return integer(value) !== 0n;
    case 'int32':
    case 'int64':
      return Number(BigInt.asIntN(64, integer(value)));
    case 'uint32':
    case 'uint64':
      return Number(integer(value));
    case 'double':
      return Buffer.from(bytes(value)).readDoubleLE();
    default: {
      const special = specialTypes[type];
      return special ? special(bytes(value)) : decodeMessage(bytes(value), type, depth + 1);
    }
  }
}

function text(value: WireValue): string {
  return Buffer.from(bytes(value)).toString('utf8');
}

function bytes(value: WireValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new WireError('wrong wireType for a field with a length');
}

function integer(value: WireValue): bigint {
  if (typeof value === 'bigint') return value;
  throw new WireError('wrong wireType for an integer field');
}
