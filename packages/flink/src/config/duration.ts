import { FlinkError } from '../errors.ts';
import { javaTrim } from './java-text.ts';

const MAX_LONG = 2n ** 63n - 1n;
const SECOND = 1_000_000_000n;

interface TimeUnit {
  readonly nanos: bigint;
  readonly labels: readonly string[];
}

const UNITS: readonly TimeUnit[] = [
  { nanos: 86_400n * SECOND, labels: ['d', 'day', 'days'] },
  { nanos: 3_600n * SECOND, labels: ['h', 'hour', 'hours'] },
  { nanos: 60n * SECOND, labels: ['min', 'm', 'minute', 'minutes'] },
  { nanos: SECOND, labels: ['s', 'sec', 'secs', 'second', 'seconds'] },
  { nanos: 1_000_000n, labels: ['ms', 'milli', 'millis', 'millisecond', 'milliseconds'] },
  { nanos: 1_000n, labels: ['µs', 'micro', 'micros', 'microsecond', 'microseconds'] },
  { nanos: 1n, labels: ['ns', 'nano', 'nanos', 'nanosecond', 'nanoseconds'] },
];
const MILLISECOND = 1_000_000n;
const LABELS = UNITS.map((unit) => `(${unit.labels.join(' | ')})`).join(', ');
const NEXT = 'Write a whole number with a unit, for example 10 s, 5 min or 500 ms.';

/** What a duration text may look like: newer versions of Flink also take ISO-8601 (`PT10S`) and numbers beyond 64 bits. */
export interface DurationRules {
  readonly isoDurations: boolean;
}

/**
 * Reads a duration as Flink does, in nanoseconds: a whole number and an optional unit; without a unit it is milliseconds.
 * Throws `E_FLINK_CONFIG_VALUE`.
 */
export function parseDuration(text: string, rules: DurationRules): bigint {
  const trimmed = javaTrim(text);
  if (trimmed === '') throw refuse('the text is empty or only blanks');
  const digits = /^[0-9]*/.exec(trimmed)?.[0] ?? '';
  if (digits === '') {
    const iso = rules.isoDurations ? parseIsoDuration(trimmed) : undefined;
    if (iso !== undefined) return iso;
    const also = rules.isoDurations ? ', and is not an ISO-8601 duration' : '';
    throw refuse(`"${trimmed}" does not start with a number${also}`);
  }
  const label = javaTrim(trimmed.slice(digits.length)).toLowerCase();
  const count = BigInt(digits);
  if (!rules.isoDurations && count > MAX_LONG) throw refuse(`${digits} does not fit into 64 bits (numeric overflow)`);
  const unitNanos = label === '' ? MILLISECOND : UNITS.find((unit) => unit.labels.includes(label))?.nanos;
  if (unitNanos === undefined) throw refuse(`the time unit "${label}" is none of ${LABELS}`);
  return bounded(count * unitNanos, trimmed);
}

/** The form Flink writes: the largest unit that divides the duration, for example `90 s` or `1500 ms`. */
export function formatDuration(nanos: bigint): string {
  if (nanos === 0n) return '0 ms';
  const unit = UNITS.find((candidate) => nanos % candidate.nanos === 0n);
  const label = unit?.labels[0] ?? 'ns';
  return `${nanos / (unit?.nanos ?? 1n)} ${label}`;
}

const ISO = /^([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,](\d{0,9}))?S)?)?$/i;

/** The subset of ISO-8601 that Java's Duration reads: days, hours, minutes and seconds with signs and a fraction. Negative ones are refused. */
function parseIsoDuration(text: string): bigint | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, sign, days, time, hours, minutes, seconds, fraction] = match;
  const parts = [days, hours, minutes, seconds];
  if (parts.every((part) => part === undefined) || time?.toUpperCase() === 'T') return undefined;
  const whole = (part: string | undefined): bigint => (part === undefined ? 0n : BigInt(part.replace('+', '')));
  const part = BigInt((fraction ?? '').padEnd(9, '0')) * (seconds?.startsWith('-') ? -1n : 1n);
  const total = ((whole(days) * 24n + whole(hours)) * 60n + whole(minutes)) * 60n + whole(seconds);
  const nanos = total * SECOND + part;
  const signed = sign === '-' ? -nanos : nanos;
  if (signed < 0n) throw refuse(`${text} is negative`);
  return bounded(signed, text);
}

function bounded(nanos: bigint, text: string): bigint {
  const seconds = nanos / SECOND;
  if (seconds > MAX_LONG) throw refuse(`${text} is out of range (numeric overflow)`);
  return nanos;
}

function refuse(reason: string): FlinkError {
  return new FlinkError('E_FLINK_CONFIG_VALUE', `Not a duration: ${reason}`, NEXT);
}
