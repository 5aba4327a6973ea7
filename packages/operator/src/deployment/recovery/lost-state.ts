import { resourceOptions } from '@drey/flink';
import { anotherCheckpoint, newestKnownPath, nextCheckpoint } from '../../job/newest-state.ts';
import { isStillDown } from '../../job/operation-history.ts';
import { restartPauseMs } from '../../job/restart-pause.ts';
import { withJob } from '../../job/status.ts';
import { isTerminal } from '../../job/upgrade-choice.ts';
import { type Context, isSuspended, type Outcome } from '../context.ts';
import { isReplaced, keepsState } from '../observation/job-manager-process.ts';
import { begin, warning } from './recovery.ts';

/**
 * A job without high availability whose JobManager is gone, or was restarted and begins the job again from older state, is
 * started from the newest state that is known; a change of the spec goes with it. undefined: it is not such a job.
 */
export function recoverLost(context: Context): Outcome | undefined {
  if (!keepsState(context) || context.recorded?.spec.job?.state === 'suspended') return undefined;
  if (!context.runningOptions.get(resourceOptions.jmDeploymentRecoveryEnabled)) return undefined;
  if (context.status.jobStatus?.state === 'FAILED') return tryNewerCheckpoint(context);
  const another = tryAnotherCheckpoint(context);
  if (another !== undefined) return another;
  const { jobManager } = context.world;
  const isMissing = jobManager.known && jobManager.value === undefined;
  if (!(isMissing || isReplaced(context)) || isTerminal(context.status.jobStatus?.state ?? undefined)) return undefined;
  const path = newestKnownPath(context.status, context.world);
  return path === undefined ? undefined : recoverFrom(context, path);
}

function recoverFrom(context: Context, path: string): Outcome {
  const status = withJob(context.status, { upgradeSavepointPath: path });
  return begin({ ...context, status }, 'recover', 'savepoint', [
    warning('RecoverDeployment', `Recovering lost deployment from ${path}`),
  ]);
}

/**
 * The JobManager of a recovered job ends again and again before the job ran: Flink ends the process where the checkpoint that
 * it is to start from is gone.
 */
function tryAnotherCheckpoint(context: Context): Outcome | undefined {
  const { status, world, now } = context;
  const isRecovered = isStillDown(status) && status.lastOperations?.[0]?.kind === 'recover';
  const pods = world.jobManagerPods.known ? world.jobManagerPods.value : [];
  const crashes = pods.some(({ failure }) => failure?.reason === 'CrashLoopBackOff');
  if (!isRecovered || !crashes || isSuspended(context.wanted.spec) || restartPauseMs(status, now) > 0) return undefined;
  const path = anotherCheckpoint(world.seen?.path, status.jobStatus?.upgradeSavepointPath);
  return path === undefined ? undefined : recoverFrom(context, path);
}

/** A checkpoint that was completed after the last one that was seen, when that one is gone. */
function tryNewerCheckpoint(context: Context): Outcome | undefined {
  const { status, world } = context;
  if (isSuspended(context.wanted.spec)) return undefined;
  // The status may tell of an invalid spec instead.
  const failure = world.flink.failure?.kind === 'ok' ? world.flink.failure.value?.message : undefined;
  const path = nextCheckpoint(failure ?? status.error, world.seen?.path, status.jobStatus?.upgradeSavepointPath);
  return path === undefined ? undefined : recoverFrom(context, path);
}
