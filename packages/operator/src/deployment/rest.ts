import type { FlinkDeploymentStatus } from '@drey/api';
import { END_SETTLES_MS } from '../job/job-observation.ts';
import { stabilityLeftMs } from '../job/observed-job.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import { after, atRest, inTransition, WATCHED } from '../job/wake-up.ts';
import type { Context, Outcome } from './context.ts';
import { isOnTrial, stabilityWindowMs } from './recovery/stability.ts';

const ROLLED_BACK = {
  reason: 'RolledBack',
  message:
    'The newest spec did not run well in time; the last stable one runs. ' +
    'Correct the spec, or set it back to the one that runs.',
};

/** A cluster was created, and its JobManager does not answer yet. */
export const STARTING_JOB_MANAGER = {
  reason: 'StartingJobManager',
  message: 'Waiting for the JobManager to start.',
} as const;

/** Nothing to do: only the record of what is wanted is kept up to date, and the next look is planned. */
export function settledOutcome(context: Context): Outcome {
  const status = withObservedGeneration(context);
  const wakeUp = nextLook(context);
  const progress = progressOf(context);
  const stalled = status.reconciliationStatus?.state === 'ROLLED_BACK' ? { stalled: ROLLED_BACK } : {};
  return { status, wakeUp, ...(progress === undefined ? {} : { progress }), ...stalled };
}

/**
 * A change that needs no action counts as acted on: an operator option, an upgrade mode, and whatever is edited while the
 * job is suspended, which takes effect when it is resumed. (The Apache operator leaves the latter unobserved, so that
 * tools wait for ever.)
 */
function withObservedGeneration(context: Context): FlinkDeploymentStatus {
  const { status, invalid, generation } = context;
  if (invalid !== undefined || status.observedGeneration === generation) return status;
  return { ...status, observedGeneration: generation };
}

/** While a cluster comes up, what is still missing. */
function progressOf(context: Context): Outcome['progress'] {
  const { status } = context;
  if (context.recorded?.spec.job?.state === 'suspended') return undefined;
  const state = status.jobStatus?.state ?? undefined;
  if (isTerminal(state) || state === 'RUNNING') return undefined;
  switch (status.jobManagerDeploymentStatus) {
    case 'READY':
      return { reason: 'StartingJob', message: `The JobManager is up; the job is ${state ?? 'not there yet'}.` };
    case 'DEPLOYING':
    case 'DEPLOYED_NOT_READY':
      return STARTING_JOB_MANAGER;
    default:
      return undefined;
  }
}

function nextLook(context: Context): Outcome['wakeUp'] {
  const { status, now, config, world } = context;
  const state = status.jobStatus?.state ?? undefined;
  if (context.recorded?.spec.job?.state === 'suspended') return atRest(config.restIntervalMs);
  if (state === 'RUNNING') {
    const left = isOnTrial(status) ? stabilityLeftMs(status, stabilityWindowMs(context.runningOptions), now) : 0;
    return left > 0 && left < config.restIntervalMs ? after(left) : atRest(config.restIntervalMs);
  }
  if (isTerminal(state)) {
    const seenAt = Number(status.jobStatus?.updateTime ?? 0);
    return now - seenAt < END_SETTLES_MS ? after(END_SETTLES_MS - (now - seenAt)) : atRest(config.restIntervalMs);
  }
  if (context.job.kind === 'end-not-understood') return after(250);
  const startedAt = context.job.kind === 'found' ? context.job.job.startTime : 0;
  const sinceMs = now - Math.max(startedAt, Number(status.jobStatus?.updateTime ?? now));
  const pods = world.jobManagerPods.known ? world.jobManagerPods.value : [];
  // Until a pod is there that Flink could answer from, every step shows in a watch.
  return pods.some((pod) => pod.ready) ? inTransition(sinceMs) : WATCHED;
}
