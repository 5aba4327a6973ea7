import { JOB_STATES, type JobState, type JobStatus } from '@drey/api';
import type { Answer } from '@drey/flink';
import type { FlinkCheckpoint, FlinkCheckpoints, FlinkJob } from '../runtime/ports.ts';
import { isTerminal } from './upgrade-choice.ts';

/** What Flink says about the job. */
export type JobObservation =
  /** Flink was not asked or did not answer. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** Flink answered, and the job is not in its list. */
  | { readonly kind: 'missing' }
  /** The job ended, but what state it left could not be read: the end is not recorded before that is known. */
  | { readonly kind: 'end-not-understood'; readonly job: FlinkJob; readonly reason: string }
  | {
      readonly kind: 'found';
      readonly job: FlinkJob;
      readonly state: JobState;
      /** For a job that ended: where its state is. */
      readonly end?: EndState;
    };

export type EndState =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'none' }
  /** The newest state was only in the memory of the JobManager. */
  | { readonly kind: 'not-persistent' };

/** What Flink reports as the path of a checkpoint that was never written anywhere. */
export const NOT_ADDRESSABLE = '<checkpoint-not-externally-addressable>';

/**
 * Flink answers questions about checkpoints from a cache of 3 s. What a job left at its end is taken for the last word only
 * this long after the end was seen.
 */
export const END_SETTLES_MS = 3_500;

/** Finds the job with `jobId` in Flink's answers. */
export function observeJob(
  jobId: string | null | undefined,
  jobs: Answer<readonly FlinkJob[]> | undefined,
  checkpoints: Answer<FlinkCheckpoints> | undefined,
): JobObservation {
  if (jobs === undefined) return { kind: 'unknown', reason: 'Flink was not asked' };
  if (jobs.kind !== 'ok') return { kind: 'unknown', reason: jobs.message };
  const job = jobs.value.find((candidate) => candidate.jobId === jobId);
  if (job === undefined) return { kind: 'missing' };
  const state = JOB_STATES.find((known) => known === job.state);
  if (state === undefined) return { kind: 'unknown', reason: `Flink reports the job state ${job.state}` };
  if (!isTerminal(state)) return { kind: 'found', job, state };
  const end = endState(checkpoints);
  if (end === undefined) return { kind: 'end-not-understood', job, reason: 'the checkpoints could not be read' };
  return { kind: 'found', job, state, end };
}

/**
 * The newest state a finished job left: the highest id among its last checkpoint, last savepoint and the one it was
 * restored from. undefined: not known.
 */
function endState(checkpoints: Answer<FlinkCheckpoints> | undefined): EndState | undefined {
  if (checkpoints === undefined) return undefined;
  // Flink answers 404 for a job without checkpointing.
  if (checkpoints.kind === 'not-found') return { kind: 'none' };
  if (checkpoints.kind !== 'ok') return undefined;
  const newest = newestCheckpoint(checkpoints.value);
  if (newest === undefined) return { kind: 'none' };
  if (newest.path === undefined || newest.path === NOT_ADDRESSABLE) return { kind: 'not-persistent' };
  return { kind: 'path', path: newest.path };
}

/** The newest state of a job. */
export function newestCheckpoint(checkpoints: FlinkCheckpoints): FlinkCheckpoint | undefined {
  return [checkpoints.completed, checkpoints.savepoint, checkpoints.restored]
    .filter((one) => one !== undefined)
    .reduce<FlinkCheckpoint | undefined>(
      (best, one) => (best === undefined || one.id > best.id ? one : best),
      undefined,
    );
}

/** Members of `jobStatus` that a found job gives. */
export function jobFields(job: FlinkJob): Pick<JobStatus, 'jobName' | 'startTime'> {
  return { jobName: job.name, startTime: String(job.startTime) };
}
