import { FlinkError } from '../errors.ts';
import { javaTrim } from './java-text.ts';

/** Bytes. Flink's sizes are 64-bit integers, so they are held as bigint. */
export type MemorySize = bigint;

/** The largest size Flink can hold: 2^63 - 1 bytes. */
export const MAX_MEMORY_SIZE: MemorySize = 2n ** 63n - 1n;

interface MemoryUnit {
  readonly bytes: bigint;
  readonly labels: readonly string[];
  /** The label Flink writes. */
  readonly written: string;
}

const UNITS: readonly MemoryUnit[] = [
  { bytes: 1n, labels: ['b', 'bytes'], written: 'bytes' },
  { bytes: 1n << 10n, labels: ['k', 'kb', 'kibibytes'], written: 'kb' },
  { bytes: 1n << 20n, labels: ['m', 'mb', 'mebibytes'], written: 'mb' },
  { bytes: 1n << 30n, labels: ['g', 'gb', 'gibibytes'], written: 'gb' },
  { bytes: 1n << 40n, labels: ['t', 'tb', 'tebibytes'], written: 'tb' },
];
const LABELS = UNITS.map((unit) => `(${unit.labels.join(' | ')})`).join(' / ');
const NEXT = 'Write a whole number with an optional unit, for example 1600m, 2 gb or 67108864.';

/**
 * Reads a size as Flink does: a whole number, optional blanks, an optional unit; every unit is binary and upper or lower
 * case; without a unit it is bytes. Throws `E_FLINK_CONFIG_VALUE`.
 */
export function parseMemorySize(text: string): MemorySize {
  const trimmed = javaTrim(text);
  if (trimmed === '') throw refuse('the text is empty or only blanks');
  const digits = /^[0-9]*/.exec(trimmed)?.[0] ?? '';
  if (digits === '') throw refuse(`"${trimmed}" does not start with a number`);
  const count = BigInt(digits);
  if (count > MAX_MEMORY_SIZE) throw refuse(`${digits} does not fit into 64 bits (numeric overflow)`);
  const label = javaTrim(trimmed.slice(digits.length)).toLowerCase();
  const unit = label === '' ? UNITS[0] : UNITS.find((candidate) => candidate.labels.includes(label));
  if (unit === undefined) throw refuse(`the memory size unit "${label}" is none of ${LABELS}`);
  const bytes = count * unit.bytes;
  if (bytes > MAX_MEMORY_SIZE) throw refuse(`${trimmed} does not fit into 64 bits as bytes (numeric overflow)`);
  return bytes;
}

/**
 * The exact form Flink writes: the largest unit that divides the size, for example `1536 mb` or `1025 bytes`; whole
 * terabytes are written in bytes.
 */
export function formatMemorySize(size: MemorySize): string {
  const unit = size === 0n ? undefined : UNITS.findLast((candidate) => size % candidate.bytes === 0n);
  return unit === undefined || unit.written === 'tb' ? `${size} bytes` : `${size / unit.bytes} ${unit.written}`;
}

/** The form of Flink's messages: rounded to three places, and exact, for example `1.500gb (1610612736 bytes)`. */
export function describeMemorySize(size: MemorySize): string {
  const unit = UNITS.findLast((candidate) => size > candidate.bytes);
  if (unit === undefined || unit.bytes === 1n) return `${size} bytes`;
  const thousandths = (size * 2000n + unit.bytes) / (2n * unit.bytes);
  const fraction = (thousandths % 1000n).toString().padStart(3, '0');
  return `${thousandths / 1000n}.${fraction}${unit.written} (${size} bytes)`;
}

function refuse(reason: string): FlinkError {
  return new FlinkError('E_FLINK_CONFIG_VALUE', `Not a memory size: ${reason}`, NEXT);
}
