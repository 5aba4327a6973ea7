import type { UpgradeMode } from '@drey/api';
import { resourceOptions } from '@drey/flink';
import { isStateUnreadable } from '../../job/job-facts.ts';
import { END_SETTLES_MS } from '../../job/job-observation.ts';
import { beginOperation, type CurrentOperation, type OperationKind } from '../../job/operation.ts';
import type { PlannedEvent } from '../../job/planned.ts';
import { withRecord } from '../../job/record.ts';
import { isRolledBack } from '../../job/recorded-spec.ts';
import { ERROR_TYPES, errorText } from '../../job/resource-error.ts';
import { RESTART_PAUSED, restartPauseMs } from '../../job/restart-pause.ts';
import { LAST_STATE_MARKER, recordedStatePath, withoutOperation } from '../../job/status.ts';
import { isTerminal, MANUAL_RESTORE } from '../../job/upgrade-choice.ts';
import { after, WATCHED } from '../../job/wake-up.ts';
import { type Context, isSuspended, jobOf, type Outcome } from '../context.ts';
import { removeCluster } from '../deletion/removal.ts';
import { continueRemoving } from '../upgrade/upgrade.ts';
import { highAvailability, launchMode, neverRan } from '../upgrade/upgrade-facts.ts';
import { healthRecord } from './health.ts';
import { beginRollback } from './rollback.ts';

/** Work that is done when the spec is settled, or while its change has to wait. undefined: nothing to do. */
export function recover(context: Context): Outcome | undefined {
  return restartFailed(context) ?? restartUnhealthy(context) ?? recoverMissing(context) ?? expireCluster(context);
}

/** A failed job is restarted when the user wants that, from the newest state its failure left. */
function restartFailed(context: Context): Outcome | undefined {
  const { status, runningOptions } = context;
  if (status.jobStatus?.state !== 'FAILED' || isSuspended(context.wanted.spec)) return undefined;
  if (!runningOptions.get(resourceOptions.restartFailedJob)) return undefined;
  const left = Number(status.jobStatus?.updateTime ?? 0) + END_SETTLES_MS - context.now;
  if (left > 0) return wait(context, 'The job failed; what it left is being read.', left);
  const pauseMs = restartPauseMs(status, context.now);
  if (pauseMs > 0) return { status, progress: RESTART_PAUSED, wakeUp: after(pauseMs) };
  const mode = jobOf(context.wanted.spec).upgradeMode ?? 'stateless';
  const path = recordedStatePath(status);
  const known = path !== undefined && path !== LAST_STATE_MARKER;
  if (mode !== 'stateless' && !known && isStateUnreadable(context))
    return lost(context, 'The job could not restore its state.');
  const restore = mode !== 'stateless' && known ? 'savepoint' : launchMode(context);
  return begin(context, 'recover', restore, [warning('RestartFailedJob', 'Restarting the failed job')]);
}

/** A job that does not pass its health check is restarted when its state is safe; otherwise only the condition tells. */
function restartUnhealthy(context: Context): Outcome | undefined {
  const { status, world, runningOptions, wanted } = context;
  const record = healthRecord(status);
  if (record === undefined || record.healthResult.healthy) return undefined;
  if (isSuspended(wanted.spec) || isTerminal(status.jobStatus?.state ?? undefined)) return undefined;
  const stateless = (jobOf(wanted.spec).upgradeMode ?? 'stateless') === 'stateless';
  const safe = highAvailability(runningOptions) !== 'none' && world.ha.known && world.ha.value.available;
  if (!stateless && !safe) return undefined;
  const message = record.healthResult.error ?? 'Restarting unhealthy job';
  return begin(context, 'recover', stateless ? 'stateless' : 'last-state', [warning('RestartUnhealthyJob', message)]);
}

/** A JobManager Deployment that vanished is created again, when the state of its job is safe. */
function recoverMissing(context: Context): Outcome | undefined {
  const { status, world, runningOptions } = context;
  if (status.jobManagerDeploymentStatus !== 'MISSING') return undefined;
  if (!world.jobManager.known || world.jobManager.value !== undefined) return undefined;
  if (context.recorded?.spec.job?.state === 'suspended' || isTerminal(status.jobStatus?.state ?? undefined))
    return undefined;
  if (!runningOptions.get(resourceOptions.jmDeploymentRecoveryEnabled)) return undefined;
  const event = warning('RecoverDeployment', 'Recovering lost deployment');
  const mode = jobOf(context.wanted.spec).upgradeMode ?? 'stateless';
  if (mode === 'stateless') return begin(context, 'recover', 'stateless', [event]);
  if (highAvailability(runningOptions) !== 'none') {
    if (!world.ha.known) return wait(context, `HA metadata: ${world.ha.reason}.`);
    if (world.ha.value.available) return begin(context, 'recover', 'last-state', [event]);
    // A job that had begun would have left its record there, so it is started from what it was to be started from.
    const launched = launchMode(context);
    const untouched = launched !== 'last-state' && neverRan(context);
    return untouched ? begin(context, 'recover', launched, [event]) : lost(context);
  }
  return lost(context);
}

