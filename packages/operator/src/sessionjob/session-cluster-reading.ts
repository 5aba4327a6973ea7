import { type FlinkDeployment, FlinkDeployments, type FlinkSessionJob } from '@drey/api';
import { Deployment } from '@drey/kube';
import { attempt, found } from '../deployment/observation/cluster-readings.ts';
import { remember } from '../deployment/observation/job-manager-reading.ts';
import { known, type Reading, unknown } from '../job/reading.ts';
import { sessionClusterName } from '../job/session-cluster-name.ts';
import type { Env } from '../runtime/ports.ts';
import type { SessionCluster } from './world.ts';

/** The session cluster that a job names, but for whether it can be reached. */
export type NamedCluster = Omit<SessionCluster, 'reachable'>;

/**
 * The cluster of a session job, as the caches have it. For a job that is to be deleted a cluster that is not there is asked for at the
 * API server itself, since a job without a cluster is let go without being cancelled, and a list may be one from the past.
 */
export async function readSessionCluster(
  env: Env,
  sessionJob: FlinkSessionJob,
  signal: AbortSignal,
): Promise<Reading<NamedCluster | undefined>> {
  const { flinkDeployments, deployments, pods } = env.caches;
  if (!flinkDeployments.synced || !deployments.synced || !pods.synced)
    return unknown('the caches are not filled yet', env.clock.now());
  const { namespace = '', deletionTimestamp } = sessionJob.metadata;
  const name = sessionClusterName(sessionJob);
  const cached = flinkDeployments.get(namespace, name) as FlinkDeployment | undefined;
  const isInCache = deployments.get(namespace, name) !== undefined;
  const named = (deployment: FlinkDeployment | undefined, jobManagerExists: boolean): NamedCluster | undefined =>
    deployment && { deployment, jobManagerExists };
  if (deletionTimestamp === undefined || (cached !== undefined && isInCache) || name === '')
    return known(named(cached, isInCache), env.clock.now());
  return attempt(env, async () => {
    const [live, jobManager] = await Promise.all([
      cached ?? found(env.kube.get(FlinkDeployments, namespace, name, { signal })),
      found(env.kube.get(Deployment, namespace, name, { signal })),
    ]);
    // The FlinkDeployment may be one that this operator does not select, so it is none of its cache's.
    if (jobManager !== undefined) remember(env, jobManager);
    return named(live, jobManager !== undefined);
  });
}
