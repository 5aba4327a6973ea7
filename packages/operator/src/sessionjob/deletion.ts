import { checkpointingOptions, highAvailabilityKind, highAvailabilityOptions, resourceOptions } from '@drey/flink';
import type { Told } from '../job/conditions.ts';
import { beginOperation, type CurrentOperation, currentOperation, elapsedMs } from '../job/operation.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { withJob } from '../job/status.ts';
import { followStop, stopRequest } from '../job/stop.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import { after, inTransition, ON_CHANGE } from '../job/wake-up.ts';
import type { SessionJobContext, SessionJobOutcome } from './context.ts';
import type { SessionJobStep } from './plan.ts';
import { missingForFlink } from './readiness.ts';

/** Name of the finalizer, the one of the Apache operator, so that either operator can finish a deletion. */
export const FINALIZER = 'flinksessionjobs.flink.apache.org/finalizer';

const CLEANUP: PlannedEvent = {
  type: 'Normal',
  reason: 'Cleanup',
  message: 'Cleaning up FlinkSessionJob',
  component: 'Operator',
};

/** A run whose answer nobody heard may still start a job within this time. */
const UNHEARD_RUN_MS = 30_000;

/**
 * Carries out a deletion: the job is brought down, with a savepoint when the user wants one on deletion, and only then the
 * finalizer goes. Nothing of the cluster is touched, nor any other job on it. It always ends: a job that is gone with its
 * cluster needs nothing, and a cluster that does not answer is not waited for longer than the clean-up may take.
 */
export function deletion(context: SessionJobContext): SessionJobOutcome {
  if (!(context.wanted.metadata.finalizers ?? []).includes(FINALIZER)) {
    return { status: context.status, wakeUp: ON_CHANGE };
  }
  const operation = currentOperation(context.status.operation);
  const deleting: SessionJobContext = { ...context, status: { ...context.status, lifecycleState: 'DELETING' } };
  const events = context.status.lifecycleState === 'DELETING' ? [] : [CLEANUP];
  const outcome = bringDown(deleting, operation);
  return { ...outcome, events: [...events, ...(outcome.events ?? [])] };
}

function bringDown(context: SessionJobContext, operation: CurrentOperation | undefined): SessionJobOutcome {
  if (!mayRun(context, operation)) return done(context, operation);
  const missing = missingForFlink(context);
  if (missing !== undefined) return withoutFlink(context, operation, missing);
  const { job } = context;
  if (job.kind === 'missing') return missingJob(context, operation);
  // A savepoint on deletion counts as taken only when Flink names its place.
  if (operation?.kind === 'delete' && operation.phase === 'stopping') return stopping(context, operation);
  if (job.kind === 'end-not-understood') return done(context, operation);
  if (job.kind !== 'found') return wait(context, operation);
  if (isTerminal(job.state)) return done(context, operation);
  if (operation?.kind === 'delete') return cancelling(context, operation, job.state);
  return begin(context, job.job.jobId, job.state);
}

/** Whether there may be a job of this object anywhere. */
function mayRun({ recorded, status }: SessionJobContext, operation: CurrentOperation | undefined): boolean {
  if (operation?.phase === 'submitting') return true;
  if (recorded === undefined || operation?.phase === 'deploying') return false;
  const { jobId, state } = status.jobStatus ?? {};
  if (typeof jobId !== 'string' || isTerminal(state ?? undefined)) return false;
  return recorded.spec.job?.state !== 'suspended' || operation !== undefined;
}

function begin(context: SessionJobContext, jobId: string, state: string): SessionJobOutcome {
  const withSavepoint = context.options.get(resourceOptions.savepointOnDeletion) && state === 'RUNNING';
  const operation = beginOperation(context, 'delete', withSavepoint ? 'stopping' : 'cancelling', jobId);
  const step: SessionJobStep = withSavepoint
    ? { kind: 'stop-with-savepoint', request: stopRequest(context, operation) }
    : { kind: 'cancel-job', jobId };
  return {
    status: { ...context.status, operation },
    steps: [...jarSteps(currentOperation(context.status.operation)), step],
    progress: withSavepoint
      ? { reason: 'StoppingWithSavepoint', message: 'Waiting for the savepoint before the deletion.' }
      : { reason: 'CancellingJob', message: 'Waiting for the job to be cancelled.' },
    wakeUp: inTransition(0),
  };
}

function stopping(context: SessionJobContext, operation: CurrentOperation): SessionJobOutcome {
  const result = followStop(context, operation);
  const { savepoint } = context.world.flink;
  // As long as Flink is at it, it is waited for: it has a limit of its own.
  const isGoingOn = savepoint?.kind === 'ok' && savepoint.value.kind === 'in-progress';
  if (result.kind !== 'stopped' && !isGoingOn && isHopeless(context)) {
    return withoutSavepoint(context, operation, result.outcome.progress.message);
  }
  if (result.kind === 'failed') {
    // The phase stays, so that the next pass asks for a savepoint anew, under a new id.
    const renewed = beginOperation(context, 'delete', 'stopping', operation.target);
    return { ...result.outcome, status: { ...result.outcome.status, operation: renewed } };
  }
  if (result.kind === 'waiting') return result.outcome;
  const status = withJob(context.status, { upgradeSavepointPath: result.path ?? null });
  const message = `Savepoint taken before the deletion: ${result.path ?? 'none'}`;
  const told: PlannedEvent = { type: 'Normal', reason: 'SavepointTaken', message, component: 'Operator' };
  return { ...done({ ...context, status }, operation), events: [told] };
}

