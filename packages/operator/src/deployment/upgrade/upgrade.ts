import type { UpgradeMode } from '@drey/api';
import { changeEvent } from '../../job/change-event.ts';
import { beginOperation, type CurrentOperation, type OperationKind } from '../../job/operation.ts';
import { isStableUnproven } from '../../job/operation-history.ts';
import type { PlannedEvent } from '../../job/planned.ts';
import { withRecord } from '../../job/record.ts';
import { writeRecorded } from '../../job/recorded-spec.ts';
import { ERROR_TYPES, errorText } from '../../job/resource-error.ts';
import { withJob, withJobState, withoutOperation } from '../../job/status.ts';
import { followCancel, followStop, stopRequest } from '../../job/stop.ts';
import { isTerminal, type SuspendMode, upgradeRule } from '../../job/upgrade-choice.ts';
import { SUSPENDED, whileSavepointRests, whileUpgradeWaits } from '../../job/upgrade-pending.ts';
import { after, inTransition } from '../../job/wake-up.ts';
import { type Context, isStandalone, isSuspended, jobOf, type Outcome } from '../context.ts';
import { removeCluster } from '../deletion/removal.ts';
import { isReplaced } from '../observation/job-manager-process.ts';
import { NO_TASK_MANAGERS } from '../observation/task-manager-info.ts';
import { nameTaken } from '../start/foreign-cluster.ts';
import { restoreMode, startCluster } from '../start/start.ts';
import { upgradeFacts } from './upgrade-facts.ts';

/** Begins to replace or to suspend the running job. undefined: it has to wait, and other work may go on meanwhile. */
export function beginUpgrade(context: Context): Outcome | undefined {
  const changed = changeEvent(context);
  const choice = upgradeRule(upgradeFacts(context, context.runningOptions)).choice;
  switch (choice.kind) {
    case 'failed':
      return upgradeFailed(context, choice.message, changed);
    case 'wait':
      return choice.otherActionsAllowed ? undefined : waiting(context, choice.reason, changed);
    case 'upgrade':
      return beginSuspending(context, choice.suspend, choice.restore, changed);
  }
}

/** What is said while an upgrade has to wait. */
export function waiting(context: Context, reason: string, events: readonly PlannedEvent[] = []): Outcome {
  return { status: context.status, events, ...whileUpgradeWaits(reason) };
}

/** The reason for which the upgrade waits at the moment. */
export function waitReason(context: Context): string {
  const choice = upgradeRule(upgradeFacts(context, context.runningOptions)).choice;
  return choice.kind === 'wait' ? choice.reason : '';
}

function beginSuspending(
  context: Context,
  suspend: SuspendMode,
  restore: UpgradeMode,
  changed: readonly PlannedEvent[],
): Outcome {
  const kind: OperationKind = isSuspended(context.wanted.spec) ? 'suspend' : 'upgrade';
  const jobId = context.status.jobStatus?.jobId;
  if (suspend === 'SAVEPOINT' || suspend === 'CANCEL') {
    const operation = beginOperation(context, kind, suspend === 'SAVEPOINT' ? 'stopping' : 'cancelling', jobId);
    return {
      status: { ...(suspend === 'CANCEL' ? withCancelRecorded(context, restore) : context.status), operation },
      steps: [
        suspend === 'SAVEPOINT'
          ? { kind: 'stop-with-savepoint', request: stopRequest(context, operation) }
          : { kind: 'cancel-job', jobId: operation.target ?? '' },
      ],
      events: [...changed, SUSPENDED],
      progress: { reason: 'SuspendingJob', message: 'Bringing the running job down with its state.' },
      wakeUp: inTransition(0),
    };
  }
  const operation = beginOperation(context, kind, 'removing', jobId);
  const outcome = removeRecorded(context, operation, restore);
  const cancel = suspend === 'STATELESS' && typeof jobId === 'string' && context.job.kind === 'found';
  return {
    ...outcome,
    steps: [...(cancel ? [{ kind: 'cancel-job' as const, jobId }] : []), ...(outcome.steps ?? [])],
    events: [...changed, ...(suspend === 'NOOP' ? [] : [SUSPENDED]), ...(outcome.events ?? [])],
  };
}

/**
 * A cancelled job is gone for good, so how it is to be restored is recorded before: whoever finds it cancelled, the Apache
 * operator included, then does not take the mode in which it was started.
 */
function withCancelRecorded({ status, recorded }: Context, restore: UpgradeMode): Context['status'] {
  if (recorded === undefined) return status;
  const spec = { ...recorded.spec, job: { ...recorded.spec.job, upgradeMode: restore } };
  const lastReconciledSpec = writeRecorded('FlinkDeployment', spec, false);
  return {
    ...status,
    reconciliationStatus: { ...status.reconciliationStatus, lastReconciledSpec, state: 'UPGRADING' },
  };
}

/**
 * Records that the job is brought down to be restored by `restore`, and begins to remove its cluster. What is called stable and
 * never ran is nothing to roll back to.
 */
export function removeRecorded(context: Context, operation: CurrentOperation, restore: UpgradeMode): Outcome {
  const recorded = withRecord(context.status, {
    kind: 'FlinkDeployment',
    spec: context.wanted.spec,
    generation: context.generation,
    jobState: 'suspended',
    upgradeMode: restore,
    firstDeployment: isSuspended(context.wanted.spec) && context.recorded?.firstDeployment === true,
    state: 'UPGRADING',
    now: context.now,
  });
  const stable = operation.kind === 'upgrade' && isStableUnproven(context.status) ? { lastStableSpec: null } : {};
  const reconciliationStatus = { ...recorded.reconciliationStatus, ...stable };
  const status = { ...recorded, reconciliationStatus, operation, taskManager: NO_TASK_MANAGERS };
  return continueRemoving({ ...context, status }, operation, restore);
}

