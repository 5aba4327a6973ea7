import { decimalText } from './decimal.ts';
import { parseQuantity, type Reading } from './quantity.ts';

const UNITS: readonly (readonly [names: readonly string[], factor: bigint])[] = [
  [['', 'b', 'bytes'], 1n],
  [['k', 'kb', 'kibibytes'], 1n << 10n],
  [['m', 'mb', 'mebibytes'], 1n << 20n],
  [['g', 'gb', 'gibibytes'], 1n << 30n],
  [['t', 'tb', 'tebibytes'], 1n << 40n],
];
const RECOGNIZED =
  '(b | bytes) / (k | kb | kibibytes) / (m | mb | mebibytes) / (g | gb | gibibytes) / (t | tb | tebibytes)';
const MAX_LONG = 2n ** 63n - 1n;

/** Reads a Flink memory size in bytes; the reasons are Flink’s words, since users search for them. */
export function parseFlinkMemory(text: string): Reading<bigint> {
  // Java's trim takes off everything up to the space, and nothing beyond.
  const trimmed = text.replace(/^[\0- ]+|[\0- ]+$/g, '');
  if (trimmed === '') return { ok: false, reason: 'argument is an empty- or whitespace-only string' };
  const number = /^[0-9]*/.exec(trimmed)?.[0] ?? '';
  if (number === '') return { ok: false, reason: 'text does not start with a number' };
  const unit = trimmed
    .slice(number.length)
    .replace(/^[\0- ]+|[\0- ]+$/g, '')
    .toLowerCase();
  const value = BigInt(number);
  const overflow = `The value '${number}' cannot be re represented as 64bit number (numeric overflow).`;
  if (value > MAX_LONG) return { ok: false, reason: overflow };
  const factor = UNITS.find(([names]) => names.includes(unit))?.[1];
  if (factor === undefined) {
    return {
      ok: false,
      reason: `Memory size unit '${unit}' does not match any of the recognized units: ${RECOGNIZED}`,
    };
  }
  if (value * factor > MAX_LONG) {
    return {
      ok: false,
      reason: `The value '${trimmed}' cannot be re represented as 64bit number of bytes (numeric overflow).`,
    };
  }
  return { ok: true, value: value * factor };
}

/** A size in the largest unit that gives a whole number: `2 gb`, `1536 mb`. Whole terabytes are written in bytes, as Flink does. */
export function flinkMemoryText(bytes: bigint): string {
  if (bytes % (1n << 40n) === 0n) return `${bytes} bytes`;
  const units = ['bytes', 'kb', 'mb', 'gb'];
  let unit = 0;
  let value = bytes;
  while (unit < units.length - 1 && value % 1024n === 0n) {
    value /= 1024n;
    unit += 1;
  }
  return `${value} ${units[unit]}`;
}

/**
 * What a memory text of a spec becomes in Flink’s configuration: read as Flink’s size first (`2048m` is `2 gb`), then,
 * upper-cased, as a Kubernetes quantity in plain bytes (`2Gi` is `2147483648`). A fraction stays one (`0.5Gi` is
 * `536870912.0`), which Flink then refuses.
 */
export function memoryForFlink(text: string): Reading<string> {
  const flink = parseFlinkMemory(text);
  if (flink.ok) return { ok: true, value: flinkMemoryText(flink.value) };
  const quantity = parseQuantity(text.toUpperCase().replace(/\s/g, '').replace(/B$/, '').replace(/I$/, 'i'));
  return quantity.ok ? { ok: true, value: decimalText(quantity.value) } : quantity;
}

/** The bytes that a memory text of a spec stands for. */
export function memoryBytes(text: string): Reading<bigint> {
  const converted = memoryForFlink(text);
  return converted.ok ? parseFlinkMemory(converted.value) : converted;
}
