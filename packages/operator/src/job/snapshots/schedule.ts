import { type CronSchedule, parseCron } from '@drey/api';
import { type FlinkConfig, FlinkError, parseDuration, resourceOptions } from '@drey/flink';
import type { SnapshotType } from './trigger.ts';

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
  if (interval !== undefined && interval <= 0) return { kind: 'off' };
  if (interval !== undefined) {
    const note = /^P/i.test(trimmed) ? { note: `"${trimmed}" is read as an ISO 8601 duration of ${interval} ms.` } : {};
    return { kind: 'interval', ms: interval, ...note };
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

/**
 * Two periodic snapshots of one type are at least this far apart, whatever the schedule says: `10` means 10 ms, as everywhere
 * in Flink's configuration, and nobody wants a hundred savepoints a second.
 */
export const SHORTEST_PERIOD_MS = 10_000;

/** The schedule that a configuration sets for one type of snapshot. */
export function scheduleOf(options: FlinkConfig, type: SnapshotType): Schedule {
  const option =
    type === 'SAVEPOINT' ? resourceOptions.periodicSavepointInterval : resourceOptions.periodicCheckpointInterval;
  return readSchedule(options.get(option), options.rules);
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
