import type { FlinkDeploymentSpec, FlinkDeploymentStatus, ReconciliationState, UpgradeMode } from '@drey/api';
import { writeRecorded } from './recorded-spec.ts';
import { withoutError } from './status.ts';

/** What is recorded about a spec that is being carried out. */
export interface SpecRecord {
  readonly spec: FlinkDeploymentSpec;
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
export function withRecord(status: FlinkDeploymentStatus, record: SpecRecord): FlinkDeploymentStatus {
  const { spec, jobState, upgradeMode } = record;
  const carriedOut = { ...spec, job: { ...spec.job, state: jobState, upgradeMode } };
  const text = writeRecorded(carriedOut, record.firstDeployment);
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
