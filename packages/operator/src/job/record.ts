import type { JobSpec, ReconciliationState, UpgradeMode } from '@drey/api';
import { lastReconciled, writeRecorded } from './recorded-spec.ts';
import type { JobKind, JobResourceStatus, SpecOf } from './resource.ts';
import { withoutError } from './status.ts';

/** What is recorded about a spec that is being carried out. */
export interface SpecRecord<K extends JobKind> {
  readonly kind: K;
  readonly spec: SpecOf[K];
  readonly generation: number;
  /** What is really true of the job: suspended before a deployment and after a suspension, running after a deployment. */
  readonly jobState: 'running' | 'suspended';
  /** How the job gets its state, which need not be what the user asked for. */
  readonly upgradeMode: UpgradeMode;
  readonly firstDeployment: boolean;
  readonly state: ReconciliationState;
  readonly now: number;
}

/**
 * A status in which a spec is recorded (reference: apache-operator.md 2.2). The recorded error goes, since it was about
 * what was recorded before; a suspended spec is stable at once.
 */
export function withRecord<S extends JobResourceStatus, K extends JobKind>(status: S, record: SpecRecord<K>): S {
  const { kind, spec, jobState, upgradeMode } = record;
  // A session cluster has no job, and its record says so.
  const isJobless = spec.job === undefined || spec.job === null;
  const carriedOut = isJobless
    ? spec
    : { ...spec, job: { ...spec.job, ...carriedOutNonces(status), state: jobState, upgradeMode } };
  const text = writeRecorded(kind, carriedOut, record.firstDeployment);
  const stable = spec.job?.state === 'suspended' ? { lastStableSpec: text } : {};
  return {
    ...withoutError(status),
    observedGeneration: record.generation,
    reconciliationStatus: {
      ...status.reconciliationStatus,
      reconciliationTimestamp: record.now,
      lastReconciledSpec: text,
      ...stable,
      state: record.state,
    },
  };
}

/** The nonces of snapshots stay those that were carried out: a change of the spec must not swallow one that is still wanted. */
function carriedOutNonces(
  status: JobResourceStatus,
): Partial<Pick<JobSpec, 'savepointTriggerNonce' | 'checkpointTriggerNonce'>> {
  const before = lastReconciled<JobKind>(status)?.spec.job;
  if (before === undefined || before === null) return {};
  const { savepointTriggerNonce = null, checkpointTriggerNonce = null } = before;
  return { savepointTriggerNonce, checkpointTriggerNonce };
}

/** What is recorded about a rollback. */
export type RollbackRecord<K extends JobKind> = Pick<SpecRecord<K>, 'kind' | 'upgradeMode' | 'now'> & {
  readonly state: 'ROLLING_BACK' | 'ROLLED_BACK';
};

/**
 * A status in which a rollback is recorded: the record keeps the spec that failed, so that it is not tried again, and only
 * says how the job gets its state.
 */
export function withRollbackRecord<S extends JobResourceStatus, K extends JobKind>(
  status: S,
  { kind, upgradeMode, state, now }: RollbackRecord<K>,
): S {
  const failed = lastReconciled<K>(status);
  if (failed === undefined) return status;
  const spec = { ...failed.spec, job: { ...failed.spec.job, upgradeMode } };
  return {
    ...status,
    reconciliationStatus: {
      ...status.reconciliationStatus,
      reconciliationTimestamp: now,
      lastReconciledSpec: writeRecorded(kind, spec, false),
      state,
    },
  };
}
