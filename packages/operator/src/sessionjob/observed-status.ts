import type { FlinkSessionJobStatus } from '@drey/api';
import type { JobObservation } from '../job/job-observation.ts';
import { type ObservedJob, withFoundJob, withStableSpec } from '../job/observed-job.ts';
import { currentOperation } from '../job/operation.ts';
import type { RecordedSpec } from '../job/recorded-spec.ts';
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
  /** Whether the user's spec wants state to be carried. */
  readonly stateful: boolean;
}

/** The recorded status with what was seen in this pass. While a job is being started the operation says what is. */
export function observedStatus(input: ObservationInput): ObservedJob<FlinkSessionJobStatus> {
  const { status, recorded } = input;
  const phase = currentOperation(status.operation)?.phase;
  const isStarting = phase === 'deploying' || phase === 'submitting';
  if (isStarting || recorded.spec.job?.state === 'suspended') return { status, events: [] };
  const seen = withJob(input);
  return { status: withoutOldError(withStableSpec(seen.status), input), events: seen.events };
}

function withJob(input: ObservationInput): ObservedJob<FlinkSessionJobStatus> {
  const { status, job, world } = input;
  if (job.kind === 'found') {
    return withFoundJob({ ...input, kind: 'FlinkSessionJob', failure: world.flink.failure, now: world.now }, job);
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
