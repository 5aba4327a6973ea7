import { type Decimal, multiply, parseDecimal, power } from './decimal.ts';

/** A reading of a text, or the reason why it has none. */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

const SUFFIX_LETTERS = /[eEinumkKMGTP]+/;
const FACTORS: Readonly<Record<string, Decimal>> = {
  '': power(10n, 0),
  n: power(10n, -9),
  u: power(10n, -6),
  m: power(10n, -3),
  k: power(10n, 3),
  M: power(10n, 6),
  G: power(10n, 9),
  T: power(10n, 12),
  P: power(10n, 15),
  E: power(10n, 18),
  Ki: power(2n, 10),
  Mi: power(2n, 20),
  Gi: power(2n, 30),
  Ti: power(2n, 40),
  Pi: power(2n, 50),
  Ei: power(2n, 60),
};

/**
 * Reads a Kubernetes quantity (`500m`, `2Gi`, `1e3`) the way the client library of the Apache operator does, which takes
 * more than an API server; the reasons are that library’s words, since users search for them.
 */
export function parseQuantity(text: string): Reading<Decimal> {
  if (text === '') return refuse('Invalid quantity string format passed.');
  const amount = text.split(SUFFIX_LETTERS)[0] ?? '';
  const suffix = text.slice(amount.length);
  if (/\d/.test(suffix) && /\p{L}$/u.test(suffix)) return refuse('Invalid quantity string format passed');
  const digits = parseDecimal(amount);
  if (/\d/.test(suffix) && suffix.length > 1) return scientific(digits, amount, suffix);
  if (digits === undefined) return refuse(decimalProblem(amount));
  const factor = FACTORS[suffix];
  if (factor === undefined) return refuse('Invalid quantity format passed to parse');
  return { ok: true, value: multiply(digits, factor) };
}

function scientific(digits: Decimal | undefined, amount: string, suffix: string): Reading<Decimal> {
  const exponent = suffix.slice(1);
  if (!/^[+-]?\d{1,10}$/.test(exponent)) return refuse(`For input string: "${exponent}"`);
  if (digits === undefined) return refuse(decimalProblem(amount));
  return { ok: true, value: multiply(power(10n, Math.min(Number(exponent), 400)), digits) };
}

/** Java’s words for a text that is no decimal number. */
function decimalProblem(text: string): string {
  const wrong = [...text].find((char, index) => !/[\p{Nd}.]/u.test(char) && !(index === 0 && /[+-]/.test(char)));
  if (wrong === undefined) return 'null';
  return `Character ${wrong} is neither a decimal digit number, decimal point, nor "e" notation exponential mark.`;
}

function refuse(reason: string): Reading<never> {
  return { ok: false, reason };
}
