import { type FlinkDeployment, FlinkDeployments, FlinkSessionJobs } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { aSessionJob } from '../testing/session-worlds.ts';
import { SmallCluster } from '../testing/small-cluster.ts';
import { dyingAt, edgesUpTo, type Life, upgradedAndDeleted } from '../testing/small-life.ts';
import { smallWorld } from '../testing/small-operator.ts';
import { aDeployment } from '../testing/worlds.ts';

/** A session cluster and a job on it; the process dies at the `crashAt`-th edge of a call and is started again. */
async function live(crashAt: number): Promise<Life> {
  const cluster = new SmallCluster();
  const world = smallWorld(cluster, crashAt);
  const { job: _, ...spec } = aDeployment().spec;
  const session: FlinkDeployment = { ...aDeployment({ metadata: { finalizers: [] } }), spec };
  cluster.put(FlinkDeployments, session);
  cluster.put(FlinkSessionJobs, aSessionJob({ metadata: { finalizers: [] }, spec: { deploymentName: 'app' } }));
  return upgradedAndDeleted(world, FlinkSessionJobs, 'job');
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
  // Each act is recorded before it happens.
  expect(log.indexOf('record deploy submitting')).toBeLessThan(log.indexOf(starts[0] ?? ''));
  expect(log.indexOf('record upgrade stopping')).toBeLessThan(log.indexOf(savepoints[0] ?? ''));
  expect(log.indexOf('record upgrade submitting')).toBeLessThan(log.indexOf(starts[1] ?? ''));
  // The job is cancelled before its object goes, and nothing else of the cluster is touched.
  expect(log.at(-1)).toBe('let the object go');
  expect(cluster.get(FlinkSessionJobs, 'job')).toBeUndefined();
  expect(cluster.get(FlinkDeployments, 'app')).toBeDefined();
  expect([...cluster.jobs.values()].filter((job) => job.state === 'RUNNING')).toEqual([]);
}

describe('A session job that is created, upgraded with a savepoint and deleted', () => {
  test('does each of these once when nothing goes wrong, and leaves no jar', async () => {
    const life = await live(Number.POSITIVE_INFINITY);
    claims(life);
    expect([...life.cluster.jars]).toEqual([]);
  });

  test('does each of these once wherever the operator dies, before or after any call', async () => {
    const { calls } = await live(Number.POSITIVE_INFINITY);
    expect(calls).toBeGreaterThan(60);
    await dyingAt(edgesUpTo(calls), live, claims);
  }, 240_000);
});
