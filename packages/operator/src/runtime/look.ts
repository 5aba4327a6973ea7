import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import type { ConfigEntries, FlinkTransport } from '@drey/flink';
import { type Clock, isKubeError, type KubeClient, type Random, Reflector } from '@drey/kube';
import { DriftMemory } from '../deployment/drift/drift-reading.ts';
import { observe } from '../deployment/observe.ts';
import type { World } from '../deployment/world.ts';
import { recordedCheckpoint } from '../job/known-checkpoint.ts';
import { observe as observeSessionJob } from '../sessionjob/observe.ts';
import { sessionJobPolicy } from '../sessionjob/policy.ts';
import type { SessionJobWorld } from '../sessionjob/world.ts';
import { zooKeeperPort } from '../zookeeper/client.ts';
import { type Caches, createCaches, type Watched, watchedBy } from './caches.ts';
import { clusterBuilder } from './cluster-builder.ts';
import { serviceEndpoint } from './endpoints.ts';
import { fencedClient, fencedTransport } from './fence.ts';
import { flinkPort } from './flink-port.ts';
import { operatorLogger } from './log.ts';
import { operatorMetrics } from './metrics.ts';
import { operatorPolicy } from './policy.ts';
import type { EndpointResolver, Env } from './ports.ts';

/** What a look needs. */
export interface LookEnv {
  readonly clock: Clock;
  readonly random: Random;
  readonly kube: KubeClient;
  readonly flink: FlinkTransport;
  readonly endpoints?: EndpointResolver;
  /** The operator's configuration; the one in force on the cluster, for the look to be the operator's own. */
  readonly config: ConfigEntries;
  readonly logging?: Readonly<Record<string, string>>;
}

/** Sees objects of one namespace exactly as a pass of the operator would. */
export interface Look {
  /** `deployment` may have another spec than the live object, and then a newer generation. */
  deployment(deployment: FlinkDeployment): Promise<World>;
  /** The same of a session job. `cluster` takes the place of the live FlinkDeployment that it names. */
  sessionJob(sessionJob: FlinkSessionJob, cluster?: FlinkDeployment): Promise<SessionJobWorld>;
  /** The live session jobs that name a cluster, by their names. */
  sessionJobsOf(cluster: FlinkDeployment): readonly FlinkSessionJob[];
}

/**
 * Looks into a namespace without ever writing: every call that is no reading throws before it is made. What may not be read is
 * unknown in what is seen. Rejects with a KubeError when the cluster does not answer, with the signal's reason, and as `work`
 * does.
 */
export async function lookInto<T>(
  env: LookEnv,
  where: { readonly namespace: string; readonly signal: AbortSignal },
  work: (look: Look) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const caches = createCaches((error) => stop.abort(error));
  const reading = AbortSignal.any([where.signal, stop.signal]);
  try {
    const filled = watchedBy(caches).map((watched) => fill(env, watched, where.namespace, reading));
    await Promise.race([Promise.all(filled), aborted(reading)]);
    return await work(lookThrough(env, readOnly(env, caches), reading));
  } finally {
    stop.abort(new Error('the look is over'));
  }
}

/** What observations may use: everything but writes. */
function readOnly(env: LookEnv, caches: Caches): Env {
  return {
    clock: env.clock,
    random: env.random,
    kube: fencedClient(env.kube, refuse),
    caches,
    clusters: clusterBuilder(env.config, env.logging),
    flink: flinkPort(fencedTransport(env.flink, refuse)),
    endpoints: env.endpoints ?? serviceEndpoint,
    zooKeeper: (quorum, call, work) =>
      zooKeeperPort(env.clock)(quorum, call, (nodes) => work({ ...nodes, remove: async () => refuse() })),
    log: operatorLogger({ level: 'silent' }),
    events: () => undefined,
    metrics: operatorMetrics(),
  };
}

function lookThrough({ config, logging }: LookEnv, env: Env, signal: AbortSignal): Look {
  const policy = operatorPolicy(config, logging);
  const jobConfig = sessionJobPolicy(policy);
  return {
    deployment: (deployment) =>
      observe(env, deployment, {
        ...{ epoch: 0, signal, configurationOf: policy.configurationOf, drift: new DriftMemory() },
        seen: recordedCheckpoint(deployment),
      }),
    sessionJob: async (sessionJob, wanted) => {
      const seen = recordedCheckpoint(sessionJob);
      const options = { epoch: 0, signal, config: jobConfig, submission: undefined, seen };
      const { world } = await observeSessionJob(env, sessionJob, options);
      return wanted === undefined ? world : { ...world, cluster: withWanted(world.cluster, wanted) };
    },
    sessionJobsOf: ({ metadata: { namespace, name } }) => {
      // The cache is shared and never changed, and neither are worlds.
      const jobs = env.caches.sessionJobs
        .byIndex('cluster', `${namespace}/${name}`)
        .map((job) => job as FlinkSessionJob);
      return jobs.sort((one, other) => ((one.metadata.name ?? '') < (other.metadata.name ?? '') ? -1 : 1));
    },
  };
}

function withWanted(cluster: SessionJobWorld['cluster'], deployment: FlinkDeployment): SessionJobWorld['cluster'] {
  if (!cluster.known) return cluster;
  const live = cluster.value ?? { jobManagerExists: false, reachable: false };
  return { ...cluster, value: { ...live, deployment } };
}

function refuse(): never {
  throw new Error('E_OPERATOR_INVARIANT: a look changes nothing');
}

/** One list, through the same way that keeps the operator's caches filled. Rejects when it is refused. */
function fill(
  env: LookEnv,
  { resource, store, selector }: Watched,
  namespace: string,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const reflector = new Reflector({
      ...{ client: env.kube, resource, feed: store.feed(namespace), clock: env.clock, random: env.random, namespace },
      ...(selector === undefined ? {} : { labelSelector: selector }),
      observer: {
        // What this user may not read, or the cluster does not know, is unknown to the decision; more it need not be.
        failed: (error) => (isKubeError(error, 'E_KUBE_FORBIDDEN', 'E_KUBE_NOT_FOUND') ? resolve() : reject(error)),
      },
    });
    void reflector.run(signal).catch(reject);
    void store.whenSynced(signal).then(resolve, reject);
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
