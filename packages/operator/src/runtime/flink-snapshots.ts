import {
  type Answer,
  type Checkpoint,
  type FlinkRest,
  mapAnswer,
  type Operation,
  type OperationFailure,
  summarise,
  unknown,
} from '@drey/flink';
import type { FlinkCall, FlinkFailure } from './ports.ts';

/** A savepoint of a job that goes on running. */
export interface SavepointTrigger {
  readonly jobId: string;
  /** Flink's trigger id: the same id never starts a second savepoint while the JobManager lives. */
  readonly triggerId: string;
  /** Absent: the directory in Flink's own configuration. */
  readonly targetDirectory: string | undefined;
  readonly format: 'CANONICAL' | 'NATIVE';
}

/** A checkpoint out of turn; from Flink 1.17. */
export interface CheckpointTrigger {
  readonly jobId: string;
  readonly triggerId: string;
  readonly type: 'FULL' | 'INCREMENTAL';
}

/** State of a checkpoint that was asked for. */
export type CheckpointProgress =
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'completed'; readonly checkpointId: number }
  | { readonly kind: 'failed'; readonly failure: FlinkFailure };

/** Where a checkpoint lies. */
export type CheckpointPlace =
  | { readonly kind: 'in-progress' }
  /** `path` is undefined for one that lives in the JobManager's memory. */
  | { readonly kind: 'completed'; readonly path: string | undefined }
  | { readonly kind: 'failed' };

/** State of a disposal that was asked for. */
export type DisposalProgress =
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly failure: FlinkFailure };

/** The calls on one Flink cluster that take snapshots and delete them. Methods never reject. */
export interface FlinkSnapshots {
  /** Asks for a savepoint. Also accepted for jobs that Flink does not know; the progress tells. */
  triggerSavepoint(trigger: SavepointTrigger, call: FlinkCall): Promise<Answer<undefined>>;
  triggerCheckpoint(trigger: CheckpointTrigger, call: FlinkCall): Promise<Answer<undefined>>;
  /** `not-found`: this JobManager was never asked for it, or has forgotten it. */
  checkpoint(jobId: string, triggerId: string, call: FlinkCall): Promise<Answer<CheckpointProgress>>;
  checkpointPlace(jobId: string, checkpointId: number, call: FlinkCall): Promise<Answer<CheckpointPlace>>;
  /** Deletes a savepoint's files; the value is the id to ask {@link FlinkSnapshots.disposal} with, which Flink chooses. */
  disposeSavepoint(path: string, call: FlinkCall): Promise<Answer<string>>;
  disposal(id: string, call: FlinkCall): Promise<Answer<DisposalProgress>>;
}

/** The calls over Flink's REST API. */
export function snapshotCalls(rest: (call: FlinkCall) => FlinkRest): FlinkSnapshots {
  return {
    triggerSavepoint: async ({ jobId, triggerId, targetDirectory, format }, call) => {
      const directory = targetDirectory === undefined ? {} : { targetDirectory };
      const request = { triggerId, formatType: format, ...directory };
      return accepted(await rest(call).triggerSavepoint(jobId, request, call), triggerId);
    },
    triggerCheckpoint: async ({ jobId, triggerId, type }, call) =>
      accepted(await rest(call).triggerCheckpoint(jobId, { triggerId, checkpointType: type }, call), triggerId),
    checkpoint: async (jobId, triggerId, call) =>
      mapAnswer(await rest(call).checkpointOperation(jobId, triggerId, call), checkpointProgress),
    checkpointPlace: async (jobId, checkpointId, call) =>
      mapAnswer(await rest(call).checkpoint(jobId, checkpointId, call), placeOf),
    disposeSavepoint: (path, call) => rest(call).disposeSavepoint(path, call),
    disposal: async (id, call) => mapAnswer(await rest(call).disposalOperation(id, call), disposalProgress),
  };
}

/** An answer with another id is not about what was asked for. */
function accepted(answer: Answer<string>, triggerId: string): Answer<undefined> {
  if (answer.kind === 'ok' && answer.value !== triggerId) {
    return unknown('bad-answer', `Flink answered with the id ${answer.value} instead of ${triggerId}.`, true);
  }
  return mapAnswer(answer, () => undefined);
}

function checkpointProgress(operation: Operation<number>): CheckpointProgress {
  if (operation.kind === 'completed') return { kind: 'completed', checkpointId: operation.value };
  return operation.kind === 'failed' ? { kind: 'failed', failure: failureOf(operation.failure) } : operation;
}

function disposalProgress(operation: Operation<undefined>): DisposalProgress {
  if (operation.kind === 'completed') return { kind: 'completed' };
  return operation.kind === 'failed' ? { kind: 'failed', failure: failureOf(operation.failure) } : operation;
}

function placeOf({ status, externalPath }: Checkpoint): CheckpointPlace {
  if (status === 'IN_PROGRESS') return { kind: 'in-progress' };
  return status === 'FAILED' ? { kind: 'failed' } : { kind: 'completed', path: externalPath };
}

/** A failure as Flink reports it, in one line. */
export function failureOf(failure: OperationFailure): FlinkFailure {
  return { type: failure.className, message: summarise(failure.stackTrace) };
}
