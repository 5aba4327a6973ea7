import type { JobManagerDeploymentStatus, LifecycleState } from '@drey/api';
import type { JobKind, JobResourceStatus, SpecOf } from './resource.ts';

/** What a lifecycle is computed from; session jobs have no JobManager of their own. */
export type LivingStatus = JobResourceStatus & {
  readonly jobManagerDeploymentStatus?: JobManagerDeploymentStatus | null;
};

/**
 * Texts in `status.error` that say a job will not come back by itself. They are the Apache operator's, because either
 * operator has to recognise what the other one wrote.
 */
const LOST_FOR_GOOD = [
  'Manual restore required',
  'is neither finished nor terminally failed',
  'HA metadata is not available',
  'It is possible that the job has finished or terminally failed, or the configmaps have been deleted',
];

/**
 * Where the resource stands, as a function of the rest of its status (reference: apache-operator.md 2.1). An operation in
 * progress counts as upgrading from its first record on, where the Apache operator shows it only after the savepoint.
 */
export function lifecycleState(
  status: LivingStatus,
  recorded: { readonly spec: SpecOf[JobKind] } | undefined,
): LifecycleState {
  if (status.lifecycleState === 'DELETING' || status.lifecycleState === 'DELETED') return status.lifecycleState;
  if (recorded === undefined) return hasText(status.error) ? 'FAILED' : 'CREATED';
  const reconciliation = status.reconciliationStatus;
  if (reconciliation?.state === 'UPGRADING') return 'UPGRADING';
  if (reconciliation?.state === 'ROLLING_BACK') return 'ROLLING_BACK';
  if (isChanging(status)) return 'UPGRADING';
  if (recorded.spec.job?.state === 'suspended') return 'SUSPENDED';
  if (status.jobStatus?.state === 'FAILED') return 'FAILED';
  if (isLost(status)) return 'FAILED';
  if (reconciliation?.state === 'ROLLED_BACK') return 'ROLLED_BACK';
  return reconciliation?.lastReconciledSpec === reconciliation?.lastStableSpec ? 'STABLE' : 'DEPLOYED';
}

function isChanging(status: JobResourceStatus): boolean {
  const operation = status.operation;
  return (
    (operation?.kind === 'upgrade' || operation?.kind === 'suspend' || operation?.kind === 'redeploy') &&
    operation.phase !== 'failed'
  );
}

function isLost(status: LivingStatus): boolean {
  const state = status.jobManagerDeploymentStatus;
  const error = status.error ?? '';
  return (state === 'MISSING' || state === 'ERROR') && LOST_FOR_GOOD.some((text) => error.includes(text));
}

function hasText(text: string | null | undefined): boolean {
  return text !== null && text !== undefined && text !== '';
}
