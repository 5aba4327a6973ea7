import type { UpgradeMode } from '@drey/api';
import { highAvailabilityKind, highAvailabilityOptions, resourceOptions } from '@drey/flink';
import { isStateUnreadable } from '../job/job-facts.ts';
import { newestKnownPath, nextCheckpoint } from '../job/newest-state.ts';
import { beginOperation } from '../job/operation.ts';
import { RESTART_PAUSED, restartPauseMs } from '../job/restart-pause.ts';
import { LAST_STATE_MARKER, recordedStatePath, withJob } from '../job/status.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import { after } from '../job/wake-up.ts';
import { isSuspended, type SessionJobContext, type SessionJobOutcome, wantedMode } from './context.ts';
import { restoreFailed, startJob } from './start.ts';

/** Flink's list of jobs may be behind a start by this much. */
const LISTED_AFTER_MS = 10_000;
/** Once a JobManager answers, the jobs that high availability kept are back within this time. */
const RECOVERED_AFTER_MS = 30_000;
/** The same where an ensemble of ZooKeeper does not tell what it keeps. */
const UNREADABLE_RECOVERED_AFTER_MS = 300_000;

/**
 * A job that its cluster does not know any more, because the JobManager that ran it is dead: Flink brings it back where high
 * availability keeps it; otherwise it is started from the newest state that is known. undefined: the job is not lost.
 */
export function recoverLost(context: SessionJobContext): SessionJobOutcome | undefined {
  const { status, now, job } = context;
  if (context.recorded?.spec.job?.state === 'suspended') return undefined;
  if (status.jobStatus?.state === 'FAILED') return tryNewerCheckpoint(context);
  if (job.kind !== 'missing' || isTerminal(status.jobStatus?.state ?? undefined)) return undefined;
  const startedAt = status.reconciliationStatus?.reconciliationTimestamp ?? 0;
  if (now - startedAt < LISTED_AFTER_MS)
    return waitForJob(context, 'Waiting for the job to show in the list of Flink.');
  const kept = keptByHighAvailability(context);
  if (kept !== undefined) return kept;
  if (wantedMode(context.wanted.spec) === 'stateless')
    return restart(context, 'stateless', 'Starting the lost job anew');
  const path = highAvailability(context) === 'none' ? newestKnownPath(status, context.world) : undefined;
  if (path === undefined)
    return restoreFailed(context, 'The session cluster lost the job, and its newest state is not known.');
  return recoverFrom(context, path);
}

/** While Flink may still bring the job back. */
function keptByHighAvailability(context: SessionJobContext): SessionJobOutcome | undefined {
  const kind = highAvailability(context);
  if (kind === 'none') return undefined;
  const { heldByHa } = context.world;
  if (heldByHa.known && heldByHa.value) {
    return waitForJob(context, 'Waiting for Flink to bring the job back from its high-availability metadata.');
  }
  if (!heldByHa.known && kind === 'kubernetes') {
    return waitForJob(context, `The high-availability metadata could not be read: ${heldByHa.reason}.`);
  }
  const lostMs = context.now - Number(context.status.jobStatus?.updateTime ?? context.now);
  const patience = heldByHa.known ? RECOVERED_AFTER_MS : UNREADABLE_RECOVERED_AFTER_MS;
  return lostMs < patience ? waitForJob(context, 'Waiting for Flink to bring the job back.') : undefined;
}

function highAvailability({ options }: SessionJobContext) {
  return highAvailabilityKind(options.get(highAvailabilityOptions.type));
}

function waitForJob({ status }: SessionJobContext, message: string): SessionJobOutcome {
  return { status, progress: { reason: 'JobNotListed', message }, wakeUp: after(1_000) };
}

function recoverFrom(context: SessionJobContext, path: string): SessionJobOutcome {
  const status = withJob(context.status, { upgradeSavepointPath: path });
  return restart({ ...context, status }, 'savepoint', `Starting the lost job from ${path}`);
}

function restart(context: SessionJobContext, restore: UpgradeMode, message: string): SessionJobOutcome {
  const outcome = startJob(context, beginOperation(context, 'recover', 'deploying'), restore);
  const told = { type: 'Warning', reason: 'RecoverJob', message, component: 'Job' } as const;
  return { ...outcome, events: [told, ...(outcome.events ?? [])] };
}

/** A checkpoint that was completed after the last one that was seen, when that one is gone. */
function tryNewerCheckpoint(context: SessionJobContext): SessionJobOutcome | undefined {
  const { status, world } = context;
  if (isSuspended(context.wanted.spec)) return undefined;
  const failure = world.flink.failure?.kind === 'ok' ? world.flink.failure.value?.message : undefined;
  const path = nextCheckpoint(failure ?? status.error, world.seen?.path, status.jobStatus?.upgradeSavepointPath);
  return path === undefined ? undefined : recoverFrom(context, path);
}

/** A failed job is restarted when the user wants that, from the newest state its failure left. */
export function restartFailed(context: SessionJobContext): SessionJobOutcome | undefined {
  const { status, options } = context;
  if (status.jobStatus?.state !== 'FAILED' || isSuspended(context.wanted.spec)) return undefined;
  if (!options.get(resourceOptions.restartFailedJob)) return undefined;
  // What it left is the last word only some seconds after its end.
  if (context.job.kind !== 'found') return undefined;
  const pauseMs = restartPauseMs(status, context.now);
  if (pauseMs > 0) return { status, progress: RESTART_PAUSED, wakeUp: after(pauseMs) };
  const path = recordedStatePath(status);
  const isKnown = path !== undefined && path !== LAST_STATE_MARKER;
  const isStateful = wantedMode(context.wanted.spec) !== 'stateless';
  if (isStateful && !isKnown && isStateUnreadable(context))
    return restoreFailed(context, 'The job could not restore its state.');
  const restore = isStateful && isKnown ? 'savepoint' : (context.recorded?.spec.job?.upgradeMode ?? 'stateless');
  return restart(context, restore, 'Restarting the failed job');
}
