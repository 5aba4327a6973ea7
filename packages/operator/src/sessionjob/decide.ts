import type { FlinkSessionJob, FlinkSessionJobStatus } from '@drey/api';
import { configurationWarningEvents } from '../job/configuration-warning.ts';
import { END_SETTLES_MS, observeJob } from '../job/job-observation.ts';
import { jobToGoOnWith } from '../job/job-to-go-on-with.ts';
import { type CurrentOperation, currentOperation, followedJob, isOfLaterLeader } from '../job/operation.ts';
import { placedStatus } from '../job/placed-status.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { lastReconciled, type RecordedSpec } from '../job/recorded-spec.ts';
import { withoutJobOperation } from '../job/snapshots/object-mode.ts';
import { withStopRecorded } from '../job/snapshots/upgrade-snapshot.ts';
import { withInitialParts } from '../job/status.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import { withValidation } from '../job/validation-error.ts';
import { after, ON_CHANGE } from '../job/wake-up.ts';
import { configurationWarning, withConditions } from './conditions.ts';
import {
  isSuspended,
  type SessionJobConfig,
  type SessionJobContext,
  type SessionJobOutcome,
  wantedMode,
} from './context.ts';
import { deletion, FINALIZER } from './deletion.ts';
import { changeInPlace, continueRescaling } from './in-place.ts';
import { observedStatus } from './observed-status.ts';
import type { SessionJobPlan, SessionJobStep } from './plan.ts';
import { missingForFlink, waitFor } from './readiness.ts';
import { recoverLost, restartFailed } from './recovery.ts';
import { settledOutcome } from './rest.ts';
import { heldBySavepoint, withSnapshots } from './snapshots.ts';
import { specChange } from './spec-change.ts';
import { firstStart, started } from './start.ts';
import { continueSubmitting } from './submission.ts';
import { afterFailedStop, beginUpgrade, continueStopping, redeploy, resume, waiting, waitReason } from './upgrade.ts';
import type { SessionJobWorld } from './world.ts';

/**
 * What to do about a FlinkSessionJob. Pure and total: the same world gives the same plan, and every world gives one.
 * The status it returns is complete; when it equals the recorded one nothing is written.
 */
export function decideSessionJob(world: SessionJobWorld, config: SessionJobConfig): SessionJobPlan {
  // A newer leader is at work: this process has lost its leadership without knowing it yet.
  if (isOfLaterLeader(world.sessionJob.status?.operation, world.epoch)) {
    const status = withInitialParts(world.sessionJob.status ?? {});
    return { status, steps: [], events: [], wakeUp: after(5_000) };
  }
  const context = contextOf(world, config);
  return finish(context, withStopRecorded(context, world.sessionJob.status?.operation, outcomeOf(context)));
}

function outcomeOf(context: SessionJobContext): SessionJobOutcome {
  if (context.wanted.metadata.deletionTimestamp !== undefined) return deletion(context);
  const operation = currentOperation(context.status.operation);
  if (operation !== undefined) {
    // The way out of every other operation, but for one that may be starting a job right now.
    const isOther = operation.kind !== 'redeploy' && operation.phase !== 'submitting';
    if (isOther && context.change?.type === 'SAVEPOINT_REDEPLOY') return unlessMissing(context, redeploy);
    const outcome = continueOperation(context, operation);
    if (outcome !== undefined) return outcome;
  }
  const idle: SessionJobContext = { ...context, status: withoutJobOperation(context.status) };
  if (context.recorded === undefined) {
    return context.invalid === undefined ? firstStart(idle) : { status: idle.status, wakeUp: ON_CHANGE };
  }
  return settle(idle, context.recorded);
}

/** undefined: the operation has nothing left to do, and the object is looked at as if there was none. */
function continueOperation(context: SessionJobContext, operation: CurrentOperation): SessionJobOutcome | undefined {
  switch (operation.phase) {
    case 'stopping':
    case 'cancelling':
      return continueStopping(context, operation);
    case 'deploying':
    case 'submitting':
      return continueSubmitting(context, operation);
    case 'rescaling':
      return continueRescaling(context, operation);
    case 'failed':
      return context.change === undefined ? undefined : afterFailedStop(context, operation);
    default:
      return undefined;
  }
}

