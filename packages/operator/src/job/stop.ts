import { type Answer, checkpointingOptions, type FlinkConfig, resourceOptions } from '@drey/flink';
import type { SavepointProgress, StopRequest } from '../runtime/ports.ts';
import type { Told } from './conditions.ts';
import { END_SETTLES_MS, type JobObservation } from './job-observation.ts';
import { type CurrentOperation, elapsedMs } from './operation.ts';
import type { PlannedEvent, WakeUp } from './planned.ts';
import type { JobResourceStatus } from './resource.ts';
import { ERROR_TYPES, type ErrorLimits, errorText } from './resource-error.ts';
import { recordedStatePath } from './status.ts';
import { isTerminal } from './upgrade-choice.ts';
import { inTransition } from './wake-up.ts';

/** What bringing a job down is decided from. */
export interface StopContext<S extends JobResourceStatus> {
  readonly now: number;
  /** The recorded status with this pass's observations in it. */
  readonly status: S;
  readonly job: JobObservation;
  /** Configuration in force for the wanted spec. */
  readonly options: FlinkConfig;
  readonly config: { readonly errorLimits: ErrorLimits };
  readonly world: { readonly flink: { readonly savepoint: Answer<SavepointProgress> | undefined } };
}

/** What asks Flink to bring a job down. Both may be repeated. */
export type StopStep =
  | { readonly kind: 'stop-with-savepoint'; readonly request: StopRequest }
  | { readonly kind: 'cancel-job'; readonly jobId: string };

/** What is done and said while a job is being brought down. */
export interface StopOutcome<S extends JobResourceStatus> {
  readonly status: S;
  readonly steps?: readonly StopStep[];
  readonly events?: readonly PlannedEvent[];
  readonly progress: Told;
  readonly wakeUp: WakeUp;
}

/** How far bringing a job down has come. */
export type Stopping<S extends JobResourceStatus> =
  /** The job is over; `path` is where its state is, undefined when it never had any. */
  | { readonly kind: 'stopped'; readonly path: string | undefined }
  | { readonly kind: 'waiting'; readonly outcome: StopOutcome<S> }
  /** The savepoint was not taken, and the job goes on. */
  | { readonly kind: 'failed'; readonly outcome: StopOutcome<S> };

/** The request for a stop-with-savepoint; the operation's id is Flink's trigger id, so that it is made at most once. */
export function stopRequest(
  context: Pick<StopContext<JobResourceStatus>, 'options'>,
  operation: CurrentOperation,
): StopRequest {
  return {
    jobId: operation.target ?? '',
    triggerId: operation.id,
    targetDirectory: context.options.get(checkpointingOptions.savepointDir) ?? '',
    drain: context.options.get(resourceOptions.drainOnSavepointDeletion),
    format: context.options.get(resourceOptions.savepointFormatType),
  };
}

/**
 * Follows a stop-with-savepoint. The savepoint counts as taken only when Flink names its location, or when the job has
 * ended and its newest checkpoint is known. A trigger that Flink does not know is asked for again under the same id.
 */
export function followStop<S extends JobResourceStatus>(
  context: StopContext<S>,
  operation: CurrentOperation,
): Stopping<S> {
  const progress = { reason: 'StoppingWithSavepoint', message: 'Waiting for the savepoint of the running job.' };
  const wakeUp = inTransition(elapsedMs(operation, context.now));
  const waiting = (more: Partial<StopOutcome<S>> = {}): Stopping<S> => ({
    kind: 'waiting',
    outcome: { status: context.status, progress, wakeUp, ...more },
  });
  const answer = context.world.flink.savepoint;
  const savepoint = answer?.kind === 'ok' ? answer.value : undefined;
  if (savepoint?.kind === 'completed') return { kind: 'stopped', path: savepoint.location };
  if (savepoint?.kind === 'in-progress') return waiting();
  if (savepoint?.kind === 'failed') return afterFailure(context, operation, savepoint);
  const ended = answer?.kind === 'not-found' ? endOfJob(context) : undefined;
  if (ended !== undefined) return ended;
  const job = context.job;
  if (answer?.kind === 'not-found' && job.kind === 'found' && !isTerminal(job.state)) {
    return waiting({ steps: [{ kind: 'stop-with-savepoint', request: stopRequest(context, operation) }] });
  }
  return waiting();
}

/** Follows a cancellation; where the state is becomes known from the checkpoints of the cancelled job. */
export function followCancel<S extends JobResourceStatus>(
  context: StopContext<S>,
  operation: CurrentOperation,
): Stopping<S> {
  const ended = endOfJob(context);
  if (ended !== undefined) return ended;
  const job = context.job;
  // One that a new JobManager has taken up and that has not restored its state yet would leave nothing of it.
  const restoresFirst = job.kind === 'found' && job.state === 'INITIALIZING';
  const askAgain = job.kind === 'found' && job.state !== 'CANCELLING' && !isTerminal(job.state) && !restoresFirst;
  return {
    kind: 'waiting',
    outcome: {
      status: context.status,
      steps: askAgain ? [{ kind: 'cancel-job', jobId: operation.target ?? '' }] : [],
      progress: { reason: 'CancellingJob', message: 'Waiting for the job to be cancelled.' },
      wakeUp: inTransition(elapsedMs(operation, context.now)),
    },
  };
}

/** A job that ended, whichever way, is continued from the state its end left, once that is sure. */
function endOfJob<S extends JobResourceStatus>(context: StopContext<S>): Stopping<S> | undefined {
  const { job, status } = context;
  if (job.kind !== 'found' || !isTerminal(job.state)) return undefined;
  const seenAt = Number(status.jobStatus?.updateTime ?? context.now);
  if (context.now - seenAt < END_SETTLES_MS) return undefined;
  if (job.end?.kind === 'path') return { kind: 'stopped', path: job.end.path };
  return { kind: 'stopped', path: recordedStatePath(context.status) };
}

/**
 * The savepoint failed. If only finishing the tasks failed, the savepoint itself is complete and its path is taken;
 * otherwise the job goes on and the operation is given up until it is tried again.
 */
function afterFailure<S extends JobResourceStatus>(
  context: StopContext<S>,
  operation: CurrentOperation,
  savepoint: Extract<SavepointProgress, { kind: 'failed' }>,
): Stopping<S> {
  const { message } = savepoint.failure;
  if (savepoint.savepoint !== undefined) return { kind: 'stopped', path: savepoint.savepoint };
  const error = errorText({ type: ERROR_TYPES.upgrade, message }, context.config.errorLimits);
  const event: PlannedEvent = { type: 'Warning', reason: 'SavepointError', message, component: 'JobManagerDeployment' };
  const failed: CurrentOperation = { ...operation, phase: 'failed', startedAt: new Date(context.now).toISOString() };
  return {
    kind: 'failed',
    outcome: {
      status: { ...context.status, error, operation: failed },
      events: [event],
      progress: { reason: 'SavepointError', message: `The savepoint failed and will be tried again: ${message}` },
      wakeUp: { kind: 'after', ms: SAVEPOINT_RETRY_MS, jitter: false },
    },
  };
}

/** How long a job is left alone after its savepoint failed. */
export const SAVEPOINT_RETRY_MS = 10_000;
