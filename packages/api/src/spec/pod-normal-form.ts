import { isJsonObject, isNumber, type Json, type JsonObject, javaNumberText } from '../values/json.ts';
import model from './pod-model.generated.json' with { type: 'json' };
import { SpecFormatError } from './spec-format-error.ts';

/** Field name → type, for every type that a pod consists of. `[T` is a list of T, `{T` a map to T. */
const TYPES: Readonly<Record<string, Readonly<Record<string, string>>>> = model;

/**
 * A pod template in the form in which the Apache operator keeps it: members in alphabetical order, unknown ones after
 * them as they came, nulls and empty lists and maps left out, quantities as texts. Two templates that say the same in
 * another spelling have the same normal form. Throws {@link SpecFormatError} for a value of another type than a pod has there.
 */
export function podTemplateNormalForm(template: Json): Json {
  return normal('PodTemplateSpec', template) ?? null;
}

/** Requests and limits in normal form, see {@link podTemplateNormalForm}. */
export function resourcesNormalForm(resources: Json): Json {
  return normal('ResourceRequirements', resources) ?? null;
}

/** The value of a member, or undefined when it is left out. */
function normal(type: string, value: Json | undefined): Json | undefined {
  if (value === null || value === undefined) return undefined;
  if (type.startsWith('[')) return list(type.slice(1), value);
  if (type.startsWith('{')) return map(type.slice(1), value);
  const fields = TYPES[type];
  if (fields !== undefined) {
    if (!isJsonObject(value)) throw new SpecFormatError('an object was expected');
    return object(fields, value);
  }
  return scalar(type, value);
}

function list(type: string, value: Json): Json | undefined {
  if (!Array.isArray(value)) throw new SpecFormatError('a list was expected');
  if (value.length === 0) return undefined;
  return value.map((item, index) => at(String(index), () => normal(type, item)) ?? null);
}

function map(type: string, value: Json): Json | undefined {
  if (!isJsonObject(value)) throw new SpecFormatError('an object was expected');
  const entries = Object.entries(value).map(([key, item]) => [key, at(key, () => normal(type, item)) ?? null] as const);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function object(fields: Readonly<Record<string, string>>, value: JsonObject): JsonObject {
  const out: JsonObject = {};
  for (const name of Object.keys(fields).sort()) {
    const item = at(name, () => normal(fields[name] ?? 'any', value[name]));
    if (item !== undefined) out[name] = item;
  }
  for (const [name, item] of Object.entries(value))
    if (!Object.hasOwn(fields, name) && item !== undefined) out[name] = item;
  return out;
}

/** Names the member in what is thrown about it. */
function at<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof SpecFormatError ? error.below(name) : error;
  }
}

function scalar(type: string, value: Json): Json {
  if (type === 'string' || type === 'quantity') {
    if (isNumber(value)) return javaNumberText(value).replace(/\.0$/, type === 'quantity' ? '' : '.0');
    if (typeof value === 'boolean') return String(value);
    if (typeof value !== 'string') throw new SpecFormatError(`${JSON.stringify(value)} is not a text`);
  }
  if (type === 'integer') {
    if (typeof value === 'string' && /^-?\d{1,15}$/.test(value)) return Number(value);
    if (!isNumber(value)) throw new SpecFormatError(`${JSON.stringify(value)} is not a whole number`);
  }
  if (type === 'boolean' && typeof value !== 'boolean' && value !== 'true' && value !== 'false') {
    throw new SpecFormatError(`${JSON.stringify(value)} is neither true nor false`);
  }
  return value;
}
