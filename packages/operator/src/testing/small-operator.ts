import { FlinkDeployments, FlinkSessionJobs, FlinkStateSnapshots } from '@drey/api';
import { ConfigMap, Deployment, Ingress, keyOf, Pod, Service, StatefulSet } from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { pino } from 'pino';
import { DriftMemory } from '../deployment/drift/drift-reading.ts';
import { reconcile } from '../deployment/reconcile.ts';
import { createCaches } from '../runtime/caches.ts';
import { clusterBuilder } from '../runtime/cluster-builder.ts';
import { JobPulse } from '../runtime/job-pulse.ts';
import { operatorMetrics } from '../runtime/metrics.ts';
import type { Env } from '../runtime/ports.ts';
import { reconcile as reconcileSessionJob } from '../sessionjob/reconcile.ts';
import { Submissions } from '../sessionjob/submissions.ts';
import { reconcile as reconcileSnapshot } from '../snapshot/reconcile.ts';
import type { SmallCluster } from './small-cluster.ts';
import { POLICY } from './worlds.ts';

/** The end of a process: nothing after it runs. */
export class Crash extends Error {}

/** How far the clock goes on from one pass to the next, in milliseconds. */
const PASS_MS = 5_000;
/** Passes in a row that change nothing before a small world counts as settled. */
const QUIET_PASSES = 3;

/** A world in which one operator after the other works on the deployment `default/app`, until it is settled. */
export interface SmallWorld {
  readonly cluster: SmallCluster;
  /** Makes passes until nothing changes any more; a process that dies is followed by another one. */
  settle(): Promise<void>;
  /** How many edges of calls there were: places where a process can die. */
  readonly edges: number;
}

/** What a small world has besides deployments. */
export interface SmallWorldOptions {
  /** The kind FlinkStateSnapshot is installed, and its objects are worked on, too. */
  readonly snapshots?: boolean;
}

/** The first process dies at the `crashAt`-th edge of a call, before it or after it; with Infinity none does. */
export function smallWorld(
  cluster: SmallCluster,
  crashAt = Number.POSITIVE_INFINITY,
  options: SmallWorldOptions = {},
): SmallWorld {
  const time = { now: Date.parse('2026-01-01T00:00:00Z') };
  let edges = 0;
  let dead = false;
  let seed = 1;
  cluster.gate = () => {
    edges += 1;
    // A process that died makes no further calls.
    if (edges === crashAt) dead = true;
    if (dead) throw new Crash();
  };
  let pass = operatorProcess(cluster, seed, time, options);
  return {
    cluster,
    get edges() {
      return edges;
    },
    async settle() {
      for (let quiet = 0; quiet < QUIET_PASSES; ) {
        const before = cluster.version;
        try {
          await pass();
          quiet = cluster.version === before ? quiet + 1 : 0;
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
          dead = false;
          seed += 1;
          pass = operatorProcess(cluster, seed, time, options);
        }
      }
    },
  };
}

/** A fresh process: empty caches, filled before each pass from the cluster as it is then. */
function operatorProcess(
  cluster: SmallCluster,
  seed: number,
  time: { now: number },
  { snapshots = false }: SmallWorldOptions,
): () => Promise<void> {
  const clock = { now: () => time.now, monotonic: () => time.now, after: () => () => undefined };
  const caches = createCaches((error) => {
    throw error;
  });
  const refill = (): void => {
    const all = (plural: string) =>
      structuredClone([...cluster.objects].filter(([key]) => key.startsWith(`${plural}/`)).map(([, object]) => object));
    caches.flinkDeployments.feed().replace(all(FlinkDeployments.plural) as never, '0');
    caches.sessionJobs.feed().replace(all(FlinkSessionJobs.plural) as never, '0');
    caches.deployments.feed().replace(all(Deployment.plural) as never, '0');
    caches.statefulSets.feed().replace(all(StatefulSet.plural) as never, '0');
    caches.pods.feed().replace(all(Pod.plural) as never, '0');
    caches.services.feed().replace(all(Service.plural) as never, '0');
    caches.configMaps.feed().replace(all(ConfigMap.plural) as never, '0');
    if (snapshots) caches.snapshots.feed().replace(all(FlinkStateSnapshots.plural) as never, '0');
    caches.ingresses?.feed().replace(all(Ingress.plural) as never, '0');
  };
  let state = seed;
  const random = {
    next: () => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state / 0x80000000;
    },
  };
  const { signal } = new AbortController();
  const env: Env = {
    ...{ clock, random, caches, kube: cluster.kube, metrics: operatorMetrics(), log: pino({ level: 'silent' }) },
    events: () => undefined,
    flink: () => cluster.flink(),
    endpoints: () => 'http://flink',
    zooKeeper: () => Promise.reject(new Error('the small world has no ZooKeeper')),
    clusters: clusterBuilder(DEFAULT_OPERATOR_CONFIG),
  };
  const pulse = new JobPulse({ clock, random, wake: () => undefined, signal });
  const scope = {
    ...{ env, policy: POLICY, pulse, epoch: () => 0 },
    drift: new DriftMemory(),
  };
  const submissions = new Submissions({ clock, fetch: async () => aJar(), wake: () => undefined, signal });
  const sessionScope = { ...scope, pulse: new JobPulse({ clock, random, wake: () => undefined, signal }), submissions };
  return async () => {
    refill();
    time.now += PASS_MS;
    const pass = { key: 'default/app', priority: 0, failures: 0, waitedMs: 0, signal };
    await reconcile(scope, pass);
    for (const job of caches.sessionJobs.list()) {
      refill();
      await reconcileSessionJob(sessionScope, { ...pass, key: keyOf(job) });
      await atRest(submissions, keyOf(job));
      // What died beside the pass is dead.
      cluster.gate('the pass', 'after');
    }
    for (const snapshot of caches.snapshots.list()) {
      refill();
      await reconcileSnapshot(scope, { ...pass, key: keyOf(snapshot) });
    }
  };
}

async function* aJar(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array([0x50, 0x4b]);
}

/** Lets what goes on beside the passes come to its end; it waits for nothing but other promises. */
async function atRest(submissions: Submissions, key: string): Promise<void> {
  while (['uploading', 'running'].includes(submissions.of(key)?.kind ?? '')) await new Promise(setImmediate);
}
