/** An answer is not what was expected. */
export class BadAnswer extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BadAnswer';
  }
}

/** A JSON object from the network. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** `value` as an object; throws {@link BadAnswer}, naming `what`. */
export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new BadAnswer(`${what} is no object`);
}

/** `value` as an array; throws {@link BadAnswer}, naming `what`. */
export function asArray(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new BadAnswer(`${what} is no array`);
}

/** A field that must be a text. */
export function text(from: JsonObject, name: string): string {
  const value = from[name];
  if (typeof value === 'string') return value;
  throw new BadAnswer(`${name} is no text`);
}

/** A field that must be a number; Flink writes NaN as a text. */
export function number(from: JsonObject, name: string): number {
  const value = optionalNumber(from, name);
  if (value !== undefined) return value;
  throw new BadAnswer(`${name} is no number`);
}

/** A text, or undefined when absent or null. */
export function optionalText(from: JsonObject, name: string): string | undefined {
  const value = from[name];
  return value === undefined || value === null ? undefined : text(from, name);
}

/** A number, or undefined when absent, null or no number. */
export function optionalNumber(from: JsonObject, name: string): number | undefined {
  const value = from[name];
  if (typeof value === 'number') return value;
  return value === 'NaN' ? Number.NaN : undefined;
}

/** A boolean; false when absent. */
export function flag(from: JsonObject, name: string): boolean {
  return from[name] === true;
}

/** An object, or undefined when absent or null. */
export function optionalObject(from: JsonObject, name: string): JsonObject | undefined {
  const value = from[name];
  return value === undefined || value === null ? undefined : asObject(value, name);
}

/** An array's items, each read by `read`; empty when the field is absent or null. */
export function list<T>(from: JsonObject, name: string, read: (item: JsonObject) => T): T[] {
  const value = from[name];
  if (value === undefined || value === null) return [];
  return asArray(value, name).map((item) => read(asObject(item, `an item of ${name}`)));
}

/** An object's values that are numbers, by key. */
export function numbers(from: JsonObject, name: string): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [key, value] of Object.entries(optionalObject(from, name) ?? {})) {
    if (typeof value === 'number') out[key] = value;
  }
  return out;
}

/** An object's values that are texts, by key. */
export function texts(from: JsonObject, name: string): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(optionalObject(from, name) ?? {})) {
    if (typeof value === 'string') out[key] = value;
  }
  return out;
}

/** `T` with every field that may be undefined made optional instead. */
export type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Drops the fields whose value is undefined, so that optional fields are absent rather than undefined. */
export function compact<T extends Record<string, unknown>>(fields: T): Compact<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Compact<T>;
}
