import type { FlinkSessionJobStatus } from '@drey/api';
import { type ExceptionLimits, withExceptions } from '../job/exceptions.ts';
import type { JobObservation } from '../job/job-observation.ts';
import { withNewestCheckpoint } from '../job/known-checkpoint.ts';
import { isPassing, type ObservedJob, withFoundJob, withStableSpec } from '../job/observed-job.ts';
import { currentOperation } from '../job/operation.ts';
import type { RecordedSpec } from '../job/recorded-spec.ts';
import { secretsOf, withoutSecrets } from '../job/redaction.ts';
import { ERROR_TYPES, type ErrorLimits, typeOf } from '../job/resource-error.ts';
import { withJobState, withoutError } from '../job/status.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import type { SessionJobWorld } from './world.ts';

/** What the observations of one pass are put together from. */
export interface ObservationInput {
  readonly world: SessionJobWorld;
  readonly status: FlinkSessionJobStatus;
  readonly recorded: RecordedSpec<'FlinkSessionJob'>;
  readonly job: JobObservation;
  readonly errorLimits: ErrorLimits;
  readonly exceptionLimits: ExceptionLimits;
  /** Whether the user's spec wants state to be carried. */
  readonly stateful: boolean;
}

/** The recorded status with what was seen in this pass. While a job is being started the operation says what is. */
export function observedStatus(input: ObservationInput): ObservedJob<FlinkSessionJobStatus> {
  const { status, recorded } = input;
  const phase = currentOperation(status.operation)?.phase;
  const isStarting = phase === 'deploying' || phase === 'submitting';
  if (isStarting) return { status, events: [] };
  if (recorded.spec.job?.state === 'suspended') return { status: withLateEnd(input), events: [] };
  const seen = withJob(input);
  return { status: withoutOldError(withStableSpec(seen.status), input), events: seen.events };
}

/** Of a job that somebody cancelled the last checkpoint may show only some seconds after its end. */
function withLateEnd(input: ObservationInput): FlinkSessionJobStatus {
  const { status, job, world } = input;
  if (job.kind !== 'found' || !isTerminal(job.state) || status.jobStatus?.state !== job.state) return status;
  return withFoundJob({ ...input, kind: 'FlinkSessionJob', failure: undefined, now: world.now }, job).status;
}

function withJob(input: ObservationInput): ObservedJob<FlinkSessionJobStatus> {
  const { status, job, world } = input;
  if (isPassing(job, status.jobStatus?.state ?? undefined, world.now)) return { status, events: [] };
  if (job.kind === 'found') {
    const { failure, exceptions } = world.flink;
    const { now, sessionJob } = world;
    const found = withFoundJob({ ...input, kind: 'FlinkSessionJob', failure, now }, job);
    const clean = (text: string): string => withoutSecrets(text, secretsOf(sessionJob));
    const told = withExceptions({ status: found.status, exceptions, now, limits: input.exceptionLimits, clean });
    const status = input.stateful ? withNewestCheckpoint(told.status, world) : told.status;
    return { status, events: [...found.events, ...told.events] };
  }
  const previous = status.jobStatus?.state ?? undefined;
  // What ended stays ended, also when the JobManager forgets it or goes away.
  if (isTerminal(previous) || previous === undefined || previous === 'CANCELLING') return { status, events: [] };
  const isLost = job.kind === 'missing' || (job.kind === 'unknown' && previous === 'RUNNING');
  if (!isLost || previous === 'RECONCILING') return { status, events: [] };
  const moved = withJobState(status, 'RECONCILING', world.now);
  if (job.kind !== 'missing') return { status: moved, events: [] };
  return {
    status: moved,
    events: [{ type: 'Warning', reason: 'Missing', message: 'Job not found', component: 'Job' }],
  };
}

/** Errors go away when the job is well again; one about the user's spec stays until the spec is valid. */
function withoutOldError(status: FlinkSessionJobStatus, { job }: ObservationInput): FlinkSessionJobStatus {
  if (status.error === undefined || typeOf(status.error) === ERROR_TYPES.validation) return status;
  if (currentOperation(status.operation)?.phase === 'failed') return status;
  const record = status.reconciliationStatus;
  const isWell =
    job.kind === 'found' &&
    status.jobStatus?.state !== 'FAILED' &&
    record?.lastReconciledSpec === record?.lastStableSpec;
  return isWell ? withoutError(status) : status;
}
