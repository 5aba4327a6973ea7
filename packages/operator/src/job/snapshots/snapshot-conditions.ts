import type { ConditionDraft } from '../conditions.ts';
import type { JobResourceStatus } from '../resource.ts';
import type { JobSnapshotsInput } from './input.ts';
import { nonceOf, recordedNonce } from './nonce.ts';
import { usesObjects } from './object-mode.ts';
import { type Schedule, SHORTEST_PERIOD_MS, scheduleOf } from './schedule.ts';
import { lastSnapshotState } from './snapshot-memory.ts';
import { canTake, type SnapshotType } from './trigger.ts';

const TYPES: readonly SnapshotType[] = ['SAVEPOINT', 'CHECKPOINT'];

/** How a schedule was read where that is not plain, and when it cannot be followed. */
export function scheduleConditions<S extends JobResourceStatus>(input: JobSnapshotsInput<S>): ConditionDraft[] {
  const drafts: ConditionDraft[] = [];
  for (const type of TYPES) {
    const schedule = scheduleOf(input.options, type);
    const what = type === 'SAVEPOINT' ? 'Savepoint' : 'Checkpoint';
    const key = `kubernetes.operator.periodic.${what.toLowerCase()}.interval`;
    const draft = scheduleDraft(input, type, schedule, key);
    if (draft !== undefined) drafts.push({ type: `${what}Schedule`, ...draft });
  }
  return drafts;
}

function scheduleDraft<S extends JobResourceStatus>(
  input: JobSnapshotsInput<S>,
  type: SnapshotType,
  schedule: Schedule,
  key: string,
): Omit<ConditionDraft, 'type'> | undefined {
  if (schedule.kind === 'off') return undefined;
  if (schedule.kind === 'unreadable') {
    const message = `${key} is neither a duration nor a cron expression: nothing is taken. Write, for example, 1h or 0 0 * * * ?.`;
    return { status: 'False', reason: 'NotUnderstood', message };
  }
  if (!canTake(type, input.flinkVersion)) {
    const message = `${key} has no effect: checkpoints can be asked for from Flink 1.17 on.`;
    return { status: 'False', reason: 'NotSupported', message };
  }
  if (schedule.kind === 'interval' && schedule.ms < SHORTEST_PERIOD_MS) {
    const message = `${key} asks for a snapshot every ${schedule.ms} ms; one every ${SHORTEST_PERIOD_MS / 1000} s is taken.`;
    return { status: 'True', reason: 'TooOften', message };
  }
  if (schedule.note === undefined) return undefined;
  return { status: 'True', reason: 'Interpreted', message: `${key}: ${schedule.note}` };
}

/**
 * How the snapshot went that the newest nonce asked for, where no FlinkStateSnapshot tells: `ManualSavepoint` and
 * `ManualCheckpoint`, for whoever waits for one.
 */
export function nonceConditions<S extends JobResourceStatus>(input: JobSnapshotsInput<S>): ConditionDraft[] {
  if (usesObjects(input)) return [];
  const drafts: ConditionDraft[] = [];
  for (const kind of TYPES) {
    const nonce = nonceOf(input.job, kind);
    if (nonce === undefined || nonce === null) continue;
    const state = lastSnapshotState(input.status, kind, { nonce, recorded: recordedNonce(input.status, kind) });
    const draft = { type: kind === 'SAVEPOINT' ? 'ManualSavepoint' : 'ManualCheckpoint' };
    const which = `The ${kind.toLowerCase()} for nonce ${nonce}`;
    if (state === 'PENDING') {
      drafts.push({ ...draft, status: 'Unknown', reason: 'Pending', message: `${which} is not complete yet.` });
    } else if (state === 'SUCCEEDED') {
      drafts.push({ ...draft, status: 'True', reason: 'Completed', message: `${which} is complete.` });
    } else if (state === 'ABANDONED') {
      const message = `${which} was not taken. Set another nonce to try again.`;
      drafts.push({ ...draft, status: 'False', reason: 'NotTaken', message });
    }
  }
  return drafts;
}
