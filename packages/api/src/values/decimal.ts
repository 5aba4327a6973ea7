/** A decimal number of any size: `unscaled` divided by ten to the power of `scale`. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/** Digits that Java keeps in its 64-bit decimal arithmetic. */
const DECIMAL64_DIGITS = 16;

const PATTERN = /^([+-]?)(\p{Nd}*)(?:\.(\p{Nd}*))?(?:[eE]([+-]?\d+))?$/u;

/** Reads a decimal number; undefined when the text is none. Digits of any script count, as in Java. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = asciiDigits(whole + fraction);
  if (digits === '') return undefined;
  const unscaled = BigInt(digits);
  return { unscaled: sign === '-' ? -unscaled : unscaled, scale: asciiDigits(fraction).length - Number(exponent) };
}

/** The exact product. */
export function multiply(a: Decimal, b: Decimal): Decimal {
  return { unscaled: a.unscaled * b.unscaled, scale: a.scale + b.scale };
}

/** Negative, 0 or positive as `a` is less than, equal to or greater than `b`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const left = a.unscaled * 10n ** BigInt(scale - a.scale);
  const right = b.unscaled * 10n ** BigInt(scale - b.scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The nearest JavaScript number. */
export function decimalToNumber(value: Decimal): number {
  return Number(`${value.unscaled}e${-value.scale}`);
}

/** An integer power of 2 or 10, rounded to 16 digits as Java’s DECIMAL64 does. */
export function power(base: 2n | 10n, exponent: number): Decimal {
  if (exponent < 0) return { unscaled: 1n, scale: -exponent };
  return round({ unscaled: base ** BigInt(exponent), scale: 0 });
}

function round(value: Decimal): Decimal {
  const excess = String(value.unscaled).length - DECIMAL64_DIGITS;
  if (excess <= 0) return value;
  const divisor = 10n ** BigInt(excess);
  const quotient = value.unscaled / divisor;
  const rest = (value.unscaled % divisor) * 2n;
  const up = rest > divisor || (rest === divisor && quotient % 2n === 1n);
  return { unscaled: up ? quotient + 1n : quotient, scale: value.scale - excess };
}

/** A decimal as Java’s `BigDecimal.toString` writes it, with an exponent where that is shorter by its rules. */
export function decimalText({ unscaled, scale }: Decimal): string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = String(unscaled < 0n ? -unscaled : unscaled);
  const exponent = digits.length - 1 - scale;
  if (scale === 0) return sign + digits;
  if (scale < 0 || exponent < -6) {
    const mantissa = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
    return `${sign}${mantissa}E${exponent >= 0 ? '+' : ''}${exponent}`;
  }
  const padded = digits.padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

function asciiDigits(text: string): string {
  return [...text].map((char) => (char >= '0' && char <= '9' ? char : digitValue(char))).join('');
}

/** The value of a decimal digit of another script: such digits come in runs of ten that start at a multiple of 16 or at 6 past one. */
function digitValue(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  let start = code;
  while (start > code - 9 && /\p{Nd}/u.test(String.fromCodePoint(start - 1))) start -= 1;
  return String((code - start) % 10);
}
