import { JOB_STATES } from '@drey/api';
import { resourceOptions } from '@drey/flink';
import type { PlannedEvent } from '../../job/planned.ts';
import { isTerminal } from '../../job/upgrade-choice.ts';
import { after, inTransition, WATCHED } from '../../job/wake-up.ts';
import type { Context, Outcome } from '../context.ts';

/** A cluster whose JobManager does not come up is not waited for longer than this, in milliseconds. */
const UNSERVED_MS = 5 * 60_000;
/** How long a cluster is looked at often; what takes longer waits for people. */
const PATIENCE_MS = 60_000;
const SLOW_MS = 5_000;

/**
 * What keeps a session cluster from being removed: session jobs that refer to it, and jobs that somebody submitted by hand,
 * each as long as the user has not switched that off. undefined: nothing. What cannot be read is never taken for nothing.
 */
export function sessionDeletionBlocked(context: Context): Outcome | undefined {
  const { runningOptions } = context;
  if (!runningOptions.get(resourceOptions.blockOnSessionJobs)) return undefined;
  const managed = bySessionJobs(context);
  if (managed !== undefined) return managed;
  return runningOptions.get(resourceOptions.blockOnUnmanagedJobs) ? byUnmanagedJobs(context) : undefined;
}

/**
 * A session job that is being deleted as well may still need the JobManager, for the savepoint its user wants. Where there
 * is none left nobody is waited for: the two would wait for each other for ever.
 */
function bySessionJobs(context: Context): Outcome | undefined {
  const { sessionJobs } = context.world;
  if (!sessionJobs.known) return waiting(context, 'SessionJobsUnknown', `The session jobs: ${sessionJobs.reason}.`);
  const isServed = hasJobManager(context);
  const names = sessionJobs.value.filter((job) => !job.deleting || isServed).map((job) => job.name);
  if (names.length === 0) return undefined;
  const message = `The session jobs [${names.join(', ')}] should be deleted first`;
  return { ...waiting(context, 'SessionJobsExist', message), ...told(context, message), wakeUp: WATCHED };
}

function byUnmanagedJobs(context: Context): Outcome | undefined {
  const { jobs } = context.world.flink;
  if (jobs?.kind === 'ok') {
    const ids = jobs.value
      .filter((job) => !isTerminal(JOB_STATES.find((state) => state === job.state)))
      .map((job) => job.jobId);
    if (ids.length === 0) return undefined;
    const message = `The session cluster has non terminated jobs [${ids.join(', ')}] that should be cancelled first`;
    return { ...waiting(context, 'JobsExist', message), ...told(context, message) };
  }
  if (!hasJobManager(context) || isUnserved(context)) return undefined;
  const why = jobs === undefined ? 'its JobManager is not ready' : jobs.message;
  const message =
    `The session cluster does not say whether jobs run on it (${why}). To delete it all the same set ` +
    `${resourceOptions.blockOnUnmanagedJobs.key} to false.`;
  return waiting(context, 'JobsUnknown', message);
}

function hasJobManager({ world: { jobManager } }: Context): boolean {
  return !jobManager.known || (jobManager.value !== undefined && !jobManager.value.deleting);
}

/** No JobManager runs that could run a job: its pod cannot start, or has not come up for long. */
function isUnserved(context: Context): boolean {
  const { jobManagerPods, deployment } = context.world;
  if (!jobManagerPods.known || jobManagerPods.value.some((pod) => pod.ready)) return false;
  if (context.jobManager.status === 'ERROR') return true;
  const since = Date.parse(deployment.metadata.deletionTimestamp ?? '');
  return context.now - since >= UNSERVED_MS;
}

function waiting(context: Context, reason: string, message: string): Outcome {
  const since = Date.parse(context.world.deployment.metadata.deletionTimestamp ?? '');
  const waitedMs = Number.isNaN(since) ? 0 : context.now - since;
  const wakeUp = waitedMs < PATIENCE_MS ? inTransition(waitedMs) : after(SLOW_MS);
  return { status: context.status, progress: { reason, message }, wakeUp };
}

/** Said once for each message, not with every look. */
function told(context: Context, message: string): { readonly events: readonly PlannedEvent[] } {
  const isKnown = context.world.deployment.status?.conditions?.some((condition) => condition.message === message);
  if (isKnown === true) return { events: [] };
  return { events: [{ type: 'Warning', reason: 'CleanupFailed', message, component: 'Operator' }] };
}
