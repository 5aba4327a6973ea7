import { isStillDown } from './operation-history.ts';
import type { JobResourceStatus } from './resource.ts';

const SHORTEST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/**
 * How long a failed job is still left alone before it is started again, in milliseconds; 0 for one that ran since it was
 * started last. One that fails at each start, for example since nothing is where it is to begin, is started less and less
 * often: after half of the time that it has been down already, and once in five minutes at the least.
 */
export function restartPauseMs(status: JobResourceStatus, now: number): number {
  const launchedAt = status.reconciliationStatus?.reconciliationTimestamp ?? 0;
  if (!isStillDown(status)) return 0;
  const downAt = Date.parse(status.lastOperations?.[0]?.downAt ?? '');
  const downMs = Number.isFinite(downAt) ? launchedAt - downAt : 0;
  const pause = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, downMs / 2));
  return Math.max(0, launchedAt + pause - now);
}

/** What is told meanwhile. */
export const RESTART_PAUSED = {
  reason: 'RecoveryPending',
  message: 'The job failed as soon as it was started; it is started again a little later.',
} as const;
