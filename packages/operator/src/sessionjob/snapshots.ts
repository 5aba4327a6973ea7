import type { FlinkSessionJobStatus } from '@drey/api';
import { areTasksStarting } from '../job/job-facts.ts';
import { currentOperation } from '../job/operation.ts';
import type { JobSnapshotsInput } from '../job/snapshots/input.ts';
import { earlier, holdsBackChanges, jobSnapshots } from '../job/snapshots/job-snapshots.ts';
import { takenByStop, withUpgradeSnapshot } from '../job/snapshots/upgrade-snapshot.ts';
import { after } from '../job/wake-up.ts';
import { jobOf, type SessionJobContext, type SessionJobOutcome } from './context.ts';

/** What is decided at rest, with what is to be done about the job's snapshots. */
export function withSnapshots(context: SessionJobContext, outcome: SessionJobOutcome): SessionJobOutcome {
  const found = jobSnapshots(inputOf(context, outcome.status));
  const more = {
    events: [...(outcome.events ?? []), ...found.events],
    wakeUp: earlier(outcome.wakeUp, found.wakeUp) ?? outcome.wakeUp,
    conditions: found.conditions,
  };
  if (found.steps.length === 0) return { ...outcome, ...more, status: found.status };
  // The generation counts as acted on only when the snapshot that it asks for is.
  const { observedGeneration } = context.status;
  const held = typeof observedGeneration === 'number' && found.settled !== undefined ? { observedGeneration } : {};
  const settled = found.settled === undefined ? {} : { settled: found.settled };
  return { ...outcome, ...more, status: { ...found.status, ...held }, steps: found.steps, ...settled };
}

/** How soon a held change looks whether it may go on. */
const HELD_MS = 500;

/** While a savepoint is under way that a change of the spec has to wait for. */
export function heldBySavepoint(context: SessionJobContext): SessionJobOutcome | undefined {
  if (!holdsBackChanges(context) || context.status.jobStatus?.state !== 'RUNNING') return undefined;
  const message = 'The change waits for the savepoint that is under way.';
  const outcome = withSnapshots(context, { status: context.status, wakeUp: after(HELD_MS) });
  return { ...outcome, progress: { reason: 'SavepointInProgress', message } };
}

/** What is decided when a savepoint has stopped the job: that savepoint is recorded first. */
export function withStopRecorded(context: SessionJobContext, outcome: SessionJobOutcome): SessionJobOutcome {
  const { world, wanted, status, options, now, config } = context;
  const operation = currentOperation(world.sessionJob.status?.operation);
  const location = takenByStop(operation, world.flink.savepoint);
  if (operation === undefined || location === undefined) return outcome;
  const movedOn = outcome.status.operation?.phase !== 'stopping' || outcome.status.operation.id !== operation.id;
  if (!movedOn || outcome.status.jobStatus?.upgradeSavepointPath !== location) return outcome;
  const { kind, metadata } = wanted;
  const input = { kind, metadata, status, options, policy: config.snapshots, readings: world.snapshots, now };
  return withUpgradeSnapshot(input, operation, location, outcome);
}

function inputOf(context: SessionJobContext, status: FlinkSessionJobStatus): JobSnapshotsInput<FlinkSessionJobStatus> {
  const { world, wanted, options, now, job, cluster, config } = context;
  return {
    kind: wanted.kind,
    metadata: wanted.metadata,
    job: jobOf(wanted.spec),
    flinkVersion: cluster?.deployment.spec.flinkVersion ?? undefined,
    status,
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
