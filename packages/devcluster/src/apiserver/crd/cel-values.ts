import { type CelInput, celEnv, celMap, isCelError, parse, plan } from '@bufbuild/cel';
import { getOwn, isObject } from '../schema/index.ts';
import { entrySchema, isEmbedded, isIntOrString, type JsonSchema } from './json-schema.ts';

const RESERVED = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
]);

/** The name of a property in rules; undefined when it has none. */
export function escapeName(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  const escaped = name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) ? escaped : undefined;
}

const METADATA: JsonSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, generateName: { type: 'string' } },
};

/** The value that rules see: typed by the schema, with the declared properties only. */
export function toCelValue(value: unknown, schema: JsonSchema, isResource: boolean): CelInput {
  if (value === null || value === undefined) return null;
  if (isIntOrString(schema)) return typeof value === 'number' ? BigInt(Math.trunc(value)) : String(value);
  if (Array.isArray(value)) {
    const { items } = schema;
    return value.map((v) => (items === undefined ? untyped(v) : toCelValue(v, items, isEmbedded(items))));
  }
  if (isObject(value)) return toCelObject(value, schema, isResource);
  if (typeof value === 'number') return schema.type === 'integer' ? BigInt(Math.trunc(value)) : value;
  if (typeof value === 'string') return toCelString(value, schema.format);
  return value as boolean;
}

function toCelObject(value: Record<string, unknown>, schema: JsonSchema, isResource: boolean): CelInput {
  const entry = entrySchema(schema);
  const out = new Map<string, CelInput>();
  if (entry !== undefined) {
    for (const [key, v] of Object.entries(value)) out.set(key, toCelValue(v, entry, isEmbedded(entry)));
    return celMap(out);
  }
  const properties: Record<string, JsonSchema> = { ...schema.properties };
  if (isResource) {
    properties.apiVersion = { type: 'string' };
    properties.kind = { type: 'string' };
    properties.metadata = METADATA;
  }
  for (const [key, property] of Object.entries(properties)) {
    const v = getOwn(value, key);
    const name = escapeName(key);
    if (v !== undefined && name !== undefined) out.set(name, toCelValue(v, property, isEmbedded(property)));
  }
  return celMap(out);
}

function untyped(value: unknown): CelInput {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map(untyped);
  if (isObject(value)) return celMap(new Map(Object.entries(value).map(([k, v]) => [k, untyped(v)])));
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  return value as string | boolean;
}

type OneText = (bindings: { text: string }) => unknown;

// The library makes time values in expressions only.
const parseTimestamp = plan(celEnv(), parse('timestamp(text)')) as unknown as OneText;
const parseDuration = plan(celEnv(), parse('duration(text)')) as unknown as OneText;

function toCelString(text: string, format: string | undefined): CelInput {
  switch (format) {
    case 'byte':
      return new Uint8Array(Buffer.from(text, 'base64'));
    case 'date':
      return converted(parseTimestamp({ text: `${text}T00:00:00Z` }), text);
    case 'date-time':
    case 'datetime':
      return converted(parseTimestamp({ text }), text);
    case 'duration':
      return converted(parseDuration({ text }), text);
    default:
      return text;
  }
}

/** A text that does not parse stays a text: its format is refused elsewhere. */
function converted(value: unknown, text: string): CelInput {
  return isCelError(value) ? text : (value as CelInput);
}