/** The idle cluster of a job that is over is removed when its time is up, or when its JobManager would start the job again. */
function expireCluster(context: Context): Outcome | undefined {
  const { status, now, world } = context;
  if (!isTerminal(status.jobStatus?.state ?? undefined)) return undefined;
  const deployment = world.jobManager.known ? world.jobManager.value : undefined;
  if (deployment === undefined) return undefined;
  const left = Number(status.jobStatus?.updateTime ?? now) + ttlMs(context) - now;
  const suspended = context.recorded?.spec.job?.state === 'suspended';
  if (left > 0 && !(suspended && restarts(context))) return undefined;
  const operation = beginOperation(context, 'expire', 'removing', status.jobStatus?.jobId);
  return continueExpiring({ ...context, status: { ...status, operation } }, operation);
}

/**
 * The JobManager of a suspended job is not ready any more, so its container ended: the one that follows it would submit
 * the job again from its first state.
 */
function restarts(context: Context): boolean {
  const { jobManagerPods } = context.world;
  return jobManagerPods.known && !jobManagerPods.value.some((pod) => pod.ready);
}

function ttlMs(context: Context): number {
  return context.runningOptions.get(resourceOptions.jmDeploymentShutdownTtl);
}

/** Goes on with removing the cluster of a job that is over; its HA metadata stays. */
export function continueExpiring(context: Context, operation: CurrentOperation): Outcome {
  const removal = removeCluster(context, operation, true);
  if (removal.kind === 'waiting') return removal.outcome;
  return {
    status: { ...withoutOperation(context.status), jobManagerDeploymentStatus: 'MISSING' },
    wakeUp: after(0),
  };
}

/** Records that the job is to be started again, its state found by `restore`, and begins to remove what is left of it. */
export function begin(
  context: Context,
  kind: OperationKind,
  restore: UpgradeMode,
  events: readonly PlannedEvent[],
): Outcome {
  // What runs after a rollback is not what is recorded, so it is put back in the same way.
  if (isRolledBack(context.status)) return beginRollback(context, restore, events);
  const operation = beginOperation(context, kind, 'removing', context.status.jobStatus?.jobId);
  const spec = context.recorded?.spec ?? context.wanted.spec;
  const recorded = withRecord(context.status, {
    kind: 'FlinkDeployment',
    spec,
    generation: context.status.observedGeneration ?? context.generation,
    jobState: 'suspended',
    upgradeMode: restore,
    firstDeployment: false,
    state: 'UPGRADING',
    now: context.now,
  });
  const outcome = continueRemoving({ ...context, status: { ...recorded, operation } }, operation, restore);
  return { ...outcome, events: [...events, ...(outcome.events ?? [])] };
}

const NOTHING_LEFT =
  'The JobManager deployment is missing and HA metadata is not available, so the newest state of the job is not known.';

function lost(context: Context, what = NOTHING_LEFT): Outcome {
  const message = `${what} ${MANUAL_RESTORE} Set job.initialSavepointPath to the newest savepoint or checkpoint and change job.savepointRedeployNonce.`;
  const error = errorText({ type: ERROR_TYPES.upgrade, message }, context.config.errorLimits);
  const isNew = context.world.deployment.status?.error !== error;
  return {
    status: { ...context.status, error },
    stalled: { reason: 'ManualRestoreRequired', message },
    events: isNew ? [{ type: 'Warning', reason: 'RestoreFailed', message, component: 'JobManagerDeployment' }] : [],
    wakeUp: WATCHED,
  };
}

function wait(context: Context, message: string, ms = 500): Outcome {
  return { status: context.status, progress: { reason: 'RecoveryPending', message }, wakeUp: after(ms) };
}

export function warning(reason: string, message: string): PlannedEvent {
  return { type: 'Warning', reason, message, component: 'Job' };
}
