import type { UpgradeMode } from '@drey/api';
import { changeEvent } from '../job/change-event.ts';
import { jobFacts } from '../job/job-facts.ts';
import { beginOperation, type CurrentOperation, type OperationKind } from '../job/operation.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { ERROR_TYPES, errorText } from '../job/resource-error.ts';
import { LAST_STATE_MARKER, withJob, withJobState, withoutOperation } from '../job/status.ts';
import { followCancel, followStop, stopRequest } from '../job/stop.ts';
import { isTerminal, type UpgradeFacts, upgradeRule } from '../job/upgrade-choice.ts';
import { SUSPENDED, whileSavepointRests, whileUpgradeWaits } from '../job/upgrade-pending.ts';
import { after, inTransition } from '../job/wake-up.ts';
import { isSuspended, jobOf, type SessionJobContext, type SessionJobOutcome, wantedMode } from './context.ts';
import { missingForFlink, waitFor } from './readiness.ts';
import { restoreMode, startJob, suspended } from './start.ts';

/**
 * The facts from which the choice of upgrade is made. High availability does not count: it keeps jobs for the cluster, and
 * one job of many is brought down by cancelling it.
 */
export function upgradeFacts(context: SessionJobContext): UpgradeFacts {
  return {
    ...jobFacts({ ...context, checkpoints: context.world.flink.checkpoints }),
    upgradeMode: wantedMode(context.wanted.spec),
    jobManager: 'READY',
    jobManagerNeverStarted: false,
    recordedMode: context.recorded?.spec.job?.upgradeMode ?? 'stateless',
    flinkVersionChanged: false,
    ha: 'off',
  };
}

/** Begins to replace or to suspend the running job. undefined: it has to wait, and other work may go on meanwhile. */
export function beginUpgrade(context: SessionJobContext): SessionJobOutcome | undefined {
  const changed = changeEvent(context);
  const { choice } = upgradeRule(upgradeFacts(context));
  switch (choice.kind) {
    case 'failed':
      return upgradeFailed(context, choice.message, changed);
    case 'wait':
      return choice.otherActionsAllowed ? undefined : waiting(context, choice.reason, changed);
    case 'upgrade':
      if (choice.suspend === 'NOOP') return replace(context, choice.restore, changed);
      return bringDown(context, choice.suspend === 'SAVEPOINT' ? 'stopping' : 'cancelling', changed);
  }
}

/** What is said while an upgrade has to wait. */
export function waiting(
  context: SessionJobContext,
  reason: string,
  events: readonly PlannedEvent[] = [],
): SessionJobOutcome {
  return { status: context.status, events, ...whileUpgradeWaits(reason) };
}

/** The reason for which the upgrade waits at the moment. */
export function waitReason(context: SessionJobContext): string {
  const { choice } = upgradeRule(upgradeFacts(context));
  return choice.kind === 'wait' ? choice.reason : '';
}

function bringDown(
  context: SessionJobContext,
  phase: 'stopping' | 'cancelling',
  changed: readonly PlannedEvent[],
  kind: OperationKind = isSuspended(context.wanted.spec) ? 'suspend' : 'upgrade',
): SessionJobOutcome {
  const jobId = context.status.jobStatus?.jobId ?? '';
  const operation = beginOperation(context, kind, phase, jobId);
  return {
    status: { ...context.status, operation },
    steps: [
      phase === 'stopping'
        ? { kind: 'stop-with-savepoint', request: stopRequest(context, operation) }
        : { kind: 'cancel-job', jobId },
    ],
    events: [...changed, SUSPENDED],
    progress: { reason: 'SuspendingJob', message: 'Bringing the running job down.' },
    wakeUp: inTransition(0),
  };
}

/** A job that is over already makes room at once. */
function replace(
  context: SessionJobContext,
  restore: UpgradeMode,
  changed: readonly PlannedEvent[],
): SessionJobOutcome {
  if (isSuspended(context.wanted.spec)) return { ...suspended(context, restore), events: changed };
  const outcome = startJob(context, beginOperation(context, 'upgrade', 'deploying'), restoreMode(context, restore));
  return { ...outcome, events: [...changed, ...(outcome.events ?? [])] };
}

/** Goes on with bringing the job down. */
export function continueStopping(context: SessionJobContext, operation: CurrentOperation): SessionJobOutcome {
  const missing = missingForFlink(context);
  if (missing !== undefined) return waitFor(context, missing);
  const { job } = context;
  // Where no state is carried, what the job leaves does not matter, and need not be waited for.
  const isOver = (job.kind === 'found' && isTerminal(job.state)) || job.kind === 'missing';
  if (isOver && !carriesState(context, operation)) return afterStop(context, operation, undefined);
  const stopping = operation.phase === 'stopping' ? followStop(context, operation) : followCancel(context, operation);
  if (stopping.kind === 'stopped') return afterStop(context, operation, stopping.path);
  if (job.kind !== 'missing' || stopping.kind !== 'waiting') return stopping.outcome;
  const endedWithSavepoint = operation.phase === 'stopping' && isTerminal(context.status.jobStatus?.state ?? undefined);
  if (!endedWithSavepoint) return givenUp(context);
  // The end was seen, and only the answer about the savepoint would say where its state is.
  if (context.world.flink.savepoint?.kind !== 'not-found') return stopping.outcome;
  return givenUp({ ...context, status: withJob(context.status, { upgradeSavepointPath: LAST_STATE_MARKER }) });
}

