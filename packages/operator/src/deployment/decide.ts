import type { FlinkDeployment, FlinkDeploymentStatus } from '@drey/api';
import { FlinkConfig } from '@drey/flink';
import { configurationWarningEvents } from '../job/configuration-warning.ts';
import { observeJob } from '../job/job-observation.ts';
import { jobToGoOnWith } from '../job/job-to-go-on-with.ts';
import { type CurrentOperation, currentOperation, isOfLaterLeader } from '../job/operation.ts';
import { placedStatus } from '../job/placed-status.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { deployedSpec, lastReconciled, type RecordedSpec } from '../job/recorded-spec.ts';
import { withoutJobOperation } from '../job/snapshots/object-mode.ts';
import { withStopRecorded } from '../job/snapshots/upgrade-snapshot.ts';
import { withValidation } from '../job/validation-error.ts';
import { after } from '../job/wake-up.ts';
import { warningDrafts, withConditions } from './conditions.ts';
import { type Context, type DecideConfig, isSessionCluster, isSuspended, jobOf, type Outcome } from './context.ts';
import { deletion } from './deletion/deletion.ts';
import { withDriftRepaired } from './drift/drift.ts';
import { changeInPlace, continueRescaling, withRescaleKept } from './in-place/in-place.ts';
import { statusOf } from './initial-status.ts';
import { observeJobManager } from './observation/job-manager-observation.ts';
import { observedStatus } from './observation/observed-status.ts';
import { observedSession } from './observation/session-observation.ts';
import type { Plan } from './plan.ts';
import { recoverLost } from './recovery/lost-state.ts';
import { continueExpiring, recover } from './recovery/recovery.ts';
import { abandonRollback, returnsToDeployed, rollBack, takeBack } from './recovery/rollback.ts';
import { recoverTaskManagers } from './recovery/standalone-task-managers.ts';
import { settledOutcome } from './rest.ts';
import { sessionCluster } from './session/session-cluster.ts';
import { heldBySavepoint, withSnapshots } from './snapshots.ts';
import { firstDeployment } from './start/first-deployment.ts';
import { missingRight, untilValid } from './start/missing-right.ts';
import { withObservedResults } from './start/result-stores.ts';
import { adoptDeployed, continueDeploying, isAlreadyDeployed } from './start/start.ts';
import { withOperatorKeysOf } from './upgrade/operator-keys.ts';
import { classOfChange, specChange } from './upgrade/spec-change.ts';
import {
  afterFailedStop,
  beginUpgrade,
  continueRemoving,
  continueStopping,
  redeploy,
  resume,
  waiting,
  waitReason,
} from './upgrade/upgrade.ts';
import type { World } from './world.ts';

/**
 * What to do about a FlinkDeployment. Pure and total: the same world gives the same plan, and every world gives one.
 * The status it returns is complete; when it equals the recorded one nothing is written.
 */
export function decide(world: World, config: DecideConfig): Plan {
  if (isOfLaterLeader(world.deployment.status?.operation, world.epoch)) return standBack(world);
  const context = contextOf(world, config);
  return finish(context, outcomeOf(context));
}

/** A newer leader is at work: this process has lost its leadership without knowing it yet. */
function standBack(world: World): Plan {
  return { status: statusOf(world.deployment.status), steps: [], events: [], wakeUp: after(5_000) };
}

function outcomeOf(context: Context): Outcome {
  return withStopRecorded(context, context.world.deployment.status?.operation, wholeOutcome(context));
}

function wholeOutcome(context: Context): Outcome {
  if (context.wanted.metadata.deletionTimestamp !== undefined) return deletion(context);
  if (isSessionCluster(context.wanted.spec)) return sessionCluster(context);
  const operation = currentOperation(context.status.operation);
  if (operation !== undefined) {
    // The way out of every other operation, also of one that cannot go on because its state is lost.
    if (context.change?.type === 'SAVEPOINT_REDEPLOY') return redeploy(context);
    const outcome = continueOperation(context, operation);
    if (outcome !== undefined) return outcome;
  }
  const idle: Context = { ...context, status: withoutJobOperation(context.status) };
  if (context.recorded === undefined) {
    return context.invalid === undefined ? firstDeployment(idle) : { status: idle.status, wakeUp: untilValid(context) };
  }
  return settle(idle, context.recorded);
}

/** undefined: the operation has nothing left to do, and the object is looked at as if there was none. */
function continueOperation(context: Context, operation: CurrentOperation): Outcome | undefined {
  switch (operation.phase) {
    case 'stopping':
    case 'cancelling':
      return continueStopping(context, operation);
    case 'failed':
      return context.change === undefined ? undefined : afterFailedStop(context, operation);
    case 'removing':
      if (operation.kind === 'expire') return continueExpiring(context, operation);
      if (operation.kind === 'rollback' && isChanged(context)) return abandonRollback(context);
      return continueRemoving(context, operation, lastReconciled(context.status)?.spec.job?.upgradeMode ?? 'stateless');
    case 'deploying':
      return continueDeploying(context, operation);
    case 'rescaling':
      return continueRescaling(context, operation);
  }
}

function isChanged({ change }: Context): boolean {
  return change !== undefined && change.type !== 'IGNORE';
}

