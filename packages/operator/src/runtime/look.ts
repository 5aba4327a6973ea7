import type { FlinkDeployment } from '@drey/api';
import type { ConfigEntries, FlinkTransport } from '@drey/flink';
import { type Clock, isKubeError, type KubeClient, type Random, Reflector } from '@drey/kube';
import { DriftMemory } from '../deployment/drift/drift-reading.ts';
import { observe } from '../deployment/observe.ts';
import type { World } from '../deployment/world.ts';
import { zooKeeperPort } from '../zookeeper/client.ts';
import { createCaches, type Watched, watchedBy } from './caches.ts';
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

/**
 * Sees a deployment exactly as a pass of the operator would, without ever writing: every call that is no reading throws before it
 * is made. `deployment` may have another spec than the live object, and then a newer generation. What may not be
 * read is unknown in it. Rejects with a KubeError when the cluster does not answer, and with the signal's reason.
 */
export async function lookAt(env: LookEnv, deployment: FlinkDeployment, signal: AbortSignal): Promise<World> {
  const stop = new AbortController();
  const caches = createCaches((error) => stop.abort(error));
  const inner: Env = {
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
  const { namespace = '' } = deployment.metadata;
  const reading = AbortSignal.any([signal, stop.signal]);
  try {
    const filled = watchedBy(caches).map((watched) => fill(env, watched, namespace, reading));
    await Promise.race([Promise.all(filled), aborted(reading)]);
    const { configurationOf } = operatorPolicy(env.config, env.logging);
    return await observe(inner, deployment, {
      ...{ epoch: 0, signal: reading, configurationOf, seen: undefined, drift: new DriftMemory() },
    });
  } finally {
    stop.abort(new Error('the look is over'));
  }
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
