import { localDistributions } from '@drey/devcluster';
import { systemDistribution } from '@drey/flink';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, hasKubectl, isStable, jvmsBelow, startDrey, type TestCluster } from './support/drey.ts';
import { asStandalone, flinkJob, withHighAvailability } from './support/flink-job.ts';
import { startZooKeeper, type ZooKeeper, zooKeeperJars } from './support/zookeeper.ts';

/**
 * High availability in ZooKeeper instead of ConfigMaps, for a standalone cluster of real Flink 1.20. The server is the one
 * that comes in Flink's own distribution (`drey flink install 1.20`); skipped without it or kubectl.
 */

const NAME = 'kept-by-zookeeper';
const ROOT = '/flink';
const distribution = await localDistributions(systemDistribution())('1.20');
const jars = distribution === undefined ? undefined : zooKeeperJars(distribution.home);
if (jars === undefined)
  process.stdout.write('zookeeper: skipped, no Flink 1.20 with a ZooKeeper server is installed\n');

describe.skipIf(jars === undefined || !hasKubectl)('a standalone cluster with its HA metadata in ZooKeeper', () => {
  let cluster: TestCluster;
  let zooKeeper: ZooKeeper;
  const job = () => flinkJob(cluster, NAME);
  const idOf = () => cluster.deployment(NAME).status?.jobStatus?.jobId;
  const checkpointNodes = (id: string | null | undefined): readonly string[] =>
    zooKeeper.nodes(ROOT).filter((one) => one.includes(`/jobs/${id}/checkpoints/`));

  beforeAll(async () => {
    zooKeeper = await startZooKeeper(jars ?? '');
    cluster = await startDrey('e2e-zookeeper');
    cluster.apply(
      example(NAME, (object) => {
        withHighAvailability(object);
        Object.assign(object.spec.flinkConfiguration ?? {}, {
          'high-availability.type': 'zookeeper',
          'high-availability.zookeeper.quorum': zooKeeper.quorum,
          'high-availability.zookeeper.client.session-timeout': '5 s',
        });
        asStandalone(object);
      }),
    );
  });
  afterAll(async () => {
    await cluster?.stop();
    await zooKeeper?.stop();
  });

  it('runs, and keeps its checkpoints there and not in ConfigMaps', async () => {
    await cluster.reach(NAME, 'running', isStable, 120_000);
    await job().tasksRun();
    await job().withState();
    expect(checkpointNodes(idOf())).not.toHaveLength(0);
    const labels = `app=${NAME},configmap-type=high-availability`;
    expect(cluster.kubectl('get', 'configmaps', '-l', labels, '-o', 'name').trim()).toBe('');
  });

  it('is upgraded from its last state, as the same job', async () => {
    const before = await job().withState();
    const id = idOf();
    const patch = { spec: { job: { parallelism: 1 } } };
    cluster.kubectl('patch', 'flinkdeployment', NAME, '--type=merge', '-p', JSON.stringify(patch));
    await cluster.reach(NAME, 'upgraded', isStable, 120_000);
    await job().tasksRun();
    expect(idOf()).toBe(id);
    const { restored } = (await job().checkpoints()).latest;
    expect(restored?.is_savepoint).toBe(false);
    expect(restored?.id ?? 0).toBeGreaterThanOrEqual(before.latest.completed?.id ?? 0);
    expect(await job().freeSlots()).toBe(1);
  });

  it('goes on as the same job when its JobManager is killed', async () => {
    const before = await job().withState();
    const id = idOf();
    const [pid, ...others] = jvmsBelow(cluster.pid(), 'StandaloneApplicationClusterEntryPoint');
    expect(others).toEqual([]);
    process.kill(pid as number, 'SIGKILL');
    await cluster.reach(NAME, 'seen dead', (object) => object.status?.jobManagerDeploymentStatus !== 'READY');
    await cluster.reach(NAME, 'running again', isStable, 120_000);
    await job().tasksRun();
    expect(idOf()).toBe(id);
    const { restored } = (await job().checkpoints()).latest;
    expect(restored?.id ?? 0).toBeGreaterThanOrEqual(before.latest.completed?.id ?? 0);
  });

  it('is deleted, and leaves nothing in ZooKeeper', async () => {
    expect(zooKeeper.nodes(ROOT)).not.toHaveLength(0);
    cluster.kubectl('delete', 'flinkdeployment', NAME, '--timeout=60s');
    expect(zooKeeper.nodes(ROOT)).toEqual([]);
    expect(cluster.kubectl('get', 'pods', '-o', 'name').trim()).toBe('');
  });
});
