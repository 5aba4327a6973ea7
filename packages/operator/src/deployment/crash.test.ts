import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { SmallCluster } from '../testing/small-cluster.ts';
import { smallWorld } from '../testing/small-operator.ts';
import { aDeployment } from '../testing/worlds.ts';

interface Life {
  readonly log: readonly string[];
  readonly calls: number;
  readonly cluster: SmallCluster;
}

type Mode = 'native' | 'standalone';

/** Runs a life of three acts; the process dies at the `crashAt`-th edge of a call and is started again. */
async function live(crashAt: number, mode: Mode): Promise<Life> {
  const cluster = new SmallCluster();
  const world = smallWorld(cluster, crashAt);
  cluster.put(FlinkDeployments, aDeployment({ metadata: { finalizers: [] }, spec: { mode } }));
  const edit = (change: (object: FlinkDeployment) => FlinkDeployment): void => {
    const current = cluster.get(FlinkDeployments, 'app');
    if (current !== undefined) cluster.put(FlinkDeployments, change(structuredClone(current)));
  };
  await world.settle();
  edit((object) => ({
    ...object,
    metadata: { ...object.metadata, generation: 2 },
    spec: { ...object.spec, job: { ...object.spec.job, parallelism: 4 } },
  }));
  await world.settle();
  edit((object) => ({ ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T01:00:00Z' } }));
  await world.settle();
  return { log: cluster.log, calls: world.edges, cluster };
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

describe.each<Mode>(['native', 'standalone'])('A %s deployment that is created, upgraded and deleted', (mode) => {
  test('does each of these once when nothing goes wrong', async () => {
    const { log, cluster } = await live(Number.POSITIVE_INFINITY, mode);
    claims(log);
    expect(cluster.objects.size).toBe(0);
    // TaskManagers go after their JobManager, never before.
    const removals = log.filter((line) => line.startsWith('remove '));
    const once = mode === 'native' ? ['remove the cluster'] : ['remove the cluster', 'remove the TaskManagers'];
    expect(removals).toEqual([...once, ...once]);
  });

  test('does each of these once wherever the operator dies, before or after any call', async () => {
    const { calls } = await live(Number.POSITIVE_INFINITY, mode);
    expect(calls).toBeGreaterThan(40);
    for (let crashAt = 1; crashAt <= calls; crashAt += 1) {
      const { log, cluster } = await live(crashAt, mode);
      try {
        claims(log);
        expect(cluster.objects.size).toBe(0);
      } catch (error) {
        throw new Error(`dying at edge ${crashAt}:\n${log.join('\n')}`, { cause: error });
      }
    }
  }, 240_000);
});
