import { operatorOptions } from '@drey/flink';
import { beginOperation, type CurrentOperation, currentOperation, elapsedMs } from '../../job/operation.ts';
import type { PlannedEvent } from '../../job/planned.ts';
import { messageOf } from '../../job/resource-error.ts';
import { withJob } from '../../job/status.ts';
import { followStop, SAVEPOINT_RETRY_MS } from '../../job/stop.ts';
import { isTerminal } from '../../job/upgrade-choice.ts';
import { after, inTransition, ON_CHANGE } from '../../job/wake-up.ts';
import { type Context, isSessionCluster, type Outcome } from '../context.ts';
import type { Step } from '../plan.ts';
import { sessionDeletionBlocked } from '../session/session-deletion.ts';
import { jobGraphSteps } from '../start/start.ts';
import { givenUp, isHopeless, leaving, savepointBeforeDeletion } from './deletion-savepoint.ts';
import { removeCluster } from './removal.ts';

/** Name of the finalizer, the one of the Apache operator, so that either operator can finish a deletion. */
export const FINALIZER = 'flinkdeployments.flink.apache.org/finalizer';

const CLEANUP: PlannedEvent = {
  type: 'Normal',
  reason: 'Cleanup',
  message: 'Cleaning up FlinkDeployment',
  component: 'Operator',
};

/**
 * Carries out a deletion: the job is brought down (with a savepoint when the user wants one on deletion), the cluster and
 * its HA metadata are removed, and only then the finalizer goes.
 */
export function deletion(context: Context): Outcome {
  if (!(context.wanted.metadata.finalizers ?? []).includes(FINALIZER)) {
    return { status: context.status, wakeUp: ON_CHANGE };
  }
  const deleting: Context = { ...context, status: { ...context.status, lifecycleState: 'DELETING' } };
  const operation = currentOperation(context.status.operation);
  if (operation?.kind !== 'delete') {
    const blocked = isSessionCluster(context.wanted.spec) ? sessionDeletionBlocked(deleting) : undefined;
    return blocked ?? begin(deleting);
  }
  if (operation.phase === 'stopping') return stopping(deleting, operation);
  if (operation.phase === 'failed') return retryStopping(deleting, operation);
  return removing(deleting, operation);
}

function begin(context: Context): Outcome {
  const savepoint = savepointBeforeDeletion(context);
  switch (savepoint.kind) {
    case 'begun':
      return { ...savepoint.outcome, events: [CLEANUP] };
    case 'waiting':
      return savepoint.outcome;
    case 'given-up':
      return leave(context, [CLEANUP, savepoint.event]);
    case 'none':
      return remove(context);
  }
}

/** Brings the job down without a savepoint and begins to remove everything. */
function remove(context: Context): Outcome {
  const { job } = context;
  const jobId = context.status.jobStatus?.jobId;
  const active = job.kind === 'found' && !isTerminal(job.state);
  const operation = beginOperation(context, 'delete', 'removing', jobId);
  const outcome = removing({ ...context, status: { ...context.status, operation } }, operation);
  const cancel: readonly Step[] = active && typeof jobId === 'string' ? [{ kind: 'cancel-job', jobId }] : [];
  return { ...outcome, steps: [...cancel, ...(outcome.steps ?? [])], events: [CLEANUP, ...(outcome.events ?? [])] };
}

/** Removes the cluster but leaves what its job could be taken up from; the job is not cancelled, which might discard it. */
function leave(context: Context, events: readonly PlannedEvent[]): Outcome {
  const operation = leaving(context);
  const outcome = removing({ ...context, status: { ...context.status, operation } }, operation);
  return { ...outcome, events: [...events, ...(outcome.events ?? [])] };
}

