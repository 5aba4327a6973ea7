import type { FlinkConfig } from '@drey/flink';
import { checkpointingOptions, highAvailabilityKind, highAvailabilityOptions, resourceOptions } from '@drey/flink';
import { END_SETTLES_MS, newestCheckpoint } from '../job/job-observation.ts';
import { LAST_STATE_MARKER, recordedStatePath } from '../job/status.ts';
import type { UpgradeFacts } from '../job/upgrade-choice.ts';
import type { FlinkJob } from '../runtime/ports.ts';
import { type Context, jobOf } from './context.ts';

/** The facts of this pass from which the choice of upgrade is made. */
export function upgradeFacts(context: Context, runningOptions: FlinkConfig): UpgradeFacts {
  const { status, wanted, recorded, options, world } = context;
  const path = recordedStatePath(status);
  const deployment = world.jobManager.known ? world.jobManager.value : undefined;
  return {
    upgradeMode: jobOf(wanted.spec).upgradeMode ?? 'stateless',
    jobState: status.jobStatus?.state ?? undefined,
    endSettled: context.now - Number(status.jobStatus?.updateTime ?? 0) >= END_SETTLES_MS,
    tasksStarting: context.job.kind === 'found' && areTasksStarting(context.job.job),
    jobManager: status.jobManagerDeploymentStatus ?? 'MISSING',
    jobManagerNeverStarted: deployment?.neverAvailable === true,
    recordedMode: recorded?.spec.job?.upgradeMode ?? 'stateless',
    flinkVersionChanged: recorded?.spec.flinkVersion !== wanted.spec.flinkVersion,
    savepointDirectoryConfigured: options.get(checkpointingOptions.savepointDir) !== undefined,
    lastStateFallback: options.get(resourceOptions.upgradeLastStateFallbackEnabled),
    jobCancelEnabled: options.get(resourceOptions.upgradeLastStateJobCancelEnabled),
    ha: haFact(context, runningOptions),
    recordedState: path === undefined ? 'none' : path === LAST_STATE_MARKER ? 'in-ha-metadata' : 'path',
    checkpointAge: checkpointAge(context),
    checkpoint: checkpointFact(context),
  };
}

/** Flink takes no savepoint before every task of the job runs, or has ended well. */
function areTasksStarting({ tasks }: FlinkJob): boolean {
  if (tasks?.total === undefined) return false;
  return (tasks.running ?? 0) + (tasks.finished ?? 0) < tasks.total;
}

/** Which services keep the cluster's leader and checkpoints. */
export function highAvailability(options: FlinkConfig): 'none' | 'kubernetes' | 'zookeeper' | 'custom' {
  return highAvailabilityKind(options.get(highAvailabilityOptions.type));
}

function haFact(context: Context, runningOptions: FlinkConfig): UpgradeFacts['ha'] {
  if (highAvailability(context.options) === 'none' || highAvailability(runningOptions) === 'none') return 'off';
  const { ha } = context.world;
  if (!ha.known) return 'unknown';
  return ha.value.available ? 'available' : 'absent';
}

function checkpointFact(context: Context): UpgradeFacts['checkpoint'] {
  const answer = context.world.flink.checkpoints;
  if (answer === undefined || answer.kind === 'unknown' || answer.kind === 'rejected') return 'unknown';
  if (answer.kind === 'not-found') return 'none';
  return newestCheckpoint(answer.value)?.path === undefined ? 'none' : 'exists';
}

/** Compares the newest completed checkpoint with the age the user allows; without a limit every age is allowed. */
function checkpointAge(context: Context): UpgradeFacts['checkpointAge'] {
  const maximum = context.options.get(resourceOptions.upgradeLastStateMaxCheckpointAge);
  if (maximum === undefined) return 'allowed';
  const startedAt = Number(context.status.jobStatus?.startTime ?? 0);
  if (context.now - startedAt < maximum) return 'allowed';
  const answer = context.world.flink.checkpoints;
  if (answer === undefined || answer.kind === 'unknown' || answer.kind === 'rejected') return 'unknown';
  if (answer.kind === 'not-found') return 'too-old';
  const { completed, pendingSince } = answer.value;
  if (completed !== undefined && context.now - completed.triggeredAt < maximum) return 'allowed';
  return pendingSince !== undefined && context.now - pendingSince < maximum ? 'one-is-due' : 'too-old';
}