/** Goes on with bringing the job down. */
export function continueStopping(context: Context, operation: CurrentOperation): Outcome {
  if (context.status.jobManagerDeploymentStatus === 'MISSING' || isReplaced(context)) return givenUp(context);
  const stopping = operation.phase === 'stopping' ? followStop(context, operation) : followCancel(context, operation);
  return stopping.kind === 'stopped' ? afterStop(context, operation, stopping.path) : stopping.outcome;
}

/** The JobManager is gone while the job was being brought down: what to do now is decided afresh. */
function givenUp(context: Context): Outcome {
  return {
    status: withoutOperation(context.status),
    progress: { reason: 'JobManagerLost', message: 'The JobManager was lost while the job was brought down.' },
    wakeUp: after(0),
  };
}

function afterStop(context: Context, operation: CurrentOperation, path: string | undefined): Outcome {
  const stopped = withJob(
    isTerminal(context.status.jobStatus?.state ?? undefined) && context.status.jobStatus?.state !== 'CANCELED'
      ? context.status
      : withJobState(context.status, 'FINISHED', context.now),
    { upgradeSavepointPath: path ?? null },
  );
  if (isSuspended(context.wanted.spec)) {
    // A native JobManager stays, idle and with its history, until its time is over; a standalone one would stay with all its
    // TaskManagers.
    return isStandalone(context.wanted.spec)
      ? removeRecorded({ ...context, status: stopped }, { ...operation, phase: 'removing' }, 'savepoint')
      : suspended({ ...context, status: stopped }, 'savepoint');
  }
  const removing: CurrentOperation = { ...operation, kind: 'upgrade', phase: 'removing' };
  const restore = restoreMode(context, 'savepoint');
  return removeRecorded({ ...context, status: stopped }, removing, restore);
}

/** Records the suspension; what is left of the cluster stays until the job is resumed or its time is over. */
function suspended(context: Context, restore: UpgradeMode): Outcome {
  const status = withRecord(withoutOperation(context.status), {
    kind: 'FlinkDeployment',
    spec: context.wanted.spec,
    generation: context.generation,
    jobState: 'suspended',
    upgradeMode: restore,
    firstDeployment: context.recorded?.firstDeployment === true,
    state: 'DEPLOYED',
    now: context.now,
  });
  return { status: { ...status, taskManager: NO_TASK_MANAGERS }, wakeUp: after(0) };
}

/** Goes on with removing the old cluster; when it is gone, the new one is started or the suspension recorded. */
export function continueRemoving(context: Context, operation: CurrentOperation, restore: UpgradeMode): Outcome {
  const suspends = isSuspended(context.wanted.spec);
  // Where a redeployment or a rollback starts from does not depend on what the user wants of other starts.
  const isGiven = operation.kind === 'redeploy' || operation.kind === 'rollback';
  const mode = isGiven || suspends ? restore : restoreMode(context, restore);
  const removal = removeCluster(context, operation, mode === 'last-state');
  if (removal.kind === 'foreign') return nameTaken(context);
  if (removal.kind === 'waiting') return removal.outcome;
  const ended = isTerminal(context.status.jobStatus?.state ?? undefined)
    ? context.status
    : withJobState(context.status, 'FINISHED', context.now);
  const gone: Context = { ...context, status: { ...ended, jobManagerDeploymentStatus: 'MISSING' } };
  if (suspends) return suspended(gone, restore);
  return startCluster(gone, operation, mode, operation.kind === 'redeploy');
}

/** Starts a job that is suspended: what is left of its cluster goes first. */
export function resume(context: Context, kind: OperationKind = 'deploy'): Outcome {
  const operation = beginOperation(context, kind, 'removing', context.status.jobStatus?.jobId);
  const mode = restoreMode(context, context.recorded?.spec.job?.upgradeMode ?? 'stateless');
  const outcome = removeRecorded(context, operation, mode);
  return { ...outcome, events: [...changeEvent(context), ...(outcome.events ?? [])] };
}

/** Starts anew from the savepoint the user named, whatever the running job's state is. */
export function redeploy(context: Context): Outcome {
  const jobId = context.status.jobStatus?.jobId;
  const operation = beginOperation(context, 'redeploy', 'removing', jobId);
  const path = jobOf(context.wanted.spec).initialSavepointPath ?? null;
  const named = { ...context, status: withJob(context.status, { upgradeSavepointPath: path }) };
  const outcome = removeRecorded(named, operation, 'savepoint');
  const cancel = typeof jobId === 'string' && context.job.kind === 'found' && !isTerminal(context.job.state);
  return {
    ...outcome,
    steps: [...(cancel ? [{ kind: 'cancel-job' as const, jobId }] : []), ...(outcome.steps ?? [])],
    events: [...changeEvent(context), ...(outcome.events ?? [])],
  };
}

/** After a failed savepoint: left alone for a while, then decided afresh. */
export function afterFailedStop(context: Context, operation: CurrentOperation): Outcome | undefined {
  const resting = whileSavepointRests(operation, context.now);
  return resting && { status: context.status, ...resting };
}

function upgradeFailed(context: Context, message: string, events: readonly PlannedEvent[]): Outcome {
  const error = errorText({ type: ERROR_TYPES.upgrade, message }, context.config.errorLimits);
  const warning: PlannedEvent = {
    type: 'Warning',
    reason: 'UpgradeFailed',
    message,
    component: 'JobManagerDeployment',
  };
  return {
    status: { ...context.status, error },
    events: context.status.error === error ? [] : [...events, warning],
    stalled: { reason: 'UpgradeFailed', message },
    wakeUp: { kind: 'after', ms: context.config.restIntervalMs, jitter: true },
  };
}
