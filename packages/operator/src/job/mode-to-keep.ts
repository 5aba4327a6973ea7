import { type JobSpec, UPGRADE_MODES, type UpgradeMode } from '@drey/api';

/** How a user whose spec is not acted on wants state to be carried; where the spec does not say, state is kept. */
export function modeToKeep(job: Pick<JobSpec, 'upgradeMode'> | null | undefined): UpgradeMode {
  if (job === undefined || job === null) return 'last-state';
  if (job.upgradeMode === undefined) return 'stateless';
  return UPGRADE_MODES.find((mode) => mode === job.upgradeMode) ?? 'last-state';
}
