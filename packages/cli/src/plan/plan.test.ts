import type { FlinkDeployment } from '@drey/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PlannedCluster, startPlannedCluster } from './test-cluster.ts';

const OVERRIDES = 'pipeline.jobvertex-parallelism-overrides';
const VERTEX = 'bc764cd8ddf7a0cff126f51c16239658';

const file: FlinkDeployment = {
  apiVersion: 'flink.apache.org/v1beta1',
  kind: 'FlinkDeployment',
  metadata: { name: 'planned' },
  spec: {
    image: 'flink:1.20',
    flinkVersion: 'v1_20',
    serviceAccount: 'flink',
    flinkConfiguration: {
      'jobmanager.scheduler': 'adaptive',
      'taskmanager.numberOfTaskSlots': '2',
      'execution.checkpointing.interval': '200 ms',
      'execution.checkpointing.dir': 'file:///state/checkpoints',
      'execution.checkpointing.savepoint-dir': 'file:///state/savepoints',
    },
    jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
    taskManager: { resource: { memory: '1024m', cpu: 0.5 } },
    job: { jarURI: 'local:///opt/flink/job.jar', parallelism: 2, upgradeMode: 'savepoint' },
  },
};

let cluster: PlannedCluster;
beforeAll(async () => {
  cluster = await startPlannedCluster('plan');
}, 60_000);
afterAll(() => cluster?.stop(), 60_000);

function withConfiguration(more: Record<string, string>): FlinkDeployment {
  return { ...file, spec: { ...file.spec, flinkConfiguration: { ...file.spec.flinkConfiguration, ...more } } };
}

test('A plan is the decision that the operator then makes, and is made without a write', async () => {
  const { plans } = cluster;
  expect(await plans(file)).toMatchObject([{ change: 'create', namespace: 'default', name: 'planned' }]);
  await cluster.apply(file);
  await expect.poll(() => cluster.isStable(file), { timeout: 30_000, interval: 50 }).toBe(true);
  const live = await cluster.read(file);
  expect(await plans(file)).toMatchObject([{ change: 'nothing', differences: [] }]);

  const image = await plans({ ...file, spec: { ...file.spec, image: 'flink:1.20.5' } });
  expect(image).toMatchObject([{ change: 'upgrade', upgrade: { kind: 'now', mode: 'SAVEPOINT' }, warnings: [] }]);

  const rescaled = withConfiguration({ [OVERRIDES]: `${VERTEX}:1` });
  expect(await plans(rescaled)).toMatchObject([{ change: 'rescale', firstSteps: ['rescale-job'], warnings: [] }]);
  expect(cluster.writes).toEqual([]);

  const { jobId } = live.status?.jobStatus ?? {};
  await cluster.apply(rescaled);
  const observed = async (): Promise<number | null | undefined> =>
    (await cluster.read(file)).status?.observedGeneration;
  await expect.poll(observed, { timeout: 30_000, interval: 50 }).toBe(2);
  expect((await cluster.read(file)).status?.jobStatus?.jobId).toBe(jobId);
}, 90_000);
