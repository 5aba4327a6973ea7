import type { FlinkSessionJobStatus } from '@drey/api';
import { areTasksStarting } from '../job/job-facts.ts';
import { heldByRunningSavepoint, snapshotsAtRest } from '../job/snapshots/at-rest.ts';
import type { JobSnapshotsInput } from '../job/snapshots/input.ts';
import { withoutOperation } from '../job/status.ts';
import { jobOf, type SessionJobContext, type SessionJobOutcome } from './context.ts';

/** What is decided at rest, with what is to be done about the job's snapshots. */
export function withSnapshots(context: SessionJobContext, outcome: SessionJobOutcome): SessionJobOutcome {
  const input = inputOf(context, outcome.status);
  return { ...outcome, ...snapshotsAtRest(input, outcome, context.status.observedGeneration) };
}

/** While a savepoint is under way that a change of the spec has to wait for. */
export function heldBySavepoint(context: SessionJobContext): SessionJobOutcome | undefined {
  return heldByRunningSavepoint(inputOf(context, context.status));
}

function inputOf(context: SessionJobContext, status: FlinkSessionJobStatus): JobSnapshotsInput<FlinkSessionJobStatus> {
  const { world, wanted, options, now, job, cluster, config } = context;
  return {
    kind: wanted.kind,
    metadata: wanted.metadata,
    job: jobOf(wanted.spec),
    flinkVersion: cluster?.deployment.spec.flinkVersion ?? undefined,
    status: withoutOperation(status),
    operation: world.sessionJob.status?.operation,
    tasksStarting: job.kind === 'found' && areTasksStarting(job.job),
    stateIsKnown: job.kind === 'found',
    options,
    policy: config.snapshots,
    readings: world.snapshots,
    now,
    epoch: world.epoch,
    freshId: world.fresh.operationId,
  };
}
