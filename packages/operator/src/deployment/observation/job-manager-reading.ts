import type { FlinkDeployment } from '@drey/api';
import { Deployment, Pod } from '@drey/kube';
import { currentOperation } from '../../job/operation.ts';
import { known, type Reading, unknown } from '../../job/reading.ts';
import { deployedSpec, lastReconciled } from '../../job/recorded-spec.ts';
import { isTerminal } from '../../job/upgrade-choice.ts';
import { CLUSTER_SELECTOR, CLUSTER_TYPES } from '../../runtime/caches.ts';
import type { SeenState } from '../../runtime/job-pulse.ts';
import type { Env } from '../../runtime/ports.ts';
import type { JobManagerDeployment, ObservedPod } from '../world.ts';
import { attempt, found, type ReadingScope } from './cluster-readings.ts';
import { processOf } from './job-manager-process.ts';
import { observedDeployment, observedPod } from './kube-readings.ts';

/**
 * The Deployment of the JobManager, as the cache has it. One that should be there and is not is asked for at the API server itself: a
 * list may come from a server that is behind (`resourceVersion=0` promises no more), and a cluster that runs must not be
 * taken for lost, since that is the beginning of its replacement.
 */
export async function readJobManager(
  scope: Omit<ReadingScope, 'present'>,
): Promise<Reading<JobManagerDeployment | undefined>> {
  const { env, deployment, namespace, name, signal } = scope;
  const { deployments } = env.caches;
  if (!deployments.synced) return unknown('the cache of Deployments is not filled yet', env.clock.now());
  const cached = deployments.get(namespace, name);
  if (cached !== undefined) return known(observedDeployment(cached), env.clock.now());
  if (!isExpected(deployment)) return known(undefined, env.clock.now());
  return attempt(env, async () => {
    const live = await found(env.kube.get(Deployment, namespace, name, { signal }));
    if (live !== undefined) remember(env, live);
    return live && observedDeployment(live);
  });
}

/** Puts a JobManager's Deployment that was read into the cache, unless the watch that fills the cache would never tell of it. */
export function remember(env: Env, deployment: Deployment): void {
  if (CLUSTER_TYPES.includes(deployment.metadata.labels?.type ?? '')) env.caches.deployments.written(deployment);
}

/**
 * The pods of the JobManager, as the cache has them. When the process that ran the job is not among them they are asked for at
 * the API server itself, for the same reason: who has lost it starts the job again.
 */
export async function readJobManagerPods(
  scope: Omit<ReadingScope, 'present'>,
  seen: Pick<SeenState, 'jobId' | 'process'> | undefined,
): Promise<Reading<readonly ObservedPod[]>> {
  const { env, deployment, namespace, name, signal } = scope;
  const { pods } = env.caches;
  if (!pods.synced) return unknown('the cache of pods is not filled yet', env.clock.now());
  const ofCluster = pods.byIndex('cluster', `${namespace}/${name}`);
  const cached = ofCluster.filter((pod) => pod.metadata.labels?.component === 'jobmanager').map(observedPod);
  const ran = seen !== undefined && seen.jobId === deployment.status?.jobStatus?.jobId ? seen.process : undefined;
  const isLost = ran !== undefined && !cached.some((pod) => processOf(pod) === ran);
  if (!isLost || !isExpected(deployment)) return known(cached, env.clock.now());
  return attempt(env, async () => {
    const labelSelector = `${CLUSTER_SELECTOR},app=${name},component=jobmanager`;
    const live = await env.kube.list(Pod, { namespace, labelSelector, signal });
    for (const pod of live.items) pods.written(pod);
    return live.items.map(observedPod);
  });
}

/** A cluster was deployed, and has not ended. What is being removed or made is asked for with everything else that remains. */
function isExpected({ metadata, status = {} }: FlinkDeployment): boolean {
  if (metadata.deletionTimestamp !== undefined || lastReconciled(status) === undefined) return false;
  const phase = currentOperation(status.operation)?.phase;
  if (phase === 'removing' || phase === 'deploying') return false;
  const suspended = deployedSpec(status)?.spec.job?.state === 'suspended';
  return !suspended && !isTerminal(status.jobStatus?.state ?? undefined);
}
