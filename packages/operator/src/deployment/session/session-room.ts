import { type CurrentOperation, elapsedMs } from '../../job/operation.ts';
import { inTransition } from '../../job/wake-up.ts';
import type { Context, Outcome } from '../context.ts';
import { highAvailability } from '../upgrade/upgrade-facts.ts';

/** A job whose state is not known at the moment is waited for this long. */
const UNCERTAIN_MS = 60_000;

/**
 * How the jobs of a session cluster come through its replacement: with high availability Flink takes them up again by
 * itself, but not in another version, and not where it is switched off. Without a JobManager none can be brought down.
 */
export function jobsComeThrough(context: Context): 'brought-down' | 'high-availability' | 'without-job-manager' {
  const { jobManager } = context.world;
  const changesVersion = context.recorded?.spec.flinkVersion !== context.wanted.spec.flinkVersion;
  if (jobManager.known && (jobManager.value === undefined || jobManager.value.deleting)) return 'without-job-manager';
  const isKept = [context.runningOptions, context.options].every((options) => highAvailability(options) !== 'none');
  return isKept && !changesVersion ? 'high-availability' : 'brought-down';
}

/**
 * Before a session cluster is replaced its jobs bring themselves down with their state, each as its upgrade mode says; this
 * is what is waited for, where nothing else carries them over. undefined: there is nothing to wait for.
 */
export function jobsToBringDown(context: Context, operation: CurrentOperation): Outcome | undefined {
  const { sessionJobs } = context.world;
  const through = jobsComeThrough(context);
  if (through === 'without-job-manager') return undefined;
  if (through === 'high-availability') return jobsThatEnd(context);
  const waitedMs = elapsedMs(operation, context.now);
  const wait = (message: string): Outcome => ({
    status: { ...context.status, operation },
    progress: { reason: 'StoppingSessionJobs', message },
    wakeUp: inTransition(waitedMs),
  });
  if (!sessionJobs.known) return wait(`The session jobs: ${sessionJobs.reason}.`);
  const names = sessionJobs.value
    .filter(({ runsWithState }) => runsWithState ?? waitedMs < UNCERTAIN_MS)
    .map((job) => job.name);
  if (names.length === 0) return undefined;
  return wait(`Waiting for the session jobs [${names.join(', ')}] to be brought down with their state.`);
}

/**
 * High availability keeps no job that has ended: where its savepoint is only its JobManager tells. So a job that is being
 * brought down already is waited for, for a while. No operation is recorded, because that would bring down all the others.
 */
function jobsThatEnd({ world: { sessionJobs }, status, now }: Context): Outcome | undefined {
  if (!sessionJobs.known) return undefined;
  const ending = sessionJobs.value.filter(
    ({ endingSince }) => endingSince !== undefined && now - endingSince < UNCERTAIN_MS,
  );
  if (ending.length === 0) return undefined;
  const message = `Waiting for the session jobs [${ending.map((job) => job.name).join(', ')}], which are being brought down.`;
  return {
    status,
    events: [],
    progress: { reason: 'StoppingSessionJobs', message },
    wakeUp: inTransition(Math.min(...ending.map(({ endingSince = now }) => now - endingSince))),
  };
}
