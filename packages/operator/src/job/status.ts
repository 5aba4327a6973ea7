import type { JobState, JobStatus } from '@drey/api';
import type { JobResourceStatus } from './resource.ts';

/** Path that stands for "from the HA metadata", so that a loss of that metadata fails loudly instead of starting empty. */
export const LAST_STATE_MARKER = 'KUBERNETES_OPERATOR_LAST_STATE';

/** The parts of a status that are there before anything was done, in the shape the Apache operator gives them. */
const INITIAL = {
  jobStatus: {
    checkpointInfo: { lastPeriodicCheckpointTimestamp: 0 },
    savepointInfo: { lastPeriodicSavepointTimestamp: 0, savepointHistory: [] },
  },
  reconciliationStatus: { reconciliationTimestamp: 0, state: 'UPGRADING' },
} as const satisfies JobResourceStatus;

/** The recorded status with everything present that a new object with a job has. */
export function withInitialParts<S extends JobResourceStatus>(recorded: S): S {
  return {
    ...recorded,
    jobStatus: { ...INITIAL.jobStatus, ...recorded.jobStatus },
    reconciliationStatus: { ...INITIAL.reconciliationStatus, ...recorded.reconciliationStatus },
  };
}

/** A status with some members of `jobStatus` changed; `null` removes one. */
export function withJob<S extends JobResourceStatus>(status: S, change: Partial<JobStatus>): S {
  return { ...status, jobStatus: { ...status.jobStatus, ...change } };
}

/** A status with the job in `state`; `updateTime` moves only when the state does. */
export function withJobState<S extends JobResourceStatus>(status: S, state: JobState, now: number): S {
  if (status.jobStatus?.state === state) return status;
  return withJob(status, { state, updateTime: String(now) });
}

/** A status without an operation. */
export function withoutOperation<S extends JobResourceStatus>(status: S): S {
  const copy = { ...status };
  delete copy.operation;
  return copy;
}

/** A status without an error. */
export function withoutError<S extends JobResourceStatus>(status: S): S {
  const copy = { ...status };
  delete copy.error;
  return copy;
}

/** Where the next start of the job begins: the state of the last stop, else the last savepoint known. */
export function recordedStatePath(status: JobResourceStatus): string | undefined {
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
