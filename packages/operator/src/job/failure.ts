import { FlinkError } from '@drey/flink';
import { isKubeError } from '@drey/kube';
import { ManifestError } from '@drey/manifests';
import { currentOperation } from './operation.ts';
import type { PlannedEvent } from './planned.ts';
import type { JobResourceStatus } from './resource.ts';
import { ERROR_TYPES, type ErrorLimits, errorText } from './resource-error.ts';
import { StepError } from './step-error.ts';

/** How a pass that failed goes on. */
export type Failure =
  /** The object was newer than the decision: at once again, nothing to tell. */
  | { readonly kind: 'outdated' }
  /** Nobody's fault that a spec could mend: again after a while, nothing to write. */
  | { readonly kind: 'transient' }
  /** Somebody has to see it. */
  | { readonly kind: 'told'; readonly message: string };

/** Sorts what a pass was rejected with. */
export function failureOf(error: unknown): Failure {
  if (error instanceof StepError) {
    if (error.code === 'E_OPERATOR_OUTDATED') return { kind: 'outdated' };
    if (error.code === 'E_OPERATOR_DISPOSAL') return { kind: 'transient' };
    return { kind: 'told', message: `${error.message} ${error.nextStep}` };
  }
  if (error instanceof ManifestError || error instanceof FlinkError) return { kind: 'told', message: error.message };
  if (isKubeError(error, 'E_KUBE_CONFLICT')) return { kind: 'outdated' };
  if (isKubeError(error, 'E_KUBE_INVALID', 'E_KUBE_FORBIDDEN', 'E_KUBE_REJECTED')) {
    return { kind: 'told', message: error.message };
  }
  if (isKubeError(error)) return { kind: 'transient' };
  return { kind: 'told', message: 'The operator failed on this object; its log says how.' };
}

/**
 * The status that tells people about a failure. A savepoint that Flink refused is tried again as another operation; after
 * any other failure it may have been taken, so the operation stays and the next pass asks what became of it.
 */
export function failedStatus<S extends JobResourceStatus>(
  status: S,
  cause: unknown,
  message: string,
  now: number,
  limits: ErrorLimits,
): S {
  const error = errorText({ type: ERROR_TYPES.reconciliation, message }, limits);
  const operation = currentOperation(status.operation);
  const refused = cause instanceof StepError && cause.code === 'E_OPERATOR_SAVEPOINT_REFUSED';
  if (!refused || operation?.phase !== 'stopping' || operation.kind === 'delete') return { ...status, error };
  return { ...status, error, operation: { ...operation, phase: 'failed', startedAt: new Date(now).toISOString() } };
}

/** The event for the same failure. */
export function failedEvent(message: string): PlannedEvent {
  return { type: 'Warning', reason: 'Error', message, component: 'JobManagerDeployment' };
}
