import type { SeenState } from '../runtime/job-pulse.ts';
import type { JobResourceStatus } from './resource.ts';
import { withJob } from './status.ts';

/**
 * How often the newest checkpoint of a job without high availability is written into its status. In between only the
 * operator's memory has it, since nothing is written at every checkpoint.
 */
const RECORD_EVERY_MS = 3 * 60_000;

/**
 * A status with the newest checkpoint that was seen of the running job: the first one at once, later ones now and then. It
 * is what is left to start from when the operator and the JobManager die together.
 */
export function withNewestCheckpoint<S extends JobResourceStatus>(
  status: S,
  { seen, now }: { readonly seen: SeenState | undefined; readonly now: number },
): S {
  const { jobId, state, newestCheckpoint: recorded } = status.jobStatus ?? {};
  if (seen?.process === undefined || seen.jobId !== jobId || state !== 'RUNNING') return status;
  if (recorded?.path === seen.path) return status;
  const isOfThisRun = recorded?.jobId === seen.jobId && recorded.process === seen.process;
  if (isOfThisRun && now - Date.parse(recorded.recordedAt) < RECORD_EVERY_MS) return status;
  const { path, process } = seen;
  const recordedAt = new Date(now).toISOString();
  const triggered = seen.triggeredAt > 0 ? { triggeredAt: new Date(seen.triggeredAt).toISOString() } : {};
  return withJob(status, { newestCheckpoint: { jobId: seen.jobId, path, process, recordedAt, ...triggered } });
}

/** A status in which the recorded checkpoint is that of an earlier run. */
export function withRetiredCheckpoint<S extends JobResourceStatus>(status: S): S {
  const recorded = status.jobStatus?.newestCheckpoint;
  if (recorded?.process === undefined) return status;
  const { process: _, ...retired } = recorded;
  return withJob(status, { newestCheckpoint: retired });
}

/** What an operator that has just been started knows: the checkpoint that the one before it recorded. */
export function recordedCheckpoint({ status }: { readonly status?: JobResourceStatus }): SeenState | undefined {
  const recorded = status?.jobStatus?.newestCheckpoint;
  if (recorded === undefined || recorded === null) return undefined;
  const { jobId, path, process } = recorded;
  const triggeredAt = Date.parse(recorded.triggeredAt ?? '') || 0;
  return { jobId, path, process: process ?? undefined, triggeredAt };
}
