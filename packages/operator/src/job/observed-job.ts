import type { JobState } from '@drey/api';
import type { Answer } from '@drey/flink';
import type { FlinkFailure } from '../runtime/ports.ts';
import { type JobObservation, jobFields } from './job-observation.ts';
import { currentOperation } from './operation.ts';
import type { PlannedEvent } from './planned.ts';
import { type RecordedSpec, writeRecorded } from './recorded-spec.ts';
import type { JobKind, JobResourceStatus, SpecOf } from './resource.ts';
import { ERROR_TYPES, type ErrorLimits, errorText } from './resource-error.ts';
import { LAST_STATE_MARKER, withJob, withJobState } from './status.ts';
import { isTerminal } from './upgrade-choice.ts';

/** What the observation of a job is put together from. */
export interface JobObservationInput<S extends JobResourceStatus, K extends JobKind> {
  readonly kind: K;
  readonly status: S;
  readonly recorded: RecordedSpec<K>;
  readonly job: JobObservation;
  /** Why the job failed, where Flink was asked. */
  readonly failure: Answer<FlinkFailure | undefined> | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly errorLimits: ErrorLimits;
  /** Whether the user's spec wants state to be carried. */
  readonly stateful: boolean;
}

/** A status with what was seen, and the news in it. */
export interface ObservedJob<S extends JobResourceStatus> {
  readonly status: S;
  readonly events: readonly PlannedEvent[];
}

/**
 * The status of a job that Flink lists: its state, where its end left its state, why it failed. A job that was cancelled
 * behind the operator's back is recorded as suspended.
 */
export function withFoundJob<S extends JobResourceStatus, K extends JobKind>(
  input: JobObservationInput<S, K>,
  job: Extract<JobObservation, { kind: 'found' }>,
): ObservedJob<S> {
  const previous = input.status.jobStatus?.state ?? 'RECONCILING';
  const named = withJob(input.status, jobFields(job.job));
  const moved = withJobState(named, job.state, input.now);
  if (previous === job.state) return { status: withEndState(moved, job, input.stateful), events: [] };
  const ended = withEndState(moved, job, input.stateful);
  const failed = job.state === 'FAILED' ? withFailure(input, ended) : { status: ended, events: [] };
  const cancelled = job.state === 'CANCELED' || (previous === 'CANCELLING' && isTerminal(job.state));
  const untouched = cancelled && currentOperation(input.status.operation) === undefined;
  const status = untouched ? markedSuspended(failed.status, input) : failed.status;
  return { status, events: [stateChanged(previous, job.state), ...failed.events] };
}

/** A starting job is told about when it runs, or when it has not come to that within this time. */
const PASSING_MS = 1_000;

/**
 * Whether a job is on its way through the first states of its life, which are not worth a write and an event each when they
 * last a moment. By Flink's clock; one that is wrong shortens the time and never lengthens it.
 */
export function isPassing(job: JobObservation, recorded: JobState | undefined, now: number): boolean {
  if (job.kind !== 'found' || recorded !== 'RECONCILING') return false;
  const age = now - job.job.startTime;
  return (job.state === 'INITIALIZING' || job.state === 'CREATED') && age >= 0 && age < PASSING_MS;
}

function stateChanged(from: JobState, to: JobState): PlannedEvent {
  const message = `Job status changed from ${from} to ${to}`;
  return { type: 'Normal', reason: 'JobStatusChanged', message, component: 'Job' };
}

/** Where a job that ended left its state becomes where its next start begins. */
function withEndState<S extends JobResourceStatus>(
  status: S,
  job: Extract<JobObservation, { kind: 'found' }>,
  stateful: boolean,
): S {
  // While a stop is under way, only its savepoint says where the state is.
  if (currentOperation(status.operation)?.phase === 'stopping') return status;
  switch (job.end?.kind) {
    case undefined:
      return status;
    case 'path':
      return withJob(status, { upgradeSavepointPath: job.end.path });
    // It had nothing of its own, so what it was started from, if anything, is still the newest. A job that is cancelled
    // while it starts has not even restored that yet and reports nothing of it.
    case 'none':
      return status;
    case 'not-persistent':
      return stateful ? withJob(status, { upgradeSavepointPath: LAST_STATE_MARKER }) : status;
  }
}

function withFailure<S extends JobResourceStatus>(
  { failure, errorLimits }: JobObservationInput<S, JobKind>,
  status: S,
): ObservedJob<S> {
  const told = failure?.kind === 'ok' ? failure.value : undefined;
  const message = told?.message ?? 'The job failed; Flink did not say why.';
  const error = errorText({ type: told?.type ?? ERROR_TYPES.serialized, message }, errorLimits);
  return {
    status: { ...status, error },
    events: [{ type: 'Warning', reason: 'Error', message, component: 'Job' }],
  };
}

/**
 * A job that was cancelled behind the operator's back counts as suspended, so that the difference to the wanted state
 * starts it again: from the state its end left when the user wants state carried, whatever mode it was started in.
 */
function markedSuspended<S extends JobResourceStatus, K extends JobKind>(
  status: S,
  { kind, recorded, stateful }: JobObservationInput<S, K>,
): S {
  const job = { ...recorded.spec.job, state: 'suspended' as const };
  const spec: SpecOf[K] = {
    ...recorded.spec,
    job: stateful ? { ...job, upgradeMode: 'savepoint' as const } : job,
  };
  return {
    ...status,
    reconciliationStatus: { ...status.reconciliationStatus, lastReconciledSpec: writeRecorded(kind, spec, false) },
  };
}

/**
 * A spec whose job has run for `windowMs` without a break, or ended well, is a stable one. With no window it is so at the
 * first sight of a running job, as the Apache operator has it.
 */
export function withStableSpec<S extends JobResourceStatus>(status: S, windowMs = 0, now = 0): S {
  const record = status.reconciliationStatus;
  if (record?.state !== 'DEPLOYED' || record.lastStableSpec === record.lastReconciledSpec) return status;
  const state = status.jobStatus?.state;
  if (state !== 'FINISHED' && !(state === 'RUNNING' && stabilityLeftMs(status, windowMs, now) <= 0)) return status;
  return { ...status, reconciliationStatus: { ...record, lastStableSpec: record.lastReconciledSpec ?? null } };
}

/** How much longer a running job has to run before its spec is stable; 0 or less: it is. */
export function stabilityLeftMs({ jobStatus }: JobResourceStatus, windowMs: number, now: number): number {
  if (windowMs === 0) return 0;
  const { updateTime, lastFailure, jobId } = jobStatus ?? {};
  // A failure that was over before anybody looked is a break too.
  const failedAt = lastFailure?.jobId === jobId ? Date.parse(lastFailure?.time ?? '') : Number.NaN;
  const since = Math.max(Number(updateTime ?? 0), Number.isNaN(failedAt) ? 0 : failedAt);
  return since + windowMs - now;
}
