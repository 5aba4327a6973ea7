/**
 * resource.Quantity: parsing, comparison and the canonical form that the server writes
 * (`1000m` → `1`, `1024Ki` → `1Mi`, `0.5` → `500m`; apimachinery's resource package).
 */
export interface Quantity {
  /** The value is `digits` × 10^`exponent`, exactly. */
  readonly digits: bigint;
  readonly exponent: number;
  readonly format: 'BinarySI' | 'DecimalSI' | 'DecimalExponent';
}

const PATTERN = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d+)?$/;
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
/** The server's message for text that is no quantity. */
export const QUANTITY_ERROR =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Undefined when the text is no quantity. Precision finer than nano is rounded up. */
export function parseQuantity(text: string): Quantity | undefined {
  const m = PATTERN.exec(text);
  if (m === null) return undefined;
  const [, sign, number = '', suffix = ''] = m;
  const [whole = '', fraction = ''] = number.split('.');
  let digits = BigInt(`${whole}${fraction}` || '0');
  let exponent = -fraction.length;
  let format: Quantity['format'] = 'DecimalSI';
  const power = BINARY.indexOf(suffix);
  if (power > 0) {
    digits *= 1024n ** BigInt(power);
    format = 'BinarySI';
  } else if (/^[eE][+-]?\d/.test(suffix)) {
    exponent += Number(suffix.slice(1));
    format = 'DecimalExponent';
  } else {
    exponent += DECIMAL[suffix] ?? 0;
  }
  if (exponent < -9) {
    const divisor = 10n ** BigInt(-9 - exponent);
    digits = digits / divisor + (digits % divisor === 0n ? 0n : 1n);
    exponent = -9;
  }
  return { digits: sign === '-' ? -digits : digits, exponent, format };
}

/** Negative, zero or positive, like a comparator. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  const scale = Math.min(a.exponent, b.exponent);
  const left = a.digits * 10n ** BigInt(a.exponent - scale);
  const right = b.digits * 10n ** BigInt(b.exponent - scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The text that the server writes for a quantity. */
export function formatQuantity(quantity: Quantity): string {
  if (quantity.digits === 0n) return '0';
  if (quantity.format === 'BinarySI') {
    const whole = wholeNumber(quantity);
    if (whole !== undefined && (whole >= 1024n || whole <= -1024n)) {
      let power = 0;
      let n = whole;
      while (power < BINARY.length - 1 && n % 1024n === 0n) {
        n /= 1024n;
        power++;
      }
      return `${n}${BINARY[power]}`;
    }
  }
  let { digits, exponent } = quantity;
  while (digits % 10n === 0n) {
    digits /= 10n;
    exponent++;
  }
  while (exponent % 3 !== 0 || exponent > 18) {
    digits *= 10n;
    exponent--;
  }
  if (quantity.format === 'DecimalExponent') return exponent === 0 ? `${digits}` : `${digits}e${exponent}`;
  const suffix = Object.keys(DECIMAL).find((s) => DECIMAL[s] === exponent) ?? '';
  return `${digits}${suffix}`;
}

/** The canonical form of a text or number; undefined when it is no quantity. */
export function canonicalQuantity(value: string | number): string | undefined {
  const parsed = parseQuantity(typeof value === 'number' ? numberText(value) : value.trim());
  return parsed === undefined ? undefined : formatQuantity(parsed);
}

function numberText(value: number): string {
  return String(value).replace('e+', 'e');
}

function wholeNumber(q: Quantity): bigint | undefined {
  if (q.exponent >= 0) return q.digits * 10n ** BigInt(q.exponent);
  const divisor = 10n ** BigInt(-q.exponent);
  return q.digits % divisor === 0n ? q.digits / divisor : undefined;
}
