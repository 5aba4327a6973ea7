import type { FlinkDeploymentStatus } from '@drey/api';
import type { FlinkConfig } from '@drey/flink';
import { type ExceptionLimits, withExceptions } from '../../job/exceptions.ts';
import type { JobObservation } from '../../job/job-observation.ts';
import { withNewestCheckpoint } from '../../job/known-checkpoint.ts';
import { isPassing, withFoundJob, withStableSpec } from '../../job/observed-job.ts';
import { currentOperation } from '../../job/operation.ts';
import type { PlannedEvent } from '../../job/planned.ts';
import type { RecordedSpec } from '../../job/recorded-spec.ts';
import { secretsOf, withoutSecrets } from '../../job/redaction.ts';
import { ERROR_TYPES, type ErrorLimits, errorText, typeOf } from '../../job/resource-error.ts';
import { withJobState, withoutError } from '../../job/status.ts';
import { isTerminal } from '../../job/upgrade-choice.ts';
import { withHealth } from '../recovery/health.ts';
import { stabilityWindowMs } from '../recovery/stability.ts';
import type { World } from '../world.ts';
import { clusterInfo } from './cluster-info.ts';
import type { JobManagerObservation } from './job-manager-observation.ts';
import { keepsState } from './job-manager-process.ts';

/** What the observations of one pass are put together from. */
export interface ObservationInput {
  readonly world: World;
  readonly status: FlinkDeploymentStatus;
  readonly recorded: RecordedSpec;
  readonly jobManager: JobManagerObservation;
  readonly job: JobObservation;
  /** Configuration of the running cluster. */
  readonly options: FlinkConfig;
  readonly errorLimits: ErrorLimits;
  readonly exceptionLimits: ExceptionLimits;
  /** Whether the user's spec wants state to be carried. */
  readonly stateful: boolean;
}

export interface Observed {
  readonly status: FlinkDeploymentStatus;
  readonly events: readonly PlannedEvent[];
}

/** The recorded status with what was seen in this pass. While a cluster is removed or created the operation says what is. */
export function observedStatus(input: ObservationInput): Observed {
  const phase = currentOperation(input.status.operation)?.phase;
  if (phase === 'removing' || phase === 'leaving' || phase === 'deploying') {
    return { status: input.status, events: [] };
  }
  const suspended = input.recorded.spec.job?.state === 'suspended';
  if (suspended && input.status.reconciliationStatus?.state === 'UPGRADING')
    return { status: input.status, events: [] };
  if (isPassing(input.job, input.status.jobStatus?.state ?? undefined, input.world.now)) {
    return { status: input.status, events: [] };
  }
  const jobManager = withJobManager(input);
  if (suspended) return jobManager;
  const job = withObservedJob({ ...input, status: jobManager.status });
  const status = withoutOldError(
    withClusterInfo(withStableSpec(job.status, stabilityWindowMs(input.options), input.world.now), {
      ...input,
      status: jobManager.status,
    }),
    input,
  );
  return { status, events: [...jobManager.events, ...job.events] };
}

function withJobManager(input: ObservationInput): Observed {
  const { status, jobManager, world, errorLimits } = input;
  const previous = status.jobManagerDeploymentStatus ?? 'MISSING';
  const next = jobManager.status ?? previous;
  const changed = { ...status, jobManagerDeploymentStatus: next };
  if (next === 'ERROR' && jobManager.failure !== undefined) {
    const { reason, message } = jobManager.failure;
    const error = errorText({ type: ERROR_TYPES.deployment, message, metadata: { reason } }, errorLimits);
    // A job that is over stays so: the idle JobManager of a suspended job is no job that comes back.
    const over = isTerminal(status.jobStatus?.state ?? undefined);
    const failed = over ? { ...changed, error } : withJobState({ ...changed, error }, 'RECONCILING', world.now);
    const news = error === status.error && previous === 'ERROR';
    return { status: failed, events: news ? [] : [warning(reason, message, 'JobManagerDeployment')] };
  }
  if (next === 'MISSING' && previous !== 'MISSING' && previous !== 'ERROR') {
    const lost = status.jobStatus?.state;
    const job = isTerminal(lost ?? undefined) ? changed : withJobState(changed, 'RECONCILING', world.now);
    return { status: job, events: [warning('Missing', 'Missing JobManager deployment', 'JobManagerDeployment')] };
  }
  return { status: changed, events: [] };
}

function withObservedJob(input: ObservationInput): Observed {
  const { status, job, world } = input;
  const previous = status.jobStatus?.state ?? undefined;
  if (job.kind === 'found') {
    const { failure, exceptions } = world.flink;
    const { now, deployment } = world;
    const found = withFoundJob({ ...input, kind: 'FlinkDeployment', failure, now }, job);
    const limits = input.exceptionLimits;
    const clean = (text: string): string => withoutSecrets(text, secretsOf(deployment));
    const told = withExceptions({ status: found.status, exceptions, now, limits, clean });
    const isKept = keepsState({ wanted: deployment, runningOptions: input.options });
    const known = isKept ? withNewestCheckpoint(told.status, world) : told.status;
    const { health: counters } = world.flink;
    const health = counters?.kind === 'ok' ? counters.value : undefined;
    const status = withHealth({ status: known, health, options: input.options, now });
    return { status, events: [...found.events, ...told.events] };
  }
  if (isTerminal(previous) || previous === undefined) return { status, events: [] };
  const lost = job.kind === 'missing' || status.jobManagerDeploymentStatus !== 'READY' || previous === 'RUNNING';
  if (job.kind === 'end-not-understood' || !lost || previous === 'CANCELLING') return { status, events: [] };
  return { status: withJobState(status, 'RECONCILING', world.now), events: [] };
}

/** With what the cluster says of itself: version, revision, and what it may use. */
export function withClusterInfo(status: FlinkDeploymentStatus, input: ObservationInput): FlinkDeploymentStatus {
  const info = clusterInfo(input.world.flink, input.options);
  if (info === undefined) return status;
  const merged = { ...status.clusterInfo, ...info };
  // The size of the state changes with every checkpoint; it is written along with other news, never for its own sake.
  const news = Object.entries(merged).some(
    ([key, value]) => key !== 'state-size' && status.clusterInfo?.[key] !== value,
  );
  const first = status.clusterInfo?.['state-size'] === undefined;
  const moved = status.jobStatus?.state !== input.status.jobStatus?.state;
  return news || first || moved ? { ...status, clusterInfo: merged } : status;
}

/** Errors go away when the job is well again; one about the user's spec stays until the spec is valid. */
function withoutOldError(status: FlinkDeploymentStatus, input: ObservationInput): FlinkDeploymentStatus {
  if (status.error === undefined || typeOf(status.error) === ERROR_TYPES.validation) return status;
  if (currentOperation(status.operation)?.phase === 'failed') return status;
  const record = status.reconciliationStatus;
  const well =
    status.jobManagerDeploymentStatus !== 'ERROR' &&
    status.jobManagerDeploymentStatus !== 'MISSING' &&
    status.jobStatus?.state !== 'FAILED' &&
    record?.lastReconciledSpec === record?.lastStableSpec &&
    input.job.kind === 'found';
  const started = typeOf(status.error) === ERROR_TYPES.deployment && status.jobManagerDeploymentStatus === 'READY';
  return well || started ? withoutError(status) : status;
}

function warning(reason: string, message: string, component: PlannedEvent['component']): PlannedEvent {
  return { type: 'Warning', reason, message, component };
}
