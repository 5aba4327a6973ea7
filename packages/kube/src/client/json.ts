/**
 * Makes a value that stands for an integer which a number cannot hold, from its text. Its `toJSON` should give the same text
 * again, so that an object can be sent back as it came.
 */
export type ExactInteger = (text: string) => unknown;

/** A run of digits where a value may be: cheap to look for, and nearly never there. */
const LONG_INTEGER = /[[,:]\s*-?\d{16,}\s*[\],}]/;

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

/** Parses JSON; integers beyond 2^53 become what `exactInteger` makes of them. Throws SyntaxError. */
export function parseJson(text: string, exactInteger: ExactInteger | undefined): unknown {
  if (exactInteger === undefined || !LONG_INTEGER.test(text)) return JSON.parse(text) as unknown;
  const revive: Reviver = (_key, value, context) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value;
    return /^-?\d+$/.test(context.source) ? exactInteger(context.source) : value;
  };
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as unknown;
}
