import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { Deployment, Pod, Service } from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { createCaches } from '../runtime/caches.ts';
import { nativeClusterBuilder } from '../runtime/cluster-builder.ts';
import { JobPulse } from '../runtime/job-pulse.ts';
import { operatorMetrics } from '../runtime/metrics.ts';
import type { Env } from '../runtime/ports.ts';
import { SmallCluster } from '../testing/small-cluster.ts';
import { aDeployment, POLICY } from '../testing/worlds.ts';
import { reconcile } from './reconcile.ts';

/** The end of a process: nothing after it runs. */
class Crash extends Error {}

const KEY = 'default/app';
const TIME = { now: 0 };
const clock = { now: () => TIME.now, monotonic: () => TIME.now, after: () => () => undefined };

/** A fresh operator process: empty caches, filled from the cluster as it is now. */
function process(cluster: SmallCluster, seed: number): () => Promise<void> {
  const caches = createCaches((error) => {
    throw error;
  });
  const refill = (): void => {
    const all = (plural: string) =>
      structuredClone([...cluster.objects].filter(([key]) => key.startsWith(`${plural}/`)).map(([, object]) => object));
    caches.flinkDeployments.feed().replace(all(FlinkDeployments.plural) as never, '0');
    caches.deployments.feed().replace(all(Deployment.plural) as never, '0');
    caches.pods.feed().replace(all(Pod.plural) as never, '0');
    caches.services.feed().replace(all(Service.plural) as never, '0');
  };
  let state = seed;
  const random = {
    next: () => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return state / 0x80000000;
    },
  };
  const signal = new AbortController().signal;
  const env: Env = {
    ...{ clock, random, caches, kube: cluster.kube, metrics: operatorMetrics(), log: pino({ level: 'silent' }) },
    events: () => undefined,
    flink: () => cluster.flink(),
    endpoints: () => 'http://flink',
    clusters: nativeClusterBuilder(DEFAULT_OPERATOR_CONFIG),
  };
  const pulse = new JobPulse({ clock, random, wake: () => undefined, signal });
  const scope = { env, policy: POLICY, pulse, epoch: () => 0 };
  return async () => {
    refill();
    TIME.now += 5_000;
    await reconcile(scope, { key: KEY, priority: 0, failures: 0, waitedMs: 0, signal });
  };
}

interface Life {
  readonly log: readonly string[];
  readonly calls: number;
  readonly cluster: SmallCluster;
}

/** Runs a life of three acts; the process dies at the `crashAt`-th edge of a call and is started again. */
async function live(crashAt: number): Promise<Life> {
  TIME.now = Date.parse('2026-01-01T00:00:00Z');
  const cluster = new SmallCluster();
  let edges = 0;
  let seed = 1;
  let dead = false;
  cluster.gate = () => {
    edges += 1;
    // A process that died makes no further calls.
    if (edges === crashAt) dead = true;
    if (dead) throw new Crash();
  };
  cluster.put(FlinkDeployments, aDeployment({ metadata: { finalizers: [] } }));
  let pass = process(cluster, seed);
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; ) {
      const before = cluster.version;
      try {
        await pass();
        quiet = cluster.version === before ? quiet + 1 : 0;
      } catch (error) {
        if (!(error instanceof Crash)) throw error;
        dead = false;
        seed += 1;
        pass = process(cluster, seed);
      }
    }
  };
  const edit = (change: (object: FlinkDeployment) => FlinkDeployment): void => {
    const current = cluster.get(FlinkDeployments, 'app');
    if (current !== undefined) cluster.put(FlinkDeployments, change(structuredClone(current)));
  };
  await settle();
  edit((object) => ({
    ...object,
    metadata: { ...object.metadata, generation: 2 },
    spec: { ...object.spec, job: { ...object.spec.job, parallelism: 4 } },
  }));
  await settle();
  edit((object) => ({ ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T01:00:00Z' } }));
  await settle();
  return { log: cluster.log, calls: edges, cluster };
}

function claims(log: readonly string[]): void {
  const starts = log.filter((line) => line.startsWith('start '));
  const savepoints = log.filter((line) => line.startsWith('savepoint '));
  // One job is started from nothing, and one from the savepoint of the first; none twice.
  expect(starts).toHaveLength(2);
  expect(starts[0]).toMatch(/from nothing$/);
  expect(savepoints).toHaveLength(1);
  const id = savepoints[0]?.slice('savepoint '.length);
  expect(starts[1]).toMatch(new RegExp(`from file:///sp/${id}$`));
  // Each act is recorded before it happens, and the cluster goes only after its savepoint is recorded.
  expect(log.indexOf('record deploy deploying')).toBeLessThan(log.indexOf(starts[0] ?? ''));
  expect(log.indexOf('record upgrade stopping')).toBeLessThan(log.indexOf(savepoints[0] ?? ''));
  expect(log.indexOf('record upgrade removing')).toBeLessThan(log.indexOf('remove the cluster'));
  expect(log.at(-1)).toBe('let the object go');
}

describe('A deployment that is created, upgraded with a savepoint and deleted', () => {
  test('does each of these once when nothing goes wrong', async () => {
    const { log, cluster } = await live(Number.POSITIVE_INFINITY);
    claims(log);
    expect(cluster.objects.size).toBe(0);
  });

  test('does each of these once wherever the operator dies, before or after any call', async () => {
    const { calls } = await live(Number.POSITIVE_INFINITY);
    expect(calls).toBeGreaterThan(40);
    for (let crashAt = 1; crashAt <= calls; crashAt += 1) {
      const { log, cluster } = await live(crashAt);
      try {
        claims(log);
        expect(cluster.objects.size).toBe(0);
      } catch (error) {
        throw new Error(`dying at edge ${crashAt}:\n${log.join('\n')}`, { cause: error });
      }
    }
  }, 120_000);
});
