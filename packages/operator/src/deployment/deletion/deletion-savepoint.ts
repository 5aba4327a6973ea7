import { checkpointingOptions, resourceOptions } from '@drey/flink';
import { beginOperation, type CurrentOperation } from '../../job/operation.ts';
import type { PlannedEvent } from '../../job/planned.ts';
import { recordedStatePath } from '../../job/status.ts';
import { stopRequest } from '../../job/stop.ts';
import { isTerminal } from '../../job/upgrade-choice.ts';
import { inTransition } from '../../job/wake-up.ts';
import { type Context, isSessionCluster, type Outcome } from '../context.ts';

/** What becomes of the savepoint that a user wants when the deployment is deleted. */
export type SavepointBeforeDeletion =
  /** None is wanted, or there is no job that could have one. */
  | { readonly kind: 'none' }
  | { readonly kind: 'begun'; readonly outcome: Outcome }
  | { readonly kind: 'waiting'; readonly outcome: Outcome }
  /** None can be taken; what the job could be taken up from is left instead. */
  | { readonly kind: 'given-up'; readonly event: PlannedEvent };

/** Begins the savepoint, once the job runs and Flink answers. What is not known is never taken for "there is no job". */
export function savepointBeforeDeletion(context: Context): SavepointBeforeDeletion {
  if (!isWanted(context)) return { kind: 'none' };
  const { job, status } = context;
  if (job.kind === 'missing' || (job.kind === 'found' && isTerminal(job.state))) return { kind: 'none' };
  if (job.kind === 'found' && job.state === 'RUNNING') {
    const operation = beginOperation(context, 'delete', 'stopping', status.jobStatus?.jobId);
    return {
      kind: 'begun',
      outcome: {
        status: { ...status, operation },
        steps: [{ kind: 'stop-with-savepoint', request: stopRequest(context, operation) }],
        progress: { reason: 'StoppingWithSavepoint', message: 'Waiting for the savepoint before the deletion.' },
        wakeUp: inTransition(0),
      },
    };
  }
  const why = job.kind === 'found' ? `the job is ${job.state}` : job.reason;
  if (isHopeless(context)) return givenUp(context, why);
  const message = `The savepoint before the deletion waits: ${why}.`;
  const wakeUp = inTransition(waitedMs(context));
  return { kind: 'waiting', outcome: { status, progress: { reason: 'SavepointPending', message }, wakeUp } };
}

/** A savepoint that failed, or of which nothing is heard, is not tried for ever: a deletion ends. */
export function isHopeless(context: Context): boolean {
  const { status, jobManager } = context;
  if (status.jobManagerDeploymentStatus === 'MISSING' || jobManager.status === 'ERROR') return true;
  return waitedMs(context) >= context.options.get(checkpointingOptions.timeout);
}

/** What is said when no savepoint comes. */
export function givenUp(context: Context, why: string): Extract<SavepointBeforeDeletion, { kind: 'given-up' }> {
  const path = newestPath(context);
  const where =
    path === undefined ? 'Its checkpoints are left as they are' : `Its newest known state is left at ${path}`;
  const message =
    `No savepoint could be taken before the deletion (${why}); the cluster is removed without one. ` +
    `${where}, and HA metadata is kept.`;
  return { kind: 'given-up', event: { type: 'Warning', reason: 'SavepointError', message, component: 'Operator' } };
}

/** The record of a removal that keeps what carries the job's state. */
export function leaving(context: Context): CurrentOperation {
  return beginOperation(context, 'delete', 'leaving', context.status.jobStatus?.jobId);
}

function isWanted({ recorded, runningOptions, status }: Context): boolean {
  if (recorded === undefined || isSessionCluster(recorded.spec) || recorded.spec.job?.state === 'suspended')
    return false;
  if (isTerminal(status.jobStatus?.state ?? undefined)) return false;
  return runningOptions.get(resourceOptions.savepointOnDeletion);
}

function waitedMs({ world, now }: Context): number {
  const since = Date.parse(world.deployment.metadata.deletionTimestamp ?? '');
  return Number.isNaN(since) ? 0 : now - since;
}

function newestPath({ world, status }: Context): string | undefined {
  const { checkpoints } = world.flink;
  const completed = checkpoints?.kind === 'ok' ? checkpoints.value.completed?.path : undefined;
  return completed ?? world.seen?.path ?? status.jobStatus?.newestCheckpoint?.path ?? recordedStatePath(status);
}
