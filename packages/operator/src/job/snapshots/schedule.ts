import { type CronSchedule, parseCron } from '@drey/api';
import { type FlinkConfig, FlinkError, parseDuration } from '@drey/flink';

/** When periodic snapshots are due. `note` says how a text was read that the Apache operator would leave without effect. */
export type Schedule =
  | { readonly kind: 'off' }
  | { readonly kind: 'interval'; readonly ms: number; readonly note?: string }
  | { readonly kind: 'cron'; readonly cron: CronSchedule; readonly note?: string }
  | { readonly kind: 'unreadable' };

/**
 * Reads `kubernetes.operator.periodic.savepoint.interval` and its like: a duration in Flink's words, or a Quartz cron
 * expression; beyond what the Apache operator reads, ISO 8601 durations and Unix cron expressions, which it silently ignores.
 */
export function readSchedule(text: string | undefined, rules: FlinkConfig['rules']): Schedule {
  const trimmed = (text ?? '').trim();
  if (trimmed === '') return { kind: 'off' };
  const interval = durationMs(trimmed, rules);
  if (interval !== undefined) return interval === 0 ? { kind: 'off' } : { kind: 'interval', ms: interval };
  const iso = isoDurationMs(trimmed);
  if (iso !== undefined) {
    return iso === 0
      ? { kind: 'off' }
      : { kind: 'interval', ms: iso, note: `"${trimmed}" is read as an ISO 8601 duration of ${iso} ms.` };
  }
  const cron = parseCron(trimmed);
  if (cron === undefined) return { kind: 'unreadable' };
  return cron.dialect === 'quartz'
    ? { kind: 'cron', cron }
    : { kind: 'cron', cron, note: `"${trimmed}" is read as a Unix cron expression in UTC, where 0 and 7 are Sunday.` };
}

/**
 * The time after which a snapshot is due, in epoch milliseconds, when the last one was triggered at `lastMs`; undefined when
 * none will be.
 */
export function dueAfter(schedule: Schedule, lastMs: number): number | undefined {
  switch (schedule.kind) {
    case 'interval':
      return lastMs + schedule.ms;
    case 'cron':
      return schedule.cron.next(lastMs);
    default:
      return undefined;
  }
}

/** A duration in Flink's words in whole milliseconds; undefined when the text is none. */
export function durationMs(text: string, rules: FlinkConfig['rules']): number | undefined {
  try {
    return Number(parseDuration(text, rules) / 1_000_000n);
  } catch (error) {
    if (error instanceof FlinkError) return undefined;
    throw error;
  }
}

const ISO_DURATION =
  /^P(?=[\dT])(?:(\d{1,6})D)?(?:T(?=\d)(?:(\d{1,8})H)?(?:(\d{1,9})M)?(?:(\d{1,10}(?:\.\d{1,3})?)S)?)?$/i;

function isoDurationMs(text: string): number | undefined {
  const match = ISO_DURATION.exec(text);
  if (match === null) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}