function unlessMissing(
  context: SessionJobContext,
  then: (context: SessionJobContext) => SessionJobOutcome,
): SessionJobOutcome {
  const missing = missingForFlink(context);
  return missing === undefined ? then(context) : waitFor(context, missing);
}

function settle(context: SessionJobContext, recorded: RecordedSpec<'FlinkSessionJob'>): SessionJobOutcome {
  const { status, wanted } = context;
  const isDown = recorded.spec.job?.state === 'suspended';
  const wantsDown = isSuspended(wanted.spec);
  const isUpgrading = status.reconciliationStatus?.state === 'UPGRADING';
  // A job that is down, or over, needs no cluster until somebody wants something of it.
  if (isDown && wantsDown && !isUpgrading) return settledOutcome(context);
  const isOver = isTerminal(status.jobStatus?.state ?? undefined) && !isDown && !isUpgrading;
  if (isOver && (context.change?.type ?? 'IGNORE') === 'IGNORE' && missingForFlink(context) !== undefined) {
    return settledOutcome(context);
  }
  return unlessMissing(context, (ready) => {
    const change = ready.change?.type ?? 'IGNORE';
    if (change === 'SAVEPOINT_REDEPLOY') return redeploy(ready);
    if (isDown && isUpgrading && isStarted(ready)) return { status: started(ready), wakeUp: after(0) };
    if (isDown && !wantsDown) return endBeingRead(ready) ?? resume(ready, interruptedStart(ready));
    if (isDown) return settledOutcome(ready);
    if (makesRoom(ready)) return beginUpgrade(ready) ?? waiting(ready, waitReason(ready));
    const lost = recoverLost(ready);
    if (lost !== undefined) return lost;
    const isPending = change === 'UPGRADE' || change === 'SCALE' || isUpgrading;
    if (!isPending) return restartFailed(ready) ?? withSnapshots(ready, settledOutcome(ready));
    const held = heldBySavepoint(ready);
    if (held !== undefined) return held;
    // Only what runs the recorded spec can be changed in place.
    const inPlace = status.reconciliationStatus?.state === 'DEPLOYED' ? changeInPlace(ready) : undefined;
    if (inPlace !== undefined) return inPlace;
    return beginUpgrade(ready) ?? restartFailed(ready) ?? waiting(ready, waitReason(ready));
  });
}

/** Its session cluster is to be replaced and waits for the job to be brought down with its state. */
function makesRoom({ cluster, job, wanted }: SessionJobContext): boolean {
  const operation = cluster?.deployment.status?.operation;
  if (operation?.kind !== 'upgrade' || operation.phase !== 'stopping') return false;
  return job.kind === 'found' && job.state === 'RUNNING' && wantedMode(wanted.spec) !== 'stateless';
}

/** A start that the Apache operator recorded and made, but died before saying so. */
function isStarted({ job }: SessionJobContext): boolean {
  return job.kind === 'found' && job.state !== 'CANCELLING' && job.state !== 'CANCELED' && job.state !== 'FINISHED';
}

/** What a job left that somebody cancelled is the last word only some seconds after its end. */
function endBeingRead({ job, status, now, wanted }: SessionJobContext): SessionJobOutcome | undefined {
  const isEnded = job.kind === 'found' || job.kind === 'end-not-understood';
  if (!isEnded || wantedMode(wanted.spec) === 'stateless') return undefined;
  const left = END_SETTLES_MS - (now - Number(status.jobStatus?.updateTime ?? 0));
  if (left <= 0) return undefined;
  return {
    status,
    progress: { reason: 'ReadingState', message: 'What the job left is being read.' },
    wakeUp: after(left),
  };
}

/** The job id of a start that the Apache operator recorded and may have made: the same id makes it happen once. */
function interruptedStart({ status }: SessionJobContext): string | undefined {
  const { jobId, state } = status.jobStatus ?? {};
  return state === 'RECONCILING' && typeof jobId === 'string' ? jobId : undefined;
}

