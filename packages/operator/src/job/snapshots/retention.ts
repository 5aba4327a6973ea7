import type { FlinkStateSnapshot, SavepointInfo } from '@drey/api';
import { checkpointingOptions, type FlinkConfig, operatorOptions, resourceOptions } from '@drey/flink';
import { snapshotType, triggerTypeOf } from './snapshot-object.ts';
import type { SnapshotType } from './trigger.ts';

/** How many snapshots are kept, and since when. */
export interface RetentionLimits {
  readonly maxCount: number;
  /** What is older goes, in epoch milliseconds; undefined: age does not matter. */
  readonly cutoff: number | undefined;
}

/** Limits that the operator's own configuration puts on what resources may ask for. */
export interface RetentionCaps {
  readonly maxCount: number | undefined;
  readonly maxAgeMs: number | undefined;
}

/** The caps in an operator's configuration. */
export function retentionCaps(options: FlinkConfig): RetentionCaps {
  return {
    maxCount: options.get(operatorOptions.savepointHistoryMaxCountThreshold),
    maxAgeMs: options.get(operatorOptions.savepointHistoryMaxAgeThreshold),
  };
}

/** The limits in force for the snapshots of one job. At least one snapshot is kept whatever is configured. */
export function retentionLimits(
  type: SnapshotType,
  options: FlinkConfig,
  caps: RetentionCaps,
  now: number,
): RetentionLimits {
  if (type === 'CHECKPOINT') {
    return { maxCount: Math.max(1, options.get(checkpointingOptions.numRetained)), cutoff: undefined };
  }
  const count = Math.min(options.get(resourceOptions.savepointHistoryMaxCount), caps.maxCount ?? Number.MAX_VALUE);
  const age = Math.min(options.get(resourceOptions.savepointHistoryMaxAge), caps.maxAgeMs ?? Number.MAX_VALUE);
  return { maxCount: Math.max(1, count), cutoff: now - age };
}

/**
 * Which of a job's snapshots of one type are to be deleted (reference: snapshots.md 14.1). Only those that the operator took
 * for itself count and go, periodically or for an upgrade; the newest completed one and the last one of all stay.
 */
export function expiredSnapshots<S extends FlinkStateSnapshot>(
  snapshots: readonly S[],
  type: SnapshotType,
  { maxCount, cutoff }: RetentionLimits,
): S[] {
  const own = snapshots.filter((one) => isKeptByRules(one) && snapshotType(one) === type).sort(byAge);
  const newestCompleted = own.findLast((one) => one.status?.state === 'COMPLETED');
  const expired: S[] = [];
  for (const one of own) {
    const remaining = own.length - expired.length;
    if (remaining <= 1) break;
    if (one === newestCompleted) continue;
    if (remaining > maxCount || (cutoff !== undefined && createdAt(one) < cutoff)) expired.push(one);
  }
  return expired;
}

function isKeptByRules(snapshot: FlinkStateSnapshot): boolean {
  const trigger = triggerTypeOf(snapshot);
  return (trigger === 'PERIODIC' || trigger === 'UPGRADE') && snapshot.metadata.deletionTimestamp === undefined;
}

/** When a snapshot's object was created, in epoch milliseconds. */
export function createdAt({ metadata }: Pick<FlinkStateSnapshot, 'metadata'>): number {
  const at = Date.parse(metadata.creationTimestamp ?? '');
  return Number.isNaN(at) ? 0 : at;
}

/** Oldest first; creation times have whole seconds, the names of the operator's own carry milliseconds. */
function byAge(left: FlinkStateSnapshot, right: FlinkStateSnapshot): number {
  const difference = createdAt(left) - createdAt(right);
  if (difference !== 0) return difference;
  return (left.metadata.name ?? '') < (right.metadata.name ?? '') ? -1 : 1;
}

type HistoryEntry = NonNullable<NonNullable<SavepointInfo['savepointHistory']>>[number];

/**
 * Which savepoints of a status history are to go, oldest first (reference: snapshots.md 14.2). Completed savepoints that are
 * objects count as newer ones.
 */
export function expiredHistory(
  history: readonly HistoryEntry[],
  completedObjects: number,
  { maxCount, cutoff }: RetentionLimits,
): HistoryEntry[] {
  if (history.length === 0 || (history.length === 1 && completedObjects === 0)) return [];
  const keep = Math.max(0, maxCount - completedObjects);
  const surplus = Math.max(0, history.length - keep);
  const last = history.length - 1;
  return history.filter((entry, index) => {
    if (index === last && completedObjects === 0) return false;
    return index < surplus || (cutoff !== undefined && (entry.timeStamp ?? 0) < cutoff);
  });
}
