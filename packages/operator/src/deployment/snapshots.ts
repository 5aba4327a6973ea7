import { areTasksStarting } from '../job/job-facts.ts';
import { currentOperation } from '../job/operation.ts';
import type { JobSnapshotsInput } from '../job/snapshots/input.ts';
import { earlier, holdsBackChanges, jobSnapshots } from '../job/snapshots/job-snapshots.ts';
import { takenByStop, withUpgradeSnapshot } from '../job/snapshots/upgrade-snapshot.ts';
import { after } from '../job/wake-up.ts';
import { type Context, jobOf, type Outcome } from './context.ts';

/** What is decided at rest, with what is to be done about the job's snapshots. */
export function withSnapshots(context: Context, outcome: Outcome): Outcome {
  const found = jobSnapshots(inputOf(context, outcome));
  const more = {
    events: [...(outcome.events ?? []), ...found.events],
    wakeUp: earlier(outcome.wakeUp, found.wakeUp) ?? outcome.wakeUp,
    conditions: [...(outcome.conditions ?? []), ...found.conditions],
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
export function heldBySavepoint(context: Context): Outcome | undefined {
  if (!holdsBackChanges(context) || context.status.jobStatus?.state !== 'RUNNING') return undefined;
  const message = 'The change waits for the savepoint that is under way.';
  const outcome = withSnapshots(context, { status: context.status, wakeUp: after(HELD_MS) });
  return { ...outcome, progress: { reason: 'SavepointInProgress', message } };
}

/** What is decided when a savepoint has stopped the job: that savepoint is recorded first. */
export function withStopRecorded(context: Context, outcome: Outcome): Outcome {
  const { world, wanted, status, options, now, config } = context;
  const operation = currentOperation(world.deployment.status?.operation);
  const location = takenByStop(operation, world.flink.savepoint);
  if (operation === undefined || location === undefined) return outcome;
  const movedOn = outcome.status.operation?.phase !== 'stopping' || outcome.status.operation.id !== operation.id;
  if (!movedOn || outcome.status.jobStatus?.upgradeSavepointPath !== location) return outcome;
  const { kind, metadata } = wanted;
  const input = { kind, metadata, status, options, policy: config.snapshots, readings: world.snapshots, now };
  return withUpgradeSnapshot(input, operation, location, outcome);
}

function inputOf(context: Context, outcome: Outcome): JobSnapshotsInput<Outcome['status']> {
  const { world, wanted, recorded, options, now, job } = context;
  return {
    kind: wanted.kind,
    metadata: wanted.metadata,
    job: jobOf(wanted.spec),
    flinkVersion: recorded?.spec.flinkVersion ?? undefined,
    status: outcome.status,
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
