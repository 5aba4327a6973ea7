import type { CheckpointInfo, FlinkStateSnapshot, SavepointInfo } from '@drey/api';
import type { JobResourceStatus } from '../resource.ts';
import { withJob } from '../status.ts';
import { createdAt } from './retention.ts';
import { snapshotType, triggerTypeOf } from './snapshot-object.ts';
import { hasNewNonce, type SnapshotType } from './trigger.ts';

/** Ways to read and change what `status.jobStatus` remembers of one type of snapshot. */
export function pendingTrigger(status: JobResourceStatus, type: SnapshotType): SavepointInfo | CheckpointInfo {
  const job = status.jobStatus;
  return (type === 'SAVEPOINT' ? job?.savepointInfo : job?.checkpointInfo) ?? {};
}

/** True when the status names a snapshot of this type as under way. */
export function isUnderWay(status: JobResourceStatus, type: SnapshotType): boolean {
  const { triggerId } = pendingTrigger(status, type);
  return triggerId !== undefined && triggerId !== null && triggerId !== '';
}

/** A status with other members about one type of snapshot; undefined ones go. */
export function withInfo<S extends JobResourceStatus>(
  status: S,
  type: SnapshotType,
  change: Partial<Record<keyof SavepointInfo | keyof CheckpointInfo, unknown>>,
): S {
  const merged = Object.fromEntries(
    Object.entries({ ...pendingTrigger(status, type), ...change }).filter(([, value]) => value !== undefined),
  );
  return withJob(status, type === 'SAVEPOINT' ? { savepointInfo: merged } : { checkpointInfo: merged });
}

/** A status in which no snapshot of this type is under way. */
export function withoutTrigger<S extends JobResourceStatus>(status: S, type: SnapshotType): S {
  const none = { triggerId: undefined, triggerTimestamp: undefined, triggerType: undefined, formatType: undefined };
  return withInfo(status, type, none);
}

/** A status that remembers when a periodic snapshot was triggered, so that the schedule survives this process. */
export function withPeriod<S extends JobResourceStatus>(status: S, type: SnapshotType, at: number): S {
  return withInfo(
    status,
    type,
    type === 'SAVEPOINT' ? { lastPeriodicSavepointTimestamp: at } : { lastPeriodicCheckpointTimestamp: at },
  );
}

/**
 * When the last periodic snapshot was triggered, in epoch milliseconds: what the status remembers, the newest object of that
 * kind whatever became of it, else the creation of the job's resource.
 */
export function lastPeriod(
  status: JobResourceStatus,
  type: SnapshotType,
  objects: readonly FlinkStateSnapshot[],
  createdAtMs: number,
): number {
  const job = status.jobStatus;
  const remembered =
    type === 'SAVEPOINT'
      ? job?.savepointInfo?.lastPeriodicSavepointTimestamp
      : job?.checkpointInfo?.lastPeriodicCheckpointTimestamp;
  const own = objects.filter((one) => snapshotType(one) === type && triggerTypeOf(one) === 'PERIODIC').map(createdAt);
  return Math.max(remembered ?? 0, createdAtMs, ...own);
}

/** How the last snapshot of a type that only the status knows went; undefined: none was asked for yet. */
export function lastSnapshotState(
  status: JobResourceStatus,
  type: SnapshotType,
  { nonce, recorded }: { readonly nonce: number | null | undefined; readonly recorded: number | null | undefined },
): 'PENDING' | 'SUCCEEDED' | 'ABANDONED' | undefined {
  const { triggerId } = pendingTrigger(status, type);
  if (triggerId !== undefined && triggerId !== null) return 'PENDING';
  if (hasNewNonce({ nonce, recordedNonce: recorded })) return 'PENDING';
  const job = status.jobStatus;
  const last = type === 'SAVEPOINT' ? job?.savepointInfo?.lastSavepoint : job?.checkpointInfo?.lastCheckpoint;
  if (last?.triggerType === undefined || last.triggerType === null) return undefined;
  const isLatest = last.triggerType !== 'MANUAL' || (last.triggerNonce ?? undefined) === (recorded ?? undefined);
  return isLatest ? 'SUCCEEDED' : 'ABANDONED';
}
