import { resourceOptions } from '@drey/flink';
import { LAST_STATE_MARKER, recordedStatePath, withJob } from '../job/status.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import { type Context, isSuspended, type Outcome } from './context.ts';
import { isReplaced, keepsState } from './job-manager-process.ts';
import { begin, warning } from './recovery.ts';

/**
 * A job without high availability whose JobManager is gone, or was restarted and begins the job again from older state, is
 * started from the newest state that is known; a change of the spec goes with it. undefined: it is not such a job.
 */
export function recoverLost(context: Context): Outcome | undefined {
  if (!keepsState(context) || context.recorded?.spec.job?.state === 'suspended') return undefined;
  if (!context.runningOptions.get(resourceOptions.jmDeploymentRecoveryEnabled)) return undefined;
  if (context.status.jobStatus?.state === 'FAILED') return tryNewerCheckpoint(context);
  const { jobManager } = context.world;
  const isMissing = jobManager.known && jobManager.value === undefined;
  if (!(isMissing || isReplaced(context)) || isTerminal(context.status.jobStatus?.state ?? undefined)) return undefined;
  const path = newestKnownPath(context);
  return path === undefined ? undefined : recoverFrom(context, path);
}

function recoverFrom(context: Context, path: string): Outcome {
  const status = withJob(context.status, { upgradeSavepointPath: path });
  return begin({ ...context, status }, 'recover', 'savepoint', [
    warning('RecoverDeployment', `Recovering lost deployment from ${path}`),
  ]);
}

/** The newest state of the running job that anybody knows: what was seen of it, else where it began. */
function newestKnownPath({ status, world: { seen } }: Context): string | undefined {
  if (seen !== undefined && seen.jobId === status.jobStatus?.jobId) return seen.path;
  const path = recordedStatePath(status);
  return path === LAST_STATE_MARKER ? undefined : path;
}

/** How Flink says that there is nothing where a job was to start from. */
const NOTHING_THERE = 'Cannot find checkpoint or savepoint';
/** How many checkpoints may have been completed after the last one that was seen. */
const NEWER_CHECKPOINTS = 3;

/**
 * The checkpoint that was seen last is gone when a newer one was completed just before the JobManager died. Flink numbers
 * them, and names their folders by these numbers, so the newer one is found by its name.
 */
function tryNewerCheckpoint(context: Context): Outcome | undefined {
  const { status, world } = context;
  // The status may tell of an invalid spec instead.
  const failure = world.flink.failure?.kind === 'ok' ? world.flink.failure.value?.message : undefined;
  const isNothingThere = (failure ?? status.error)?.includes(NOTHING_THERE) === true;
  if (isSuspended(context.wanted.spec) || !isNothingThere) return undefined;
  const seen = numbered(world.seen?.path);
  const tried = numbered(status.jobStatus?.upgradeSavepointPath);
  if (seen === undefined || tried === undefined || seen.folder !== tried.folder) return undefined;
  const next = tried.number + 1;
  return next > seen.number + NEWER_CHECKPOINTS ? undefined : recoverFrom(context, `${tried.folder}${next}`);
}

/** `…/chk-7` in its parts. */
function numbered(path: string | null | undefined): { folder: string; number: number } | undefined {
  const match = /^(.*\/chk-)(\d+)$/.exec(path ?? '');
  return match?.[1] === undefined ? undefined : { folder: match[1], number: Number(match[2]) };
}
