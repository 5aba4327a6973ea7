import { type Answer, checkpointingOptions, type FlinkConfig, resourceOptions } from '@drey/flink';
import type { FlinkCheckpoints, FlinkJob } from '../runtime/ports.ts';
import { END_SETTLES_MS, type JobObservation, newestCheckpoint } from './job-observation.ts';
import type { JobResourceStatus } from './resource.ts';
import { LAST_STATE_MARKER, recordedStatePath } from './status.ts';
import type { UpgradeFacts } from './upgrade-choice.ts';

/** What the facts about a job's own state are read from. */
export interface JobFactsInput {
  readonly now: number;
  readonly status: JobResourceStatus;
  readonly job: JobObservation;
  /** Configuration in force for the wanted spec. */
  readonly options: FlinkConfig;
  readonly checkpoints: Answer<FlinkCheckpoints> | undefined;
}

/** The facts of an upgrade that do not depend on what the job runs on. */
export type JobFacts = Pick<
  UpgradeFacts,
  | 'jobState'
  | 'endSettled'
  | 'tasksStarting'
  | 'savepointDirectoryConfigured'
  | 'lastStateFallback'
  | 'jobCancelEnabled'
  | 'recordedState'
  | 'checkpointAge'
  | 'checkpoint'
>;

/** The facts of this pass about a job and its state. */
export function jobFacts(input: JobFactsInput): JobFacts {
  const { now, status, job, options } = input;
  const path = recordedStatePath(status);
  return {
    jobState: status.jobStatus?.state ?? undefined,
    endSettled: now - Number(status.jobStatus?.updateTime ?? 0) >= END_SETTLES_MS,
    tasksStarting: job.kind === 'found' && areTasksStarting(job.job),
    savepointDirectoryConfigured: options.get(checkpointingOptions.savepointDir) !== undefined,
    lastStateFallback: options.get(resourceOptions.upgradeLastStateFallbackEnabled),
    jobCancelEnabled: options.get(resourceOptions.upgradeLastStateJobCancelEnabled),
    recordedState: recordedState(path, input),
    checkpointAge: checkpointAge(input),
    checkpoint: checkpointFact(input),
  };
}

function recordedState(path: string | undefined, input: JobFactsInput): UpgradeFacts['recordedState'] {
  if (path !== undefined && path !== LAST_STATE_MARKER) return 'path';
  return path === LAST_STATE_MARKER || isStateUnreadable(input) ? 'in-ha-metadata' : 'none';
}

/**
 * A job that had run could not restore its state when a new JobManager took it up again: Flink says of it that it has no
 * state, which is not so. (It failed as it was initialized; one that fails later tells of its checkpoints.)
 */
export function isStateUnreadable({ status, job }: Pick<JobFactsInput, 'status' | 'job'>): boolean {
  const { jobStatus, reconciliationStatus: record } = status;
  if (jobStatus?.state !== 'FAILED' || job.kind !== 'found' || job.end?.kind !== 'none') return false;
  const { lastFailure, jobId } = jobStatus;
  const hadRun = record?.lastStableSpec === record?.lastReconciledSpec;
  return hadRun && lastFailure?.jobId === jobId && lastFailure?.exception?.endsWith(NOT_INITIALIZED) === true;
}

const NOT_INITIALIZED = 'JobInitializationException';

/** Flink takes no savepoint before every task of the job runs, or has ended well. */
export function areTasksStarting({ tasks }: FlinkJob): boolean {
  if (tasks?.total === undefined) return false;
  return (tasks.running ?? 0) + (tasks.finished ?? 0) < tasks.total;
}

function checkpointFact({ status, checkpoints: answer }: JobFactsInput): UpgradeFacts['checkpoint'] {
  if (answer === undefined || answer.kind === 'unknown' || answer.kind === 'rejected') return 'unknown';
  if (hasYetToRestore(status)) return 'unknown';
  if (answer.kind === 'not-found') return 'none';
  return newestCheckpoint(answer.value)?.path === undefined ? 'none' : 'exists';
}

/**
 * A job reports nothing of its state before it has restored it. After a new JobManager took it up from high-availability
 * metadata, "no checkpoint" would be said of one that has many, and a cancellation would remove what leads to them.
 */
function hasYetToRestore({ jobStatus, reconciliationStatus: record }: JobResourceStatus): boolean {
  if (jobStatus?.state === 'INITIALIZING') return true;
  const ran = record?.lastStableSpec === record?.lastReconciledSpec;
  return jobStatus?.state === 'CREATED' && ran;
}

/** Compares the newest completed checkpoint with the age the user allows; without a limit every age is allowed. */
function checkpointAge({ now, status, options, checkpoints }: JobFactsInput): UpgradeFacts['checkpointAge'] {
  const maximum = options.get(resourceOptions.upgradeLastStateMaxCheckpointAge);
  if (maximum === undefined) return 'allowed';
  const startedAt = Number(status.jobStatus?.startTime ?? 0);
  if (now - startedAt < maximum) return 'allowed';
  if (checkpoints === undefined || checkpoints.kind === 'unknown' || checkpoints.kind === 'rejected') return 'unknown';
  if (checkpoints.kind === 'not-found') return 'too-old';
  const { completed, pendingSince } = checkpoints.value;
  if (completed !== undefined && now - completed.triggeredAt < maximum) return 'allowed';
  return pendingSince !== undefined && now - pendingSince < maximum ? 'one-is-due' : 'too-old';
}
