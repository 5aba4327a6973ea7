import type { JobManagerDeploymentStatus } from '@drey/api';
import type { PodFailure, World } from '../world.ts';

/** What the readings say about the JobManager. `undefined` status: the readings do not tell, the recorded one stays. */
export interface JobManagerObservation {
  readonly status: JobManagerDeploymentStatus | undefined;
  /** Why its pods cannot start. */
  readonly failure: PodFailure | undefined;
  readonly deleting: boolean;
}

/**
 * The state of the JobManager Deployment. READY means that Flink's REST API answered in this pass, or has answered before
 * and the pod is still ready; DEPLOYING that a pod is on its way; ERROR that one cannot start.
 */
export function observeJobManager(world: World, recorded: JobManagerDeploymentStatus): JobManagerObservation {
  const { jobManager, jobManagerPods } = world;
  if (!jobManager.known) return { status: undefined, failure: undefined, deleting: false };
  const deployment = jobManager.value;
  if (deployment === undefined) return { status: 'MISSING', failure: undefined, deleting: false };
  const deleting = deployment.deleting;
  if (world.flink.jobs?.kind === 'ok') return { status: 'READY', failure: undefined, deleting };
  const pods = jobManagerPods.known ? jobManagerPods.value.filter((pod) => !pod.deleting) : [];
  if (recorded === 'READY' && pods.some((pod) => pod.ready)) return { status: 'READY', failure: undefined, deleting };
  const failure = failureOf(world);
  if (failure !== undefined) return { status: 'ERROR', failure, deleting };
  if (!jobManagerPods.known) return { status: undefined, failure: undefined, deleting };
  return { status: 'DEPLOYING', failure: undefined, deleting };
}

function failureOf(world: World): PodFailure | undefined {
  const deployment = world.jobManager.known ? world.jobManager.value : undefined;
  if (deployment?.createFailure !== undefined) return { reason: 'FailedCreate', message: deployment.createFailure };
  if (!world.jobManagerPods.known) return undefined;
  return world.jobManagerPods.value.find((pod) => !pod.deleting && pod.failure !== undefined)?.failure;
}
