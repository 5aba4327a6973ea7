/**
 * JSON with the difference between `1` and `1.0`, and with integers of any size. Java keeps both in the specs it records;
 * a text that is to be written back byte for byte, or compared, needs them.
 */

/** A number whose text says more than a JavaScript number holds: `1.0`, `1e3`, or an integer beyond 2^53. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** JSON writers print the text itself, so that nothing is lost on the way back. */
  toJSON(): unknown {
    return rawJson(this.text);
  }

  /** The nearest JavaScript number. */
  valueOf(): number {
    return Number(this.text);
  }
}

/** What `JSON.stringify` prints as it stands; the language has it, the compiler's library does not yet. */
const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

/** Keeps the digits of an integer that a number cannot hold; for clients of the Kubernetes API. */
export function exactInteger(text: string): JsonNumber {
  return new JsonNumber(text);
}

/** A JSON value whose numbers may be {@link JsonNumber}. */
export type Json = null | boolean | number | string | JsonNumber | Json[] | { [key: string]: Json };

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

/** Parses JSON without losing what a number’s text says. Throws SyntaxError. */
export function parseExactJson(text: string): Json {
  const revive: Reviver = (_key, value, context) => {
    if (typeof value !== 'number' || context?.source === undefined) return value;
    return String(value) === context.source ? value : new JsonNumber(context.source);
  };
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as Json;
}

const LONG_INTEGER = /[[,:]\s*-?\d{16,}\s*[\],}]/;

/**
 * Parses JSON into ordinary values, except that integers which a number cannot hold keep their digits. As fast as `JSON.parse` where
 * there are none. Throws SyntaxError.
 */
export function parseJsonKeepingIntegers(text: string): Json {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text) as Json;
  const revive: Reviver = (_key, value, context) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value;
    return /^-?\d+$/.test(context.source) ? new JsonNumber(context.source) : value;
  };
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as Json;
}

/** Whether a value is an object with members. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

/** Whether two values are equal; members may come in any order, absent and undefined are the same. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return javaNumberText(a) === javaNumberText(b);
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => jsonEqual(item, b[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => jsonEqual(a[key], b[key]));
}

/** Whether a value is a number in either form. */
export function isNumber(value: unknown): value is number | JsonNumber {
  return typeof value === 'number' || value instanceof JsonNumber;
}

/** The text that Java gives a JSON number: integers as they are, others as its `double`. */
export function javaNumberText(value: number | JsonNumber): string {
  const text = value instanceof JsonNumber ? value.text : String(value);
  return /^-?\d+$/.test(text) ? text : javaDoubleText(Number(text));
}

/** A double as Java’s `Double.toString` writes it: `1.0`, `0.001`, `1.0E-4`, `1.2345678E7`. */
export function javaDoubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', exponentText = '0'] = Math.abs(value).toExponential().split('e');
  const sign = value < 0 ? '-' : '';
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  if (exponent < -3 || exponent >= 7) {
    return `${sign}${digits[0]}.${digits.slice(1) || '0'}E${exponent}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}
