import type { FlinkDeploymentStatus } from '@drey/api';
import { currentOperation } from '../../job/operation.ts';
import type { PlannedEvent } from '../../job/planned.ts';
import { ERROR_TYPES, errorText, typeOf } from '../../job/resource-error.ts';
import { withoutError } from '../../job/status.ts';
import { type ObservationInput, type Observed, withClusterInfo } from './observed-status.ts';

/**
 * The recorded status of a session cluster with what was seen in this pass. It has no job of its own, so nothing is said
 * about one: it is well when jobs can be submitted to it.
 */
export function observedSession(input: ObservationInput): Observed {
  const { status } = input;
  const phase = currentOperation(status.operation)?.phase;
  if (phase === 'removing' || phase === 'deploying') return { status, events: [] };
  if (status.reconciliationStatus?.state === 'UPGRADING') return { status, events: [] };
  const seen = withJobManager(input);
  const informed = withClusterInfo(withStableSpec(seen.status), { ...input, status: seen.status });
  return { status: withoutOldError(informed), events: seen.events };
}

function withJobManager({ status, jobManager, errorLimits }: ObservationInput): Observed {
  const previous = status.jobManagerDeploymentStatus ?? 'MISSING';
  const next = jobManager.status ?? previous;
  const changed: FlinkDeploymentStatus = { ...status, jobManagerDeploymentStatus: next };
  if (next === 'ERROR' && jobManager.failure !== undefined) {
    const { reason, message } = jobManager.failure;
    const error = errorText({ type: ERROR_TYPES.deployment, message, metadata: { reason } }, errorLimits);
    const isKnown = error === status.error && previous === 'ERROR';
    return { status: { ...changed, error }, events: isKnown ? [] : [warning(reason, message)] };
  }
  const isLost = next === 'MISSING' && previous !== 'MISSING' && previous !== 'ERROR';
  return { status: changed, events: isLost ? [warning('Missing', 'Missing JobManager deployment')] : [] };
}

/** A spec whose JobManager answered is a stable one. */
function withStableSpec(status: FlinkDeploymentStatus): FlinkDeploymentStatus {
  const record = status.reconciliationStatus;
  if (status.jobManagerDeploymentStatus !== 'READY' || record?.state !== 'DEPLOYED') return status;
  if (record.lastStableSpec === record.lastReconciledSpec) return status;
  return { ...status, reconciliationStatus: { ...record, lastStableSpec: record.lastReconciledSpec ?? null } };
}

/** Errors go away when the JobManager is well again; one about the user's spec stays until the spec is valid. */
function withoutOldError(status: FlinkDeploymentStatus): FlinkDeploymentStatus {
  const isAbout = status.error === undefined ? undefined : typeOf(status.error);
  if (isAbout === undefined || isAbout === ERROR_TYPES.validation) return status;
  return status.jobManagerDeploymentStatus === 'READY' ? withoutError(status) : status;
}

function warning(reason: string, message: string): PlannedEvent {
  return { type: 'Warning', reason, message, component: 'JobManagerDeployment' };
}