/** Everything the concerns of a decision share. */
export function contextOf(world: SessionJobWorld, config: SessionJobConfig): SessionJobContext {
  const before = withInitialParts(world.sessionJob.status ?? {});
  const { sessionJob, now } = world;
  const stored = lastReconciled<'FlinkSessionJob'>(before);
  const cluster = world.cluster.known ? world.cluster.value : undefined;
  const invalid = config.validate(sessionJob, cluster?.deployment);
  const fallback =
    invalid === undefined || stored === undefined ? undefined : recordedAsWanted(sessionJob, before, stored);
  const wanted = fallback ?? sessionJob;
  const job = observeJob(followedJob(before), world.flink.jobs, world.flink.checkpoints);
  const stateful = wantedMode(wanted.spec) !== 'stateless';
  const { errorLimits, exceptionLimits } = config;
  const observed =
    stored === undefined
      ? { status: before, events: [] }
      : observedStatus({ world, status: before, recorded: stored, job, errorLimits, exceptionLimits, stateful });
  const validated = withValidation(observed.status, invalid, errorLimits);
  const recorded = lastReconciled<'FlinkSessionJob'>(validated.status);
  return {
    world,
    config,
    now,
    wanted,
    generation: fallback === undefined ? (sessionJob.metadata.generation ?? 1) : (before.observedGeneration ?? 1),
    invalid,
    options: config.configurationOf(
      invalid === undefined || fallback !== undefined ? wanted : bare(wanted),
      cluster?.deployment,
    ),
    recorded,
    change: recorded === undefined ? undefined : specChange(recorded.spec, wanted.spec, cluster?.deployment),
    status: validated.status,
    job,
    cluster,
    events: [...observed.events, ...validated.events],
  };
}

/** A spec that never was valid says nothing about how to go on. */
function bare(sessionJob: FlinkSessionJob): FlinkSessionJob {
  const { deploymentName } = sessionJob.spec;
  return { ...sessionJob, spec: deploymentName === undefined ? {} : { deploymentName } };
}

/** An invalid spec is not acted on: the object goes on with the recorded one. */
function recordedAsWanted(
  sessionJob: FlinkSessionJob,
  status: FlinkSessionJobStatus,
  recorded: RecordedSpec<'FlinkSessionJob'>,
): FlinkSessionJob {
  const job = jobToGoOnWith(recorded.spec.job, sessionJob.spec.job, status);
  return { ...sessionJob, spec: { ...recorded.spec, job } };
}

function finish(context: SessionJobContext, outcome: SessionJobOutcome): SessionJobPlan {
  const settled = outcome.settled === undefined ? {} : { settled: complete(context, outcome, outcome.settled) };
  return {
    status: complete(context, outcome, outcome.status),
    steps: [...finalizerSteps(context), ...(outcome.steps ?? [])],
    ...settled,
    events: [...context.events, ...(outcome.events ?? []), ...warned(context)],
    wakeUp: outcome.wakeUp,
  };
}

function warned(context: SessionJobContext): readonly PlannedEvent[] {
  const recorded = context.world.sessionJob.status?.conditions ?? [];
  return configurationWarningEvents(configurationWarning(context), recorded);
}

/** Every object has the finalizer from its first pass on, as with the Apache operator. */
function finalizerSteps({ wanted: { metadata } }: SessionJobContext): readonly SessionJobStep[] {
  const isThere = (metadata.finalizers ?? []).includes(FINALIZER);
  return isThere || metadata.deletionTimestamp !== undefined ? [] : [{ kind: 'add-finalizer' }];
}

/** Adds what follows from the rest of a status. */
function complete(
  context: SessionJobContext,
  outcome: SessionJobOutcome,
  status: FlinkSessionJobStatus,
): FlinkSessionJobStatus {
  const { world, invalid, config, now } = context;
  const isStalled = outcome.stalled !== undefined;
  const before = world.sessionJob.status;
  const placed = placedStatus(status, { before, invalid, isStalled, errorLimits: config.errorLimits, now });
  return withConditions(context, outcome, placed);
}
