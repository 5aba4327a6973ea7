import type { UpgradeMode } from '@drey/api';
import type { FlinkConfig } from '@drey/flink';
import { highAvailabilityKind, highAvailabilityOptions } from '@drey/flink';
import { jobFacts } from '../../job/job-facts.ts';
import { isStillDown } from '../../job/operation-history.ts';
import { lastReconciled } from '../../job/recorded-spec.ts';
import type { UpgradeFacts } from '../../job/upgrade-choice.ts';
import { type Context, isSuspended, jobOf } from '../context.ts';
import { stabilityWindowMs } from '../recovery/stability.ts';

/** The facts of this pass from which the choice of upgrade is made. */
export function upgradeFacts(context: Context, runningOptions: FlinkConfig): UpgradeFacts {
  const { status, wanted, recorded, world } = context;
  const deployment = world.jobManager.known ? world.jobManager.value : undefined;
  return {
    ...jobFacts({ ...context, checkpoints: world.flink.checkpoints }),
    upgradeMode: jobOf(wanted.spec).upgradeMode ?? 'stateless',
    jobManager: status.jobManagerDeploymentStatus ?? 'MISSING',
    jobManagerNeverStarted: deployment?.neverAvailable === true && !hasRun(context),
    recordedMode: launchMode(context),
    flinkVersionChanged: recorded?.spec.flinkVersion !== wanted.spec.flinkVersion,
    ha: haFact(context, runningOptions),
    neverRan: neverRan(context),
    suspends: isSuspended(wanted.spec),
  };
}

/** How the cluster that is there, or was there last, got its state. */
export function launchMode({ status }: Pick<Context, 'status'>): UpgradeMode {
  return lastReconciled(status)?.spec.job?.upgradeMode ?? 'stateless';
}

/**
 * The job was not seen running since it was launched, and nothing is known that it completed: neither its checkpoints nor,
 * with high availability, the record that every job has there from its beginning on.
 */
export function neverRan({ status, world, runningOptions }: Context): boolean {
  const record = status.reconciliationStatus;
  // With a time of trial, a spec that is not stable yet may well have run.
  const isTried = stabilityWindowMs(runningOptions) > 0;
  const wasSeen = isTried ? !isStillDown(status) : record?.lastReconciledSpec === record?.lastStableSpec;
  if (record?.state !== 'DEPLOYED' || wasSeen) return false;
  if (highAvailability(runningOptions) !== 'none') return world.ha.known && !world.ha.value.available;
  return world.seen?.process === undefined || world.seen.jobId !== status.jobStatus?.jobId;
}

/**
 * The job of the cluster that is there was seen to run. A list of Deployments may be older than that: the API server answers
 * a new watcher from its cache.
 */
function hasRun({ status, world }: Context): boolean {
  const { lastReconciledSpec, lastStableSpec } = status.reconciliationStatus ?? {};
  if (lastReconciledSpec === lastStableSpec && !isStillDown(status)) return true;
  const recorded = world.deployment.status?.jobStatus;
  return recorded?.state === 'RUNNING' || (world.seen?.process !== undefined && world.seen.jobId === recorded?.jobId);
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