function settle(context: Context, recorded: RecordedSpec): Outcome {
  const suspended = recorded.spec.job?.state === 'suspended';
  const upgrading = context.status.reconciliationStatus?.state === 'UPGRADING';
  const change = context.change?.type ?? 'IGNORE';
  if (change === 'SAVEPOINT_REDEPLOY') return redeploy(context);
  if (upgrading && suspended && isAlreadyDeployed(context)) return adoptDeployed(context);
  if (suspended && !isSuspended(context.wanted.spec)) return resume(context);
  if (upgrading && suspended) return resume(context, 'suspend');
  const pending = (change === 'UPGRADE' || change === 'SCALE' || upgrading) && !suspended;
  const unmanned = recoverTaskManagers(context);
  if (unmanned !== undefined) return unmanned;
  const lost = recoverLost(context);
  if (lost !== undefined) return lost;
  if (!pending) {
    const settled = rollBack(context) ?? recover(context);
    if (settled !== undefined) return settled;
    return withDriftRepaired(context, withRescaleKept(context, withSnapshots(context, settledOutcome(context))));
  }
  if (returnsToDeployed(context)) return takeBack(context);
  const held = heldBySavepoint(context);
  if (held !== undefined) return held;
  // Only what runs the recorded spec can be changed in place.
  const deployed = context.status.reconciliationStatus?.state === 'DEPLOYED';
  const inPlace = deployed ? changeInPlace(context) : undefined;
  if (inPlace !== undefined) return inPlace;
  return beginUpgrade(context) ?? recover(context) ?? withDriftRepaired(context, waiting(context, waitReason(context)));
}

/** Everything the concerns of a decision share. */
export function contextOf(world: World, config: DecideConfig): Context {
  const { deployment, now } = world;
  const before = statusOf(deployment.status);
  const stored = deployedSpec(before);
  const invalid = config.validate(deployment) ?? missingRight(world)?.message;
  const fallback = invalid === undefined ? undefined : recordedAsWanted(deployment, before, lastReconciled(before));
  const wanted = fallback ?? deployment;
  const jobManager = observeJobManager(world, before.jobManagerDeploymentStatus ?? 'MISSING');
  const job = observeJob(before.jobStatus?.jobId, world.flink.jobs, world.flink.checkpoints);
  const running = stored === undefined ? wanted : { ...deployment, spec: withOperatorKeysOf(stored.spec, wanted.spec) };
  // Of a spec that is refused before anything was deployed no configuration can be made, and none is needed.
  const runningOptions =
    stored === undefined && invalid !== undefined ? FlinkConfig.of({}) : config.configurationOf(running);
  const options = fallback === undefined && invalid === undefined ? config.configurationOf(wanted) : runningOptions;
  const stateful = (jobOf(wanted.spec).upgradeMode ?? 'stateless') !== 'stateless';
  const { errorLimits, exceptionLimits } = config;
  const observed =
    stored === undefined
      ? { status: before, events: [] }
      : (isSessionCluster(stored.spec) ? observedSession : observedStatus)({
          world,
          status: before,
          recorded: stored,
          jobManager,
          job,
          options: runningOptions,
          errorLimits,
          exceptionLimits,
          stateful,
        });
  const results = withObservedResults(observed.status, world, job);
  const validated = withValidation(results, invalid, config.errorLimits);
  const recorded = deployedSpec(validated.status);
  const acted = lastReconciled(validated.status);
  const change = acted === undefined ? undefined : specChange(acted.spec, wanted.spec);
  const { defaultLogging } = config;
  const jobState = validated.status.jobStatus?.state ?? undefined;
  return {
    world,
    config,
    now,
    wanted,
    invalid,
    options,
    runningOptions,
    recorded,
    jobManager,
    job,
    generation: fallback === undefined ? (deployment.metadata.generation ?? 1) : (before.observedGeneration ?? 1),
    change,
    classification: classOfChange(change, { wanted, options, runningOptions, jobState, defaultLogging }),
    status: validated.status,
    events: [...observed.events, ...validated.events],
  };
}

/** An invalid spec is not acted on: the object goes on with the recorded one. */
function recordedAsWanted(
  deployment: FlinkDeployment,
  status: FlinkDeploymentStatus,
  recorded: RecordedSpec | undefined,
): FlinkDeployment | undefined {
  if (recorded === undefined) return undefined;
  if (isSessionCluster(recorded.spec)) return { ...deployment, spec: recorded.spec };
  const job = jobToGoOnWith(recorded.spec.job, deployment.spec.job, status);
  return { ...deployment, spec: { ...recorded.spec, job } };
}

function finish(context: Context, outcome: Outcome): Plan {
  const settled = outcome.settled === undefined ? {} : { settled: settledStatus(context, outcome, outcome.settled) };
  return {
    status: complete(context, outcome, outcome.status),
    steps: outcome.steps ?? [],
    ...settled,
    events: [...context.events, ...(outcome.events ?? []), ...warned(context)],
    wakeUp: outcome.wakeUp,
  };
}

/** What the next look would write of what was just made is written with it, so that it need not be written again. */
function settledStatus(context: Context, outcome: Outcome, status: FlinkDeploymentStatus): FlinkDeploymentStatus {
  const { settledProgress: progress } = outcome;
  if (progress === undefined) return complete(context, outcome, status);
  return complete({ ...context, recorded: deployedSpec(status) }, { ...outcome, progress }, status);
}

function warned(context: Context): readonly PlannedEvent[] {
  const { conditions } = context.world.deployment.status ?? {};
  return configurationWarningEvents(warningDrafts(context), conditions ?? []);
}

/** Adds what follows from the rest of a status. */
function complete(context: Context, outcome: Outcome, status: FlinkDeploymentStatus): FlinkDeploymentStatus {
  const { world, invalid, config, now } = context;
  const isStalled = outcome.stalled !== undefined;
  const before = world.deployment.status;
  const placed = placedStatus(status, { before, invalid, isStalled, errorLimits: config.errorLimits, now });
  return withConditions(context, outcome, placed);
}
