import {
  asObject,
  type Compact,
  compact,
  flag,
  type JsonObject,
  list,
  number,
  numbers,
  optionalNumber,
  optionalObject,
  optionalText,
  text,
} from './reader.ts';

/** A checkpoint or savepoint in a job's history. */
export type Checkpoint = Compact<{
  readonly id: number;
  readonly status: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  readonly isSavepoint: boolean;
  /** `CHECKPOINT`, `UNALIGNED_CHECKPOINT`, `SAVEPOINT` or `SYNC_SAVEPOINT` (stop with savepoint). */
  readonly checkpointType: string | undefined;
  readonly savepointFormat: string | undefined;
  /** Milliseconds since the epoch. */
  readonly triggerTimestamp: number;
  readonly latestAckTimestamp: number | undefined;
  /** Bytes. */
  readonly stateSize: number;
  readonly endToEndDurationMs: number;
  /** Where it can be restored from; absent when it lives in the JobManager's memory. */
  readonly externalPath: string | undefined;
  readonly discarded: boolean;
  readonly failureTimestamp: number | undefined;
  readonly failureMessage: string | undefined;
  /** Sizes and durations by vertex; only in the details of one checkpoint. */
  readonly tasks: Readonly<Record<string, Readonly<Record<string, number>>>>;
}>;

/** The snapshot a job was restored from. */
export type RestoredCheckpoint = Compact<{
  readonly id: number;
  readonly restoreTimestamp: number;
  readonly isSavepoint: boolean;
  readonly externalPath: string | undefined;
}>;

/** `GET /jobs/:jobid/checkpoints`. */
export interface Checkpoints {
  readonly counts: {
    readonly restored: number;
    readonly total: number;
    readonly inProgress: number;
    readonly completed: number;
    readonly failed: number;
  };
  readonly latest: {
    /** Checkpoints only: savepoints are under `savepoint`. */
    readonly completed?: Checkpoint;
    readonly savepoint?: Checkpoint;
    readonly failed?: Checkpoint;
    readonly restored?: RestoredCheckpoint;
  };
  /** Newest first. */
  readonly history: readonly Checkpoint[];
}

export function parseCheckpoints(json: unknown): Checkpoints {
  const from = asObject(json, 'the checkpoints');
  const counts = asObject(from.counts, 'counts');
  const latest = optionalObject(from, 'latest') ?? {};
  const one = (name: string): Checkpoint | undefined => {
    const found = optionalObject(latest, name);
    return found === undefined ? undefined : readCheckpoint(found);
  };
  const restored = optionalObject(latest, 'restored');
  return {
    counts: {
      restored: number(counts, 'restored'),
      total: number(counts, 'total'),
      inProgress: number(counts, 'in_progress'),
      completed: number(counts, 'completed'),
      failed: number(counts, 'failed'),
    },
    latest: compact({
      completed: one('completed'),
      savepoint: one('savepoint'),
      failed: one('failed'),
      restored: restored === undefined ? undefined : readRestored(restored),
    }),
    history: list(from, 'history', readCheckpoint),
  };
}

/** `GET /jobs/:jobid/checkpoints/details/:checkpointid`. */
export function parseCheckpoint(json: unknown): Checkpoint {
  return readCheckpoint(asObject(json, 'the checkpoint'));
}

function readCheckpoint(from: JsonObject): Checkpoint {
  const status = statusOf(text(from, 'status'));
  const tasks = optionalObject(from, 'tasks') ?? {};
  return compact({
    id: number(from, 'id'),
    status,
    isSavepoint: flag(from, 'is_savepoint'),
    checkpointType: optionalText(from, 'checkpoint_type'),
    savepointFormat: optionalText(from, 'savepointFormat'),
    triggerTimestamp: number(from, 'trigger_timestamp'),
    latestAckTimestamp: optionalNumber(from, 'latest_ack_timestamp'),
    stateSize: number(from, 'state_size'),
    endToEndDurationMs: number(from, 'end_to_end_duration'),
    externalPath: addressable(optionalText(from, 'external_path')),
    discarded: flag(from, 'discarded'),
    failureTimestamp: optionalNumber(from, 'failure_timestamp'),
    failureMessage: optionalText(from, 'failure_message'),
    tasks: Object.fromEntries(Object.keys(tasks).map((vertex) => [vertex, numbers(tasks, vertex)])),
  });
}

function statusOf(text: string): Checkpoint['status'] {
  return text === 'COMPLETED' || text === 'FAILED' ? text : 'IN_PROGRESS';
}

function readRestored(from: JsonObject): RestoredCheckpoint {
  return compact({
    id: number(from, 'id'),
    restoreTimestamp: number(from, 'restore_timestamp'),
    isSavepoint: flag(from, 'is_savepoint'),
    externalPath: addressable(optionalText(from, 'external_path')),
  });
}

/** Flink writes a text in angle brackets where there is no path. */
function addressable(path: string | undefined): string | undefined {
  return path === undefined || path.startsWith('<') ? undefined : path;
}

/** The newest snapshot that a job can be restored from, checkpoint or savepoint. */
export function newestRestorable(checkpoints: Checkpoints): Checkpoint | undefined {
  const candidates = [checkpoints.latest.completed, checkpoints.latest.savepoint].filter(
    (one) => one?.externalPath !== undefined && !one.discarded,
  );
  return candidates.sort((a, b) => (b?.id ?? 0) - (a?.id ?? 0))[0];
}

/** `GET /jobs/:jobid/checkpoints/config`. */
export type CheckpointConfig = Compact<{
  readonly mode: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly minPauseMs: number;
  readonly maxConcurrent: number;
  readonly retained: boolean;
  readonly deleteOnCancellation: boolean;
  readonly stateBackend: string | undefined;
  readonly checkpointStorage: string | undefined;
  readonly unaligned: boolean;
  readonly tolerableFailed: number | undefined;
}>;

export function parseCheckpointConfig(json: unknown): CheckpointConfig {
  const from = asObject(json, 'the configuration');
  const externalization = optionalObject(from, 'externalization') ?? {};
  return compact({
    mode: text(from, 'mode'),
    intervalMs: number(from, 'interval'),
    timeoutMs: number(from, 'timeout'),
    minPauseMs: number(from, 'min_pause'),
    maxConcurrent: number(from, 'max_concurrent'),
    retained: flag(externalization, 'enabled'),
    deleteOnCancellation: flag(externalization, 'delete_on_cancellation'),
    stateBackend: optionalText(from, 'state_backend'),
    checkpointStorage: optionalText(from, 'checkpoint_storage'),
    unaligned: flag(from, 'unaligned_checkpoints'),
    tolerableFailed: optionalNumber(from, 'tolerable_failed_checkpoints'),
  });
}
