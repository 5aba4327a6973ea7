import type { FlinkDeploymentStatus } from '@drey/api';
import { areTasksStarting } from '../job/job-facts.ts';
import { heldByRunningSavepoint, snapshotsAtRest } from '../job/snapshots/at-rest.ts';
import type { JobSnapshotsInput } from '../job/snapshots/input.ts';
import { withoutOperation } from '../job/status.ts';
import { type Context, jobOf, type Outcome } from './context.ts';

/** What is decided at rest, with what is to be done about the job's snapshots. */
export function withSnapshots(context: Context, outcome: Outcome): Outcome {
  const input = inputOf(context, outcome.status);
  return { ...outcome, ...snapshotsAtRest(input, outcome, context.status.observedGeneration) };
}

/** While a savepoint is under way that a change of the spec has to wait for. */
export function heldBySavepoint(context: Context): Outcome | undefined {
  return heldByRunningSavepoint(inputOf(context, context.status));
}

function inputOf(context: Context, status: FlinkDeploymentStatus): JobSnapshotsInput<FlinkDeploymentStatus> {
  const { world, wanted, recorded, options, now, job } = context;
  return {
    kind: wanted.kind,
    metadata: wanted.metadata,
    job: jobOf(wanted.spec),
    flinkVersion: recorded?.spec.flinkVersion ?? undefined,
    status: withoutOperation(status),
    operation: world.deployment.status?.operation,
    stateIsKnown: job.kind === 'found' || context.status.jobManagerDeploymentStatus === 'MISSING',
    tasksStarting: job.kind === 'found' && areTasksStarting(job.job),
    options,
    policy: context.config.snapshots,
    readings: world.snapshots,
    now,
    epoch: world.epoch,
    freshId: world.fresh.operationId,
  };
}
