import { type JobSpec, UPGRADE_MODES, type UpgradeMode } from '@drey/api';
import type { JobResourceStatus } from './resource.ts';

/**
 * The job that an object whose spec is invalid goes on with: the recorded one. One that was being started goes on to be
 * started. The record says how the job got its state, not whether the user wants it kept: that is taken from the user's spec,
 * and where it does not say, state is kept.
 */
export function jobToGoOnWith(
  recorded: JobSpec | null | undefined,
  wanted: Pick<JobSpec, 'upgradeMode'> | null | undefined,
  { reconciliationStatus, operation }: JobResourceStatus,
): JobSpec {
  const isStarting = reconciliationStatus?.state === 'UPGRADING' && operation?.kind !== 'suspend';
  const state = isStarting ? 'running' : (recorded?.state ?? 'running');
  return { ...recorded, state, upgradeMode: modeToKeep(wanted) };
}

/** How a user whose spec is not acted on wants state to be carried; where the spec does not say, state is kept. */
function modeToKeep(job: Pick<JobSpec, 'upgradeMode'> | null | undefined): UpgradeMode {
  if (job === undefined || job === null) return 'last-state';
  if (job.upgradeMode === undefined) return 'stateless';
  return UPGRADE_MODES.find((mode) => mode === job.upgradeMode) ?? 'last-state';
}
