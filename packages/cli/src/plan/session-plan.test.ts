import { type FlinkDeployment, type FlinkSessionJob, type FlinkStateSnapshot, FlinkStateSnapshots } from '@drey/api';
import { type DecisionFile, replayDecisions } from '@drey/operator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planText } from './print.ts';
import { type PlannedCluster, startPlannedCluster } from './test-cluster.ts';

const session: FlinkDeployment = {
  apiVersion: 'flink.apache.org/v1beta1',
  kind: 'FlinkDeployment',
  metadata: { name: 'session' },
  spec: {
    image: 'flink:1.20',
    flinkVersion: 'v1_20',
    serviceAccount: 'flink',
    flinkConfiguration: {
      'taskmanager.numberOfTaskSlots': '2',
      'execution.checkpointing.interval': '200 ms',
      'execution.checkpointing.dir': 'file:///state/checkpoints',
      'execution.checkpointing.savepoint-dir': 'file:///state/savepoints',
    },
    jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
    taskManager: { resource: { memory: '1024m', cpu: 0.5 } },
  },
};

const job: FlinkSessionJob = {
  apiVersion: 'flink.apache.org/v1beta1',
  kind: 'FlinkSessionJob',
  metadata: { name: 'job' },
  spec: {
    deploymentName: 'session',
    job: { jarURI: 'https://jars.example.com/job.jar', parallelism: 2, upgradeMode: 'savepoint' },
  },
};

const withJob = (change: object): FlinkSessionJob => ({
  ...job,
  spec: { ...job.spec, job: { ...job.spec.job, ...change } },
});
const newImage: FlinkDeployment = { ...session, spec: { ...session.spec, image: 'flink:1.20.5' } };

let cluster: PlannedCluster;
beforeAll(async () => {
  cluster = await startPlannedCluster('session-plan');
}, 60_000);
afterAll(() => cluster?.stop(), 60_000);

const SOON = { timeout: 30_000, interval: 50 };

async function settle<T extends FlinkDeployment | FlinkSessionJob>(object: T): Promise<T> {
  await cluster.apply(object);
  await expect.poll(() => cluster.isStable(object), SOON).toBe(true);
  return cluster.read(object);
}

test('Plans of a session cluster and its jobs are what the operator then does, and are made without a write', async () => {
  const { plans } = cluster;
  // Both of one file, in its order; the cluster is there for the job although it only stands in the file.
  const creation = await plans(job, session);
  expect(creation).toMatchObject([
    {
      kind: 'FlinkSessionJob',
      change: 'create',
      warnings: ['Waiting for the session cluster session: there is no JobManager.'],
    },
    { kind: 'FlinkDeployment', change: 'create', interrupts: [], warnings: [] },
  ]);

  await settle(session);
  const { jobId } = (await settle(job)).status?.jobStatus ?? {};
  expect(await plans(session, job)).toMatchObject([{ change: 'nothing' }, { change: 'nothing', warnings: [] }]);

  const more = withJob({ parallelism: 1 });
  const upgrade = {
    ...{ change: 'upgrade', firstSteps: ['stop-with-savepoint'], warnings: [] },
    upgrade: { kind: 'now', mode: 'SAVEPOINT' },
    state: { kind: 'new-savepoint', path: 'file:///state/savepoints' },
    restarts: { jobManager: false, taskManagers: false, job: true },
  };
  // It waits while the tasks of the job start.
  await expect.poll(() => plans(more), SOON).toMatchObject([upgrade]);

  // What a user of session clusters wants to know: which jobs a change of the cluster takes down, and from where they go on.
  const [restart, goesAlong] = await plans(newImage, more);
  expect(restart).toMatchObject({
    change: 'upgrade',
    interrupts: [{ name: 'job', how: 'brought-down', upgrade: upgrade.upgrade, state: upgrade.state }],
  });
  expect(goesAlong?.warnings).toEqual([
    'The session cluster session is restarted by the same file; it takes the job down as its plan says.',
  ]);
  const text = restart === undefined ? '' : planText(restart);
  expect(text).toContain('  interrupts 1 session job:\n    job: stop with a savepoint, start from it');
  const wrong = { ...job, spec: { ...job.spec, deploymentName: 'other' } };
  expect(await plans(wrong)).toMatchObject([{ change: 'invalid' }]);
  expect(cluster.writes).toEqual([]);

  await settle(more);
  const upgraded = (await cluster.read(job)).status;
  expect(upgraded?.jobStatus?.jobId).not.toBe(jobId);
  expect(upgraded?.jobStatus?.upgradeSavepointPath).toContain('/state/savepoints/');
  // The downtime of this upgrade is what is expected of the next one.
  expect(await plans(withJob({ parallelism: 2 }))).toMatchObject([{ downtime: { basedOn: 1 } }]);

  await settle(newImage);
  await expect.poll(async () => (await cluster.read(job)).status?.jobStatus?.state, SOON).toBe('RUNNING');
  const again = (await cluster.read(job)).status?.jobStatus;
  expect(again?.upgradeSavepointPath).toContain('/state/savepoints/');
  expect(again?.upgradeSavepointPath).not.toBe(upgraded?.jobStatus?.upgradeSavepointPath);
}, 120_000);

function replayedOf(kind: string, name: string) {
  const file = cluster.operator.decisions.file(kind, `default/${name}`);
  return replayDecisions(JSON.parse(JSON.stringify(file)) as DecisionFile);
}

test('What the operator decided about a session job and its snapshot comes out the same when it is decided again', async () => {
  const snapshot: FlinkStateSnapshot = {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkStateSnapshot',
    metadata: { name: 'before', namespace: 'default' },
    spec: { jobReference: { kind: 'FlinkSessionJob', name: 'job' }, savepoint: {} },
  };
  await cluster.client.create(FlinkStateSnapshots, snapshot);
  const state = async () => (await cluster.client.get(FlinkStateSnapshots, 'default', 'before')).status?.state;
  await expect.poll(state, SOON).toBe('COMPLETED');
  for (const [kind, name] of [
    ['FlinkSessionJob', 'job'],
    ['FlinkStateSnapshot', 'before'],
  ] as const) {
    const replayed = replayedOf(kind, name);
    expect(replayed.length).toBeGreaterThan(1);
    expect(replayed.flatMap(({ differences }) => differences)).toEqual([]);
  }
}, 60_000);