function carriesState(context: SessionJobContext, operation: CurrentOperation): boolean {
  return !isRedeployed(context, operation) && wantedMode(context.wanted.spec) !== 'stateless';
}

/** The user has not thought better of it: of a spec that is refused by now, or names no savepoint any more, nothing is started. */
function isRedeployed({ change, wanted }: SessionJobContext, operation: CurrentOperation): boolean {
  if (operation.kind !== 'redeploy' || change?.type !== 'SAVEPOINT_REDEPLOY') return false;
  return (jobOf(wanted.spec).initialSavepointPath ?? '') !== '';
}

/** The job is gone, with its JobManager, while it was being brought down: what to do now is decided afresh. */
function givenUp(context: SessionJobContext): SessionJobOutcome {
  return {
    status: withoutOperation(context.status),
    progress: { reason: 'JobLost', message: 'The job was lost while it was brought down.' },
    wakeUp: after(0),
  };
}

function afterStop(
  context: SessionJobContext,
  operation: CurrentOperation,
  path: string | undefined,
): SessionJobOutcome {
  const state = context.status.jobStatus?.state ?? undefined;
  const ended =
    isTerminal(state) && state !== 'CANCELED' ? context.status : withJobState(context.status, 'FINISHED', context.now);
  const stopped: SessionJobContext = { ...context, status: withJob(ended, { upgradeSavepointPath: path ?? null }) };
  if (isRedeployed(context, operation)) return startFromNamed(stopped);
  const restore = restoreMode(context, 'savepoint');
  if (isSuspended(context.wanted.spec)) return suspended(stopped, restore);
  return startJob(stopped, beginOperation(context, 'upgrade', 'deploying'), restore);
}

/** Starts a job that is suspended. */
export function resume(context: SessionJobContext, jobId?: string): SessionJobOutcome {
  const mode = restoreMode(context, context.recorded?.spec.job?.upgradeMode ?? 'stateless');
  const first = context.recorded?.firstDeployment === true;
  const outcome = startJob(context, beginOperation(context, 'deploy', 'deploying'), mode, first, jobId);
  return { ...outcome, events: [...changeEvent(context), ...(outcome.events ?? [])] };
}

/** Starts anew from the savepoint the user named, whatever the running job's state is. */
export function redeploy(context: SessionJobContext): SessionJobOutcome {
  const path = jobOf(context.wanted.spec).initialSavepointPath ?? '';
  if (path === '') {
    const message =
      'job.savepointRedeployNonce asks for a start from job.initialSavepointPath, which is not set. Set it.';
    const error = errorText({ type: ERROR_TYPES.validation, message }, context.config.errorLimits);
    const isNew = context.world.sessionJob.status?.error !== error;
    return {
      status: { ...context.status, error },
      stalled: { reason: 'ValidationError', message },
      events: isNew ? [{ type: 'Warning', reason: 'ValidationError', message, component: 'Operator' }] : [],
      wakeUp: { kind: 'on-change' },
    };
  }
  const changed = changeEvent(context);
  const { job } = context;
  const runs = (job.kind === 'found' && !isTerminal(job.state)) || job.kind === 'unknown';
  if (runs) return bringDown(context, 'cancelling', changed, 'redeploy');
  const outcome = startFromNamed(context);
  return { ...outcome, events: [...changed, ...(outcome.events ?? [])] };
}

function startFromNamed(context: SessionJobContext): SessionJobOutcome {
  const path = jobOf(context.wanted.spec).initialSavepointPath ?? null;
  const named = { ...context, status: withJob(context.status, { upgradeSavepointPath: path }) };
  return startJob(named, beginOperation(context, 'redeploy', 'deploying'), 'savepoint', true);
}

/** After a failed savepoint: left alone for a while, then decided afresh. */
export function afterFailedStop(
  context: SessionJobContext,
  operation: CurrentOperation,
): SessionJobOutcome | undefined {
  const resting = whileSavepointRests(operation, context.now);
  return resting && { status: context.status, ...resting };
}

function upgradeFailed(
  context: SessionJobContext,
  message: string,
  events: readonly PlannedEvent[],
): SessionJobOutcome {
  const error = errorText({ type: ERROR_TYPES.upgrade, message }, context.config.errorLimits);
  const warning: PlannedEvent = { type: 'Warning', reason: 'UpgradeFailed', message, component: 'Job' };
  return {
    status: { ...context.status, error },
    events: context.status.error === error ? [] : [...events, warning],
    stalled: { reason: 'UpgradeFailed', message },
    wakeUp: { kind: 'after', ms: context.config.restIntervalMs, jitter: true },
  };
}
