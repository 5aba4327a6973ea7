import { type FlinkDeployment, FlinkDeployments, type FlinkSessionJob, FlinkSessionJobs } from '@drey/api';
import { expect, test } from 'vitest';
import { aSessionJob } from '../testing/session-worlds.ts';
import { SmallCluster } from '../testing/small-cluster.ts';
import { smallWorld } from '../testing/small-operator.ts';
import { aDeployment } from '../testing/worlds.ts';

/**
 * The definitions of the kinds refuse this; those of the Apache operator do not, and there its webhook may not be there
 * either.
 */
test('A job whose spec is made to name another cluster is looked after where it runs', async () => {
  const cluster = new SmallCluster();
  const world = smallWorld(cluster);
  const { job: _, ...spec } = aDeployment().spec;
  const session: FlinkDeployment = { ...aDeployment({ metadata: { finalizers: [] } }), spec };
  cluster.put(FlinkDeployments, session);
  cluster.put(FlinkSessionJobs, aSessionJob({ metadata: { finalizers: [] }, spec: { deploymentName: 'app' } }));
  const read = (): FlinkSessionJob => structuredClone(cluster.get(FlinkSessionJobs, 'job')) as FlinkSessionJob;
  await world.settle();
  const { metadata, ...job } = read();
  const moved = { ...job, metadata: { ...metadata, generation: 2 }, spec: { ...job.spec, deploymentName: 'other' } };
  cluster.put(FlinkSessionJobs, moved);
  await world.settle();
  expect(read().status).toMatchObject({
    jobStatus: { state: 'RUNNING' },
    error: expect.stringContaining("The deploymentName can't be changed"),
  });
  expect(cluster.log.filter((line) => line.startsWith('start '))).toHaveLength(1);
  cluster.put(FlinkSessionJobs, {
    ...read(),
    metadata: { ...read().metadata, deletionTimestamp: '2026-01-01T01:00:00Z' },
  } as FlinkSessionJob);
  await world.settle();
  expect(cluster.get(FlinkSessionJobs, 'job')).toBeUndefined();
  expect([...cluster.jobs.values()].filter(({ state }) => state === 'RUNNING')).toEqual([]);
});
