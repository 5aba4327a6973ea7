import { resourceOptions } from '@drey/flink';
import { beginOperation, type CurrentOperation, currentOperation } from '../job/operation.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { withJob } from '../job/status.ts';
import { followStop, stopRequest } from '../job/stop.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import { inTransition, ON_CHANGE } from '../job/wake-up.ts';
import { type Context, isSessionCluster, type Outcome } from './context.ts';
import type { Step } from './plan.ts';
import { removeCluster } from './removal.ts';
import { sessionDeletionBlocked } from './session-deletion.ts';

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
  return removing(deleting, operation);
}

function begin(context: Context): Outcome {
  const { job } = context;
  const jobId = context.status.jobStatus?.jobId;
  const active = job.kind === 'found' && !isTerminal(job.state);
  if (context.runningOptions.get(resourceOptions.savepointOnDeletion) && active && job.state === 'RUNNING') {
    const operation = beginOperation(context, 'delete', 'stopping', jobId);
    return {
      status: { ...context.status, operation },
      steps: [{ kind: 'stop-with-savepoint', request: stopRequest(context, operation) }],
      events: [CLEANUP],
      progress: { reason: 'StoppingWithSavepoint', message: 'Waiting for the savepoint before the deletion.' },
      wakeUp: inTransition(0),
    };
  }
  const operation = beginOperation(context, 'delete', 'removing', jobId);
  const outcome = removing({ ...context, status: { ...context.status, operation } }, operation);
  const cancel: readonly Step[] = active && typeof jobId === 'string' ? [{ kind: 'cancel-job', jobId }] : [];
  return { ...outcome, steps: [...cancel, ...(outcome.steps ?? [])], events: [CLEANUP] };
}

/** The savepoint's place is recorded in the status and in an event before anything is removed. */
function stopping(context: Context, operation: CurrentOperation): Outcome {
  if (context.status.jobManagerDeploymentStatus === 'MISSING')
    return removing(context, { ...operation, phase: 'removing' });
  const result = followStop(context, operation);
  if (result.kind === 'failed') {
    // The phase stays, so that the next pass asks for a savepoint anew, under a new id.
    return {
      ...result.outcome,
      status: { ...result.outcome.status, operation: beginOperation(context, 'delete', 'stopping', operation.target) },
    };
  }
  if (result.kind === 'waiting') return result.outcome;
  const next: CurrentOperation = { ...operation, phase: 'removing' };
  const status = { ...withJob(context.status, { upgradeSavepointPath: result.path ?? null }), operation: next };
  const outcome = removing({ ...context, status }, next);
  const message = `Savepoint taken before the deletion: ${result.path ?? 'none'}`;
  return { ...outcome, events: [{ type: 'Normal', reason: 'SavepointTaken', message, component: 'Operator' }] };
}

function removing(context: Context, operation: CurrentOperation): Outcome {
  const removal = removeCluster(context, operation, false);
  if (removal.kind === 'waiting') return removal.outcome;
  // A cluster that is not ours is left alone; there is nothing of ours to remove.
  return { status: context.status, steps: [{ kind: 'remove-finalizer' }], wakeUp: ON_CHANGE };
}