/** A savepoint that does not come is not waited for longer than a checkpoint may take: a deletion ends. */
function isHopeless({ wanted, now, options }: SessionJobContext): boolean {
  const since = Date.parse(wanted.metadata.deletionTimestamp ?? '');
  return now - since >= options.get(checkpointingOptions.timeout);
}

function withoutSavepoint(context: SessionJobContext, operation: CurrentOperation, why: string): SessionJobOutcome {
  const renewed = beginOperation(context, 'delete', 'cancelling', operation.target);
  const message = `No savepoint could be taken before the deletion (${why}); the job is cancelled without one.`;
  return {
    status: { ...context.status, operation: renewed },
    steps: [{ kind: 'cancel-job', jobId: operation.target ?? '' }],
    events: [{ type: 'Warning', reason: 'SavepointError', message, component: 'Operator' }],
    progress: { reason: 'CancellingJob', message: 'Waiting for the job to be cancelled.' },
    wakeUp: inTransition(0),
  };
}

function cancelling(context: SessionJobContext, operation: CurrentOperation, state: string): SessionJobOutcome {
  const jobId = operation.target ?? '';
  const again: readonly SessionJobStep[] = state === 'CANCELLING' ? [] : [{ kind: 'cancel-job', jobId }];
  return { ...wait(context, operation), steps: again };
}

function wait({ status, now }: SessionJobContext, operation: CurrentOperation | undefined): SessionJobOutcome {
  return {
    status,
    progress: { reason: 'CancellingJob', message: 'Waiting for the job to be cancelled.' },
    wakeUp: inTransition(operation === undefined ? 0 : elapsedMs(operation, now)),
  };
}

/** Flink does not know the job, unless it is about to. */
function missingJob(context: SessionJobContext, operation: CurrentOperation | undefined): SessionJobOutcome {
  const { submission, heldByHa } = context.world;
  const unheard = operation?.phase === 'submitting' && elapsedMs(operation, context.now) < UNHEARD_RUN_MS;
  const isSubmitting =
    submission?.kind === 'running' || (unheard && submission?.kind !== 'accepted' && !isRefused(context));
  const isHeld = hasHighAvailability(context) && (!heldByHa.known || heldByHa.value);
  if ((isSubmitting || isHeld) && !isOverdue(context)) return { ...wait(context, operation), wakeUp: after(1_000) };
  return done(context, operation);
}

function isRefused({ world: { submission } }: SessionJobContext): boolean {
  return submission?.kind === 'failed' && submission.certain;
}

/** Without a JobManager and without high availability nothing is left; otherwise the cluster gets some time to answer. */
function withoutFlink(
  context: SessionJobContext,
  operation: CurrentOperation | undefined,
  missing: Told,
): SessionJobOutcome {
  const { cluster } = context.world;
  if (cluster.known && cluster.value === undefined) return done(context, operation);
  const isGone = cluster.known && cluster.value?.jobManagerExists === false;
  const isClusterDeleting = context.cluster?.deployment.metadata.deletionTimestamp !== undefined;
  if (isGone && (isClusterDeleting || !hasHighAvailability(context))) return done(context, operation);
  if (!isOverdue(context)) return { status: context.status, progress: missing, wakeUp: after(1_000) };
  const message = `${missing.message} The deletion does not wait any longer; if the job comes back with its cluster, cancel it there.`;
  const told: PlannedEvent = { type: 'Warning', reason: 'CleanupFailed', message, component: 'Operator' };
  return { ...done(context, operation), events: [told] };
}

function hasHighAvailability({ options }: SessionJobContext): boolean {
  return highAvailabilityKind(options.get(highAvailabilityOptions.type)) !== 'none';
}

function isOverdue({ wanted, now, config }: SessionJobContext): boolean {
  const since = Date.parse(wanted.metadata.deletionTimestamp ?? '');
  return now - since > config.cleanupTimeoutMs;
}

function done(context: SessionJobContext, operation: CurrentOperation | undefined): SessionJobOutcome {
  const reachable = missingForFlink(context) === undefined;
  const steps: readonly SessionJobStep[] = [...(reachable ? jarSteps(operation) : []), { kind: 'remove-finalizer' }];
  return { status: context.status, steps, wakeUp: ON_CHANGE };
}

/** A jar that a submission left behind. */
function jarSteps(operation: CurrentOperation | undefined): readonly SessionJobStep[] {
  const jarId = operation?.phase === 'submitting' ? operation.triggerId : undefined;
  return typeof jarId === 'string' ? [{ kind: 'delete-jar', jarId }] : [];
}
