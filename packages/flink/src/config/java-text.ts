/**
 * How Java turns texts into values and back. Flink's configuration semantics are those of the Java library, which differ
 * from JavaScript's in small ways (blanks, signs, number forms).
 */

/** Removes leading and trailing characters up to U+0020, as Java's `String.trim`. */
export function javaTrim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= 0x20) start += 1;
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end -= 1;
  return text.slice(start, end);
}

/** Blanks as Java's `Character.isWhitespace` sees them: no non-breaking spaces, but the separators U+001C to U+001F. */
export function isJavaWhitespace(char: string): boolean {
  return /[\u0009-\u000d\u001c-\u001f\u0020\u1680\u2000-\u2006\u2008-\u200a\u2028\u2029\u205f\u3000]/.test(char);
}

/** A decimal integer with an optional sign and nothing else, or undefined. */
export function parseJavaInteger(text: string, bits: 32 | 64): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return BigInt.asIntN(bits, value) === value ? value : undefined;
}

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)[fFdD]?$/;

/** A number as Java's `Double.parseDouble` reads it, or undefined. */
export function parseJavaDouble(text: string): number | undefined {
  const trimmed = javaTrim(text);
  const special = /^([+-]?)(NaN|Infinity)$/.exec(trimmed);
  if (special !== null) return special[2] === 'NaN' ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
  if (DECIMAL.test(trimmed)) return Number(trimmed.replace(/[fFdD]$/, ''));
  const hex = HEXADECIMAL.exec(trimmed);
  if (hex === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = hex;
  if (whole === '' && fraction === '') return undefined;
  const value = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -value : value;
}

/** A double as Java prints it: `1.0`, `0.001`, `1.0E-4`, `1.2345678E7`, `Infinity`, `NaN`. */
export function formatJavaDouble(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const size = Math.abs(value);
  const sign = value < 0 ? '-' : '';
  const [mantissa = '0', exponentText = '0'] = size.toExponential().split('e');
  if (size >= 1e-3 && size < 1e7) {
    const plain = expand(mantissa.replace('.', ''), Number(exponentText));
    return `${sign}${plain}`;
  }
  return `${sign}${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponentText)}`;
}

/** Writes `digits` × 10^(exponent - digits.length + 1) without an exponent and with at least one decimal place. */
function expand(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const padded = digits.padEnd(exponent + 2, '0');
  return `${padded.slice(0, exponent + 1)}.${padded.slice(exponent + 1)}`;
}
