import type { JobState, SnapshotTriggerType } from '@drey/api';
import { featuresOf, tryParseFlinkVersion } from '@drey/flink';
import { dueAfter, type Schedule } from './schedule.ts';

/** What a snapshot is. */
export type SnapshotType = 'SAVEPOINT' | 'CHECKPOINT';

/** What the question whether to take a snapshot of one type depends on. */
export interface TriggerInput {
  readonly type: SnapshotType;
  readonly state: JobState | null | undefined;
  /** Version of the running Flink as resources spell it (`v1_20`). */
  readonly flinkVersion: string | undefined;
  /** Flink's id of a snapshot that the status says is under way. */
  readonly triggerId: string | null | undefined;
  /** The nonce in the spec, and the one that was last carried out. */
  readonly nonce: number | null | undefined;
  readonly recordedNonce: number | null | undefined;
  readonly schedule: Schedule;
  /** When the last periodic snapshot of this type was triggered, in epoch milliseconds. */
  readonly lastTriggerMs: number;
  readonly now: number;
}

/**
 * Whether a snapshot is to be taken now, and why (reference: snapshots.md 13): of a running job that none of this type is
 * under way of, because of a new nonce, else because it is due. Clearing a nonce asks for nothing.
 */
export function triggerOf(input: TriggerInput): Extract<SnapshotTriggerType, 'MANUAL' | 'PERIODIC'> | undefined {
  if (input.state !== 'RUNNING' || isText(input.triggerId) || !canTake(input.type, input.flinkVersion))
    return undefined;
  if (hasNewNonce(input)) return 'MANUAL';
  const due = dueAfter(input.schedule, input.lastTriggerMs);
  return due !== undefined && due < input.now ? 'PERIODIC' : undefined;
}

/** True when the spec asks for a snapshot that was not carried out yet. */
export function hasNewNonce({ nonce, recordedNonce }: Pick<TriggerInput, 'nonce' | 'recordedNonce'>): boolean {
  return nonce !== undefined && nonce !== null && nonce !== recordedNonce;
}

/** Checkpoints can be asked for from Flink 1.17 on. */
export function canTake(type: SnapshotType, flinkVersion: string | undefined): boolean {
  if (type === 'SAVEPOINT') return true;
  const version = tryParseFlinkVersion(flinkVersion ?? '');
  return version !== undefined && featuresOf(version).checkpointTrigger;
}

function isText(text: string | null | undefined): boolean {
  return text !== undefined && text !== null && text !== '';
}
