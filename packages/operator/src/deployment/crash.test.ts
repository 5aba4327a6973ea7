import { FlinkDeployments } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { SmallCluster } from '../testing/small-cluster.ts';
import { dyingAt, edgesUpTo, type Life, upgradedAndDeleted } from '../testing/small-life.ts';
import { smallWorld } from '../testing/small-operator.ts';
import { aDeployment } from '../testing/worlds.ts';

type Mode = 'native' | 'standalone' | 'stateful standalone';

/** Runs a life of three acts; the process dies at the `crashAt`-th edge of a call and is started again. */
async function live(crashAt: number, mode: Mode): Promise<Life> {
  const cluster = new SmallCluster();
  const world = smallWorld(cluster, crashAt);
  const isStateful = mode === 'stateful standalone';
  const spec = { mode: mode === 'native' ? mode : ('standalone' as const) };
  const configuration = { 'kubernetes.taskmanager.stateful-set.enabled': String(isStateful) };
  const changes = { metadata: { finalizers: [] }, spec, ...(isStateful ? { configuration } : {}) };
  cluster.put(FlinkDeployments, aDeployment(changes));
  return upgradedAndDeleted(world, FlinkDeployments, 'app');
}

function claims({ log, cluster }: Life): void {
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
  expect(cluster.objects.size).toBe(0);
}

describe.each<Mode>(['native', 'standalone', 'stateful standalone'])(
  'A %s deployment that is created, upgraded and deleted',
  (mode) => {
    test('does each of these once when nothing goes wrong', async () => {
      const life = await live(Number.POSITIVE_INFINITY, mode);
      claims(life);
      // TaskManagers go after their JobManager, never before.
      const removals = life.log.filter((line) => line.startsWith('remove '));
      const once = mode === 'native' ? ['remove the cluster'] : ['remove the cluster', 'remove the TaskManagers'];
      expect(removals).toEqual([...once, ...once]);
    });

    test('does each of these once wherever the operator dies, before or after any call', async () => {
      const { calls } = await live(Number.POSITIVE_INFINITY, mode);
      expect(calls).toBeGreaterThan(40);
      await dyingAt(edgesUpTo(calls), (crashAt) => live(crashAt, mode), claims);
    }, 240_000);
  },
);
