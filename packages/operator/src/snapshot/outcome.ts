import type { FlinkStateSnapshot, FlinkStateSnapshotStatus, Operation } from '@drey/api';
import {
  busyConditions,
  type ConditionDraft,
  readyUnlessBusy,
  settledConditions,
  summaryOf,
  type Told,
} from '../job/conditions.ts';
import type { PlannedEvent, WakeUp } from '../job/planned.ts';
import { redactedStatus } from '../job/redaction.ts';
import { ERROR_TYPES, type ErrorLimits, errorText, messageOf } from '../job/resource-error.ts';
import { snapshotType } from '../job/snapshots/snapshot-object.ts';
import { after } from '../job/wake-up.ts';
import type { SnapshotControllerStep } from './plan.ts';

/** What a concern decided; labels and conditions follow from it. */
export interface SnapshotOutcome {
  readonly status: FlinkStateSnapshotStatus;
  readonly steps?: readonly SnapshotControllerStep[];
  readonly settled?: FlinkStateSnapshotStatus;
  readonly events?: readonly PlannedEvent[];
  readonly wakeUp: WakeUp;
  /** What is waited for, where the state alone does not say. */
  readonly progress?: Told;
  /** Why nothing more will happen, where the state alone does not say. */
  readonly stalled?: Told;
}

/** The status of a snapshot that nothing was done for. */
export function statusOf(recorded: FlinkStateSnapshotStatus | undefined): FlinkStateSnapshotStatus {
  return { state: 'TRIGGER_PENDING', failures: 0, ...withoutNulls(recorded ?? {}) };
}

function withoutNulls(status: FlinkStateSnapshotStatus): FlinkStateSnapshotStatus {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== null));
}

/** A status without some of its members. */
export function without(
  status: FlinkStateSnapshotStatus,
  ...members: readonly (keyof FlinkStateSnapshotStatus)[]
): FlinkStateSnapshotStatus {
  return Object.fromEntries(
    Object.entries(status).filter(([key]) => !members.includes(key as keyof FlinkStateSnapshotStatus)),
  );
}

/** A status that ended well. */
export function completed(
  status: FlinkStateSnapshotStatus,
  path: string | undefined,
  now: number,
): FlinkStateSnapshotStatus {
  const over = without(status, 'error', 'operation', 'path');
  return { ...over, ...(path === undefined ? {} : { path }), state: 'COMPLETED', resultTimestamp: timestamp(now) };
}

/** Times of a status, as the Kubernetes API writes them. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** The operation in a status; undefined when there is none. */
export function operationOf(status: FlinkStateSnapshotStatus): Operation | undefined {
  return status.operation ?? undefined;
}

/** What was decided about the snapshot it belongs to: event component and reason of failed attempts. */
export function snapshotWarning(reason: string, message: string): PlannedEvent {
  return { type: 'Warning', reason, message, component: 'Snapshot' };
}

const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 60 * 60_000;

/** The pause after the how manieth failure: 10 s, doubled each time, up to an hour. */
export function retryDelayMs(failures: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, Math.min(failures, 30) - 1));
}

/**
 * An attempt failed (reference: snapshots.md 7). It is repeated after a pause until more attempts failed than `backoffLimit`
 * allows; a negative limit, or none, allows any number.
 */
export function failedAttempt(
  snapshot: FlinkStateSnapshot,
  status: FlinkStateSnapshotStatus,
  message: string,
  { now, errorLimits }: { readonly now: number; readonly errorLimits: ErrorLimits },
): SnapshotOutcome {
  const failures = (status.failures ?? 0) + 1;
  const limit = snapshot.spec.backoffLimit ?? -1;
  const final = limit >= 0 && failures > limit;
  const error = errorText({ type: ERROR_TYPES.reconciliation, message }, errorLimits);
  const reason = snapshotType(snapshot) === 'SAVEPOINT' ? 'SavepointError' : 'CheckpointError';
  return {
    status: {
      ...without(status, 'operation'),
      state: final ? 'FAILED' : 'TRIGGER_PENDING',
      failures,
      error,
      resultTimestamp: timestamp(now),
    },
    events: [snapshotWarning(reason, error)],
    wakeUp: final ? { kind: 'on-change' } : after(retryDelayMs(failures)),
  };
}

/** A status with the conditions and the summary that follow from it. */
export function withConditions(
  snapshot: FlinkStateSnapshot,
  outcome: SnapshotOutcome,
  status: FlinkStateSnapshotStatus,
  now: number,
): FlinkStateSnapshotStatus {
  const told = { progress: outcome.progress ?? progressOf(status), stalled: outcome.stalled ?? stalledOf(status) };
  const ready: ConditionDraft = readyUnlessBusy(told) ?? {
    type: 'Ready',
    status: 'True',
    reason: 'Completed',
    message: `The ${snapshotType(snapshot).toLowerCase()} is complete.`,
  };
  const generation = snapshot.metadata.generation ?? 1;
  const conditions = settledConditions([ready, ...busyConditions(told)], status.conditions ?? [], { generation, now });
  return redactedStatus(snapshot, { ...status, conditions, summary: summaryOf(conditions) });
}

function progressOf(status: FlinkStateSnapshotStatus): Told | undefined {
  const failures = status.failures ?? 0;
  switch (status.state) {
    case 'IN_PROGRESS':
      return { reason: 'InProgress', message: 'Flink is taking the snapshot.' };
    case 'COMPLETED':
    case 'FAILED':
    case 'ABANDONED':
      return undefined;
    default:
      return failures === 0
        ? { reason: 'TriggerPending', message: 'The snapshot is about to be triggered.' }
        : {
            reason: 'Retrying',
            message: `Attempt ${failures} failed and will be repeated: ${messageOf(status.error)}`,
          };
  }
}

function stalledOf(status: FlinkStateSnapshotStatus): Told | undefined {
  const message = messageOf(status.error) ?? 'The snapshot was not taken.';
  if (status.state === 'FAILED') {
    return { reason: 'Failed', message: `${message} Create another FlinkStateSnapshot to try again.` };
  }
  if (status.state === 'ABANDONED') {
    return { reason: 'Abandoned', message: `${message}. Create another FlinkStateSnapshot once the job runs.` };
  }
  return undefined;
}
