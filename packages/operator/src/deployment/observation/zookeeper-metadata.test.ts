import { FlinkConfig } from '@drey/flink';
import { describe, expect, test } from 'vitest';
import { known } from '../../job/reading.ts';
import { aDeployment, anOldJobManager, aRunning, aWorld, noRemains, POLICY, upgraded } from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import type { HaMetadata } from '../world.ts';
import { keepsJob, readZooKeeper, zooKeeperPlace } from './zookeeper-metadata.ts';

const CONFIGURATION = {
  'high-availability.type': 'zookeeper',
  'high-availability.storageDir': 'file:///state/ha',
  'high-availability.zookeeper.quorum': 'zk:2181',
};
const PLACE = {
  quorum: 'zk:2181',
  root: '/flink/app',
  jobGraphs: ['/flink/app/jobgraphs', '/flink/app/execution-plans', '/flink/app/applications'],
};

function nodes(tree: Readonly<Record<string, readonly string[]>>) {
  return { children: async (path: string) => tree[path], remove: async () => undefined };
}

describe('HA metadata in ZooKeeper', () => {
  test('lie where the configuration says', () => {
    const options = FlinkConfig.of({ ...CONFIGURATION, 'high-availability.cluster-id': 'app' });
    expect(zooKeeperPlace(options)).toEqual(PLACE);
    const own = options.withAll({
      'high-availability.zookeeper.path.root': '/team/',
      'high-availability.zookeeper.path.jobgraphs': 'graphs',
    });
    expect(zooKeeperPlace(own)).toMatchObject({ root: '/team/app', jobGraphs: ['/team/app/graphs'] });
    expect(zooKeeperPlace(options.without('high-availability.zookeeper.quorum'))).toBeUndefined();
  });

  test('say whether a job can be taken up again, and from a checkpoint', async () => {
    expect(await readZooKeeper(nodes({}), PLACE)).toEqual({
      ...{ configMaps: [], available: false, hasCheckpoint: false, zooKeeper: undefined },
    });
    const tree = {
      '/flink/app': ['jobs', 'jobgraphs'],
      '/flink/app/jobs': ['a'],
      '/flink/app/jobgraphs': ['a'],
      '/flink/app/jobs/a/checkpoints': ['0000000000000000007'],
    };
    expect(await readZooKeeper(nodes(tree), PLACE)).toEqual({
      ...{ configMaps: [], available: true, hasCheckpoint: true },
      zooKeeper: { quorum: 'zk:2181', root: '/flink/app', jobGraphs: ['/flink/app/jobgraphs'] },
    });
  });

  test('say which jobs of a session cluster its next JobManager starts again', async () => {
    const tree = { '/flink/app/execution-plans': ['a'], '/flink/app/jobs': ['a', 'b'] };
    expect(await keepsJob(nodes(tree), PLACE, 'a')).toBe(true);
    expect(await keepsJob(nodes(tree), PLACE, 'b')).toBe(false);
  });
});

const metadata: HaMetadata = {
  ...{ configMaps: [], available: true, hasCheckpoint: true },
  zooKeeper: { quorum: 'zk:2181', root: '/flink/app', jobGraphs: ['/flink/app/jobgraphs'] },
};

describe('A job with high availability in ZooKeeper', () => {
  const { deployment } = aRunning({ configuration: CONFIGURATION, job: { upgradeMode: 'last-state' } });
  const changed = {
    ...deployment,
    metadata: { ...deployment.metadata, generation: 2 },
    spec: { ...deployment.spec, restartNonce: 1 },
  };
  /** Its JobManager is not up, so that only HA metadata know its state. */
  const unreachable = aWorld(changed, { jobManager: known(anOldJobManager(), 0), ha: known(metadata, 0) });

  test('is upgraded from its last state; stored graphs go before it starts, its checkpoints stay', () => {
    const begun = decide(unreachable, POLICY);
    expect(begun.steps.map((step) => step.kind)).toEqual(['delete-job-manager']);
    const gone = aWorld(upgraded(changed, begun), { remains: noRemains, ha: known(metadata, 0) });
    const started = decide(gone, POLICY);
    expect(started.steps).toMatchObject([
      { kind: 'delete-zookeeper-nodes', quorum: 'zk:2181', paths: ['/flink/app/jobgraphs'] },
      { kind: 'create-cluster' },
    ]);
  });

  test('is not touched while ZooKeeper does not answer', () => {
    const silent = { ...unreachable, ha: { known: false, reason: 'ZooKeeper does not answer', at: 0 } as const };
    expect(decide(silent, POLICY).steps).toEqual([]);
  });

  test('leaves nothing there when it is deleted', () => {
    const deleting = { ...deployment.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    const world = aWorld({ ...deployment, metadata: deleting }, { remains: noRemains, ha: known(metadata, 0) });
    const plan = decide(world, POLICY);
    expect(plan.steps).toEqual([{ kind: 'delete-zookeeper-nodes', quorum: 'zk:2181', paths: ['/flink/app'] }]);
    const empty = { configMaps: [], available: false, hasCheckpoint: false };
    const done = decide({ ...world, deployment: upgraded(world.deployment, plan), ha: known(empty, 0) }, POLICY);
    expect(done.steps).toEqual([{ kind: 'remove-finalizer' }]);
  });

  test('starts anew, without its old metadata, when it is to start from a savepoint', () => {
    const created = aDeployment({ configuration: CONFIGURATION, job: { upgradeMode: 'last-state' } });
    expect(created.spec.flinkConfiguration).toMatchObject(CONFIGURATION);
    const redeploy = { initialSavepointPath: 'file:///sp/1', savepointRedeployNonce: 1 };
    const wanted = { ...changed, spec: { ...deployment.spec, job: { ...deployment.spec.job, ...redeploy } } };
    const begun = decide({ ...unreachable, deployment: wanted }, POLICY);
    const gone = aWorld(upgraded(wanted, begun), { remains: noRemains, ha: known(metadata, 0) });
    expect(decide(gone, POLICY).steps).toEqual([
      { kind: 'delete-zookeeper-nodes', quorum: 'zk:2181', paths: ['/flink/app'] },
    ]);
  });
});
