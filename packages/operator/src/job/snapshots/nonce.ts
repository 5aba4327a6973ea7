import type { JobSpec } from '@drey/api';
import { lastReconciled, writeRecorded } from '../recorded-spec.ts';
import type { JobKind, JobResourceStatus, SpecOf } from '../resource.ts';
import type { SnapshotType } from './trigger.ts';

/** The member of a job's spec that asks for a snapshot. */
export function nonceField(type: SnapshotType): 'savepointTriggerNonce' | 'checkpointTriggerNonce' {
  return type === 'SAVEPOINT' ? 'savepointTriggerNonce' : 'checkpointTriggerNonce';
}

/** The nonce that a spec holds. */
export function nonceOf(
  job: Pick<JobSpec, 'savepointTriggerNonce' | 'checkpointTriggerNonce'>,
  type: SnapshotType,
): number | null | undefined {
  return job[nonceField(type)];
}

/** The nonce that was last carried out, as the recorded spec holds it. */
export function recordedNonce(status: JobResourceStatus, type: SnapshotType): number | undefined {
  return lastReconciled<JobKind>(status)?.spec.job?.[nonceField(type)] ?? undefined;
}

/** A status in which a nonce is recorded as carried out (reference: apache-operator.md 2.2). Nothing else of the record moves. */
export function withNonce<S extends JobResourceStatus>(
  status: S,
  kind: JobKind,
  type: SnapshotType,
  change: { readonly nonce: number | null | undefined; readonly now: number },
): S {
  const recorded = lastReconciled<JobKind>(status);
  if (recorded === undefined || change.nonce === undefined || change.nonce === null) return status;
  const job: JobSpec = { ...recorded.spec.job, [nonceField(type)]: change.nonce };
  const spec = { ...recorded.spec, job } as SpecOf[JobKind];
  return {
    ...status,
    reconciliationStatus: {
      ...status.reconciliationStatus,
      lastReconciledSpec: writeRecorded(kind, spec, recorded.firstDeployment),
      reconciliationTimestamp: change.now,
    },
  };
}
