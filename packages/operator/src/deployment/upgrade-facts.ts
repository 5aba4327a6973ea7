import type { FlinkConfig } from '@drey/flink';
import { highAvailabilityKind, highAvailabilityOptions } from '@drey/flink';
import { jobFacts } from '../job/job-facts.ts';
import type { UpgradeFacts } from '../job/upgrade-choice.ts';
import { type Context, jobOf } from './context.ts';

/** The facts of this pass from which the choice of upgrade is made. */
export function upgradeFacts(context: Context, runningOptions: FlinkConfig): UpgradeFacts {
  const { status, wanted, recorded, world } = context;
  const deployment = world.jobManager.known ? world.jobManager.value : undefined;
  return {
    ...jobFacts({ ...context, checkpoints: world.flink.checkpoints }),
    upgradeMode: jobOf(wanted.spec).upgradeMode ?? 'stateless',
    jobManager: status.jobManagerDeploymentStatus ?? 'MISSING',
    jobManagerNeverStarted: deployment?.neverAvailable === true,
    recordedMode: recorded?.spec.job?.upgradeMode ?? 'stateless',
    flinkVersionChanged: recorded?.spec.flinkVersion !== wanted.spec.flinkVersion,
    ha: haFact(context, runningOptions),
  };
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
