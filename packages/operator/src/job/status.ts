import type { FlinkDeploymentStatus, JobState, JobStatus } from '@drey/api';

/** Path that stands for "from the HA metadata", so that a loss of that metadata fails loudly instead of starting empty. */
export const LAST_STATE_MARKER = 'KUBERNETES_OPERATOR_LAST_STATE';

/** The status of an object that nothing was done for, in the shape the Apache operator gives it. */
export const INITIAL_STATUS: FlinkDeploymentStatus = {
  clusterInfo: {},
  conditions: [],
  jobManagerDeploymentStatus: 'MISSING',
  jobStatus: {
    checkpointInfo: { lastPeriodicCheckpointTimestamp: 0 },
    savepointInfo: { lastPeriodicSavepointTimestamp: 0, savepointHistory: [] },
  },
  reconciliationStatus: { reconciliationTimestamp: 0, state: 'UPGRADING' },
};

/** The recorded status with everything present that a new object has. */
export function statusOf(recorded: FlinkDeploymentStatus | undefined): FlinkDeploymentStatus {
  if (recorded === undefined) return INITIAL_STATUS;
  return {
    ...INITIAL_STATUS,
    ...recorded,
    jobStatus: { ...INITIAL_STATUS.jobStatus, ...recorded.jobStatus },
    reconciliationStatus: { ...INITIAL_STATUS.reconciliationStatus, ...recorded.reconciliationStatus },
  };
}

/** A status with some members of `jobStatus` changed; `null` removes one. */
export function withJob(status: FlinkDeploymentStatus, change: Partial<JobStatus>): FlinkDeploymentStatus {
  return { ...status, jobStatus: { ...status.jobStatus, ...change } };
}

/** A status with the job in `state`; `updateTime` moves only when the state does. */
export function withJobState(status: FlinkDeploymentStatus, state: JobState, now: number): FlinkDeploymentStatus {
  if (status.jobStatus?.state === state) return status;
  return withJob(status, { state, updateTime: String(now) });
}

/** A status without an operation. */
export function withoutOperation(status: FlinkDeploymentStatus): FlinkDeploymentStatus {
  const { operation: _, ...rest } = status;
  return rest;
}

/** A status without an error. */
export function withoutError(status: FlinkDeploymentStatus): FlinkDeploymentStatus {
  const { error: _, ...rest } = status;
  return rest;
}

/** Where the next start of the job begins: the state of the last stop, else the last savepoint known. */
export function recordedStatePath(status: FlinkDeploymentStatus): string | undefined {
  const job = status.jobStatus;
  return job?.upgradeSavepointPath ?? job?.savepointInfo?.lastSavepoint?.location ?? undefined;
}

/** Two statuses that the API server would store as the same. */
export function sameStatus(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return (left ?? null) === (right ?? null);
  }
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const a = left as Record<string, unknown>;
  const b = right as Record<string, unknown>;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => sameStatus(a[key], b[key]));
}
