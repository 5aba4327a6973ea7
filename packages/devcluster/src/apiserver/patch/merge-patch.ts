import { getOwn, isObject, setOwn } from '../schema/index.ts';

/**
 * Applies a JSON merge patch (RFC 7386) as the server's library does: nulls inside lists of the patch go too, where the
 * list is new. Inputs are not changed; the result shares structure with them.
 */
export function applyMergePatch(
  document: Readonly<Record<string, unknown>>,
  patch: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const out: Record<string, unknown> = { ...document };
  for (const [key, value] of Object.entries(patch)) {
    const current = getOwn(out, key);
    if (value === null) delete out[key];
    else setOwn(out, key, merge(current, value));
  }
  return out;
}

function merge(current: unknown, patch: unknown): unknown {
  if (!isObject(current)) return withoutNulls(patch);
  return isObject(patch) ? applyMergePatch(current, patch) : patch;
}

/** Nulls of new values go: they mean nothing there. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const out: Record<string, unknown> = {};
  for (const [key, v] of Object.entries(value)) if (v !== null) setOwn(out, key, withoutNulls(v));
  return out;
}
