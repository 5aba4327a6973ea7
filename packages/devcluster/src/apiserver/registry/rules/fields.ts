/** Reading and defaulting of decoded objects, whose shape the decoder has checked. */

export type Fields = Record<string, unknown>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object-valued field; empty (and not connected) when it is absent. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

export function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The object-valued field of `owner`, made when it is absent. */
export function ensureFields(owner: Fields, field: string): Fields {
  const value = owner[field];
  if (isFields(value)) return value;
  const made: Fields = {};
  owner[field] = made;
  return made;
}

/** Sets what is absent (or null). */
export function fill(owner: Fields, defaults: Readonly<Fields>): void {
  for (const [field, value] of Object.entries(defaults)) owner[field] ??= value;
}

/** Sets what is absent, null or the empty string, as for Go strings. */
export function fillText(owner: Fields, field: string, value: string): void {
  if (textOf(owner[field]) === '') owner[field] = value;
}
