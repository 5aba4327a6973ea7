import type { FlinkSessionJob } from '@drey/api';
import { decideSessionJob } from '../sessionjob/decide.ts';
import type { SessionJobPlan } from '../sessionjob/plan.ts';
import type { FailedSubmission } from '../sessionjob/submissions.ts';
import type { SessionJobWorld } from '../sessionjob/world.ts';
import { SESSION_POLICY } from './session-worlds.ts';
import { NOW } from './worlds.ts';

/** What tests of decisions about session jobs say again and again. */

export { changed, kinds } from './plans.ts';

export const JOB = 'b'.repeat(32);
export const OPERATION = 'a'.repeat(32);
export const LATER = { operationId: 'd'.repeat(32), jobId: 'e'.repeat(32) };

export const decide = (world: SessionJobWorld): SessionJobPlan => decideSessionJob(world, SESSION_POLICY);
export const ready = (plan: SessionJobPlan) =>
  (plan.settled ?? plan.status).conditions?.find((one) => one.type === 'Ready');

export function deleting(sessionJob: FlinkSessionJob, at = NOW): FlinkSessionJob {
  return { ...sessionJob, metadata: { ...sessionJob.metadata, deletionTimestamp: new Date(at).toISOString() } };
}

export function failure(changes: Partial<FailedSubmission> = {}): FailedSubmission {
  return {
    ...{ kind: 'failed', operationId: OPERATION, stage: 'upload', certain: true, at: NOW, attempts: 1 },
    message: 'There is no https://jars.example.com/job.jar (404).',
    ...changes,
  };
}