/** The savepoint's place is recorded in the status and in an event before anything is removed. */
function stopping(context: Context, operation: CurrentOperation): Outcome {
  const { savepoint } = context.world.flink;
  const result = followStop(context, operation);
  // As long as Flink is at it, it is waited for: it has a limit of its own.
  const isGoingOn = savepoint?.kind === 'ok' && savepoint.value.kind === 'in-progress';
  if (result.kind !== 'stopped' && !isGoingOn && isHopeless(context)) {
    const why = result.outcome.progress.message;
    return leave(context, [...(result.outcome.events ?? []), givenUp(context, why).event]);
  }
  if (result.kind !== 'stopped') return result.outcome;
  const next: CurrentOperation = { ...operation, phase: 'removing', startedAt: new Date(context.now).toISOString() };
  const status = { ...withJob(context.status, { upgradeSavepointPath: result.path ?? null }), operation: next };
  const outcome = removing({ ...context, status }, next);
  const message = `Savepoint taken before the deletion: ${result.path ?? 'none'}`;
  return { ...outcome, events: [{ type: 'Normal', reason: 'SavepointTaken', message, component: 'Operator' }] };
}

/** After a savepoint that failed the job is left alone for a while, then asked again under a new id. */
function retryStopping(context: Context, operation: CurrentOperation): Outcome {
  const left = SAVEPOINT_RETRY_MS - elapsedMs(operation, context.now);
  const message = `The savepoint before the deletion failed and will be tried again: ${messageOf(context.status.error)}`;
  if (isHopeless(context)) return leave(context, [givenUp(context, message).event]);
  if (left <= 0) return begin(context);
  return { status: context.status, progress: { reason: 'SavepointError', message }, wakeUp: after(left) };
}

function removing(context: Context, operation: CurrentOperation): Outcome {
  const keepHaMetadata = operation.phase === 'leaving';
  const removal = removeCluster(context, operation, keepHaMetadata);
  if (removal.kind === 'waiting') {
    return isOverdue(context, operation) ? abandon(context, keepHaMetadata) : removal.outcome;
  }
  const { ha } = context.world;
  // HA metadata that stay must not start the job again by themselves under the next deployment of this name.
  if (keepHaMetadata && removal.kind === 'gone' && !ha.known) {
    const progress = { reason: 'ReadingHaMetadata', message: `HA metadata: ${ha.reason}.` };
    return { status: context.status, progress, wakeUp: inTransition(elapsedMs(operation, context.now)) };
  }
  const graphs = keepHaMetadata && removal.kind === 'gone' && ha.known ? jobGraphSteps(ha.value) : [];
  // A cluster that is not ours is left alone; there is nothing of ours to remove.
  return { status: context.status, steps: [...graphs, { kind: 'remove-finalizer' }], wakeUp: ON_CHANGE };
}

/** Everything has been asked to go, and something does not: a pod on a node that is lost, or a finalizer of others. */
function isOverdue(context: Context, operation: CurrentOperation): boolean {
  const { jobManager } = context.world;
  const isAsked = jobManager.known && (jobManager.value === undefined || jobManager.value.deleting);
  const limit = context.runningOptions.get(operatorOptions.resourceCleanupTimeout);
  return isAsked && elapsedMs(operation, context.now) >= limit;
}

/** A deletion ends; what is left belongs to the garbage collector, and is named. */
function abandon(context: Context, keepHaMetadata: boolean): Outcome {
  const { ha, remains } = context.world;
  const left = remains.known ? [...remains.value.pods, ...remains.value.services] : [];
  const message =
    `The deletion does not wait any longer for what is left of the cluster (${left.join(', ') || 'its Deployment'}). ` +
    'The garbage collector removes it; look at its finalizers and its node if it does not.';
  const configMaps = ha.known && !keepHaMetadata ? ha.value.configMaps.map(({ name, uid }) => ({ name, uid })) : [];
  return {
    status: context.status,
    steps: [
      ...(configMaps.length === 0 ? [] : [{ kind: 'delete-ha-metadata', configMaps } as const]),
      { kind: 'remove-finalizer' },
    ],
    events: [{ type: 'Warning', reason: 'CleanupFailed', message, component: 'Operator' }],
    wakeUp: ON_CHANGE,
  };
}
