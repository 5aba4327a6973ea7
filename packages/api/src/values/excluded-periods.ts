import { isCronExpression } from '../validation/cron.ts';
import { type CronSchedule, parseCron } from './cron-schedule.ts';

/** Times of every day, in milliseconds since midnight, both ends included, or seconds that a Quartz expression names. */
export type PeriodPart =
  | { readonly kind: 'daily'; readonly from: number; readonly to: number }
  | { readonly kind: 'cron'; readonly schedule: CronSchedule };

/** One element of `job.autoscaler.excluded.periods`: all of its parts have to match. */
export type ExcludedPeriod = readonly PeriodPart[];

/** `value` is what cannot be read, `why` the Apache operator's words about it, or nothing. */
export type ExcludedPeriodReading =
  | { readonly ok: true; readonly value: ExcludedPeriod }
  | { readonly ok: false; readonly value: string; readonly why: string };

/**
 * Reads one element (reference: autoscaler.md 7.2): `H:m[:s]-H:m[:s]`, a Quartz expression of six or seven fields, or one of
 * each joined by `&&`.
 */
export function parseExcludedPeriod(text: string): ExcludedPeriodReading {
  const texts = text.split('&&');
  if (texts.length > 2) return { ok: false, value: text, why: '' };
  const parts: PeriodPart[] = [];
  for (const one of texts.map((part) => part.trim())) {
    const part = dailyPeriod(one) ?? cronPeriod(one);
    if (part === undefined) return { ok: false, value: one, why: NEITHER };
    parts.push(part);
  }
  if (parts.length === 2 && parts[0]?.kind === parts[1]?.kind) return { ok: false, value: text, why: TWICE };
  return { ok: true, value: parts };
}

const NEITHER = ', the value is neither a valid daily expression nor a valid cron expression';
const TWICE =
  ', the value can not be configured as dailyExpression && dailyExpression or cronExpression && cronExpression';

/** Whether a time, in epoch milliseconds, lies in one of the periods. Times of day are UTC's. */
export function isExcluded(periods: readonly ExcludedPeriod[], at: number): boolean {
  return periods.some((parts) => parts.every((part) => matches(part, at)));
}

const DAY_MS = 24 * 60 * 60_000;

function matches(part: PeriodPart, at: number): boolean {
  if (part.kind === 'daily') {
    const ofDay = ((at % DAY_MS) + DAY_MS) % DAY_MS;
    return part.from <= ofDay && ofDay <= part.to;
  }
  const second = Math.floor(at / 1000) * 1000;
  return part.schedule.next(second - 1) === second;
}

function cronPeriod(text: string): PeriodPart | undefined {
  const schedule = isCronExpression(text) ? parseCron(text) : undefined;
  return schedule && { kind: 'cron', schedule };
}

function dailyPeriod(text: string): PeriodPart | undefined {
  const ends = text.split('-').map(timeOfDay);
  const [from, to] = ends;
  if (ends.length !== 2 || from === undefined || to === undefined || from >= to) return undefined;
  return { kind: 'daily', from, to };
}

/** A time as milliseconds of the day, undefined when the text is none. */
function timeOfDay(text: string): number | undefined {
  const match = /^\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?::(\d{1,3}))?)?\s*$/.exec(text);
  if (match === null) return undefined;
  const [hours = 0, minutes = 0, seconds = 0, millis = 0] = match.slice(1).map((digits) => Number(digits ?? 0));
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis;
}
