import type { FlinkDeployment } from '@drey/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, hasKubectl, isStable, jvmsBelow, startDrey, type TestCluster } from './support/drey.ts';
import { asStandalone, flinkJob, withHighAvailability } from './support/flink-job.ts';

/**
 * The life of application clusters on real Flink: the scenarios of the Apache operator's end-to-end tests, native and
 * standalone, on the oldest and the newest series that users run.
 */
const brief = process.env.DREY_E2E_EXTENT === 'brief';
const layouts: readonly [string, FlinkDeployment['spec']['mode']][] = brief
  ? [['1.20', 'standalone']]
  : [
      ['1.20', 'native'],
      ['1.20', 'standalone'],
      ['2.3', 'native'],
      ['2.3', 'standalone'],
    ];

/** The classes that a JobManager's JVM runs. */
const JOB_MANAGERS = ['KubernetesApplicationClusterEntrypoint', 'StandaloneApplicationClusterEntryPoint'];

describe.skipIf(!hasKubectl).each(layouts)('an application cluster of Flink %s, %s', (version, mode) => {
  const name = `app-${version.replace('.', '-')}-${mode}`;
  let cluster: TestCluster;
  const job = () => flinkJob(cluster, name);
  const patch = (spec: object): string =>
    cluster.kubectl('patch', 'flinkdeployment', name, '--type=merge', '-p', JSON.stringify({ spec }));
  const applied = (change: (object: FlinkDeployment) => void): void =>
    cluster.apply(
      example(name, (object) => {
        object.spec.image = `flink:${version}`;
        object.spec.flinkVersion = `v${version.replace('.', '_')}` as NonNullable<
          FlinkDeployment['spec']['flinkVersion']
        >;
        change(object);
        // The example of 2.x has state that Flink cannot write in canonical format.
        const format = { 'kubernetes.operator.savepoint.format.type': 'NATIVE' };
        object.spec.flinkConfiguration = { ...object.spec.flinkConfiguration, ...format };
        if (mode === 'standalone') asStandalone(object);
      }),
    );

  beforeAll(async () => {
    cluster = await startDrey(`e2e-${name}`);
  });
  afterAll(async () => {
    await cluster?.stop();
  });

  it('runs with high availability, and fills its slots', async () => {
    applied(withHighAvailability);
    await cluster.reach(name, 'running', isStable);
    await job().tasksRun();
    await job().withState();
    expect(await job().freeSlots()).toBe(0);
  });

  it('takes a savepoint by nonce', async () => {
    patch({ job: { savepointTriggerNonce: 1 } });
    const snapshot = await waitFor('the snapshot', () => {
      const list = JSON.parse(cluster.kubectl('get', 'flinkstatesnapshots', '-o', 'json')) as {
        items: { metadata: { name: string }; status?: { state?: string; path?: string } }[];
      };
      return list.items.find((one) => one.status?.state === 'COMPLETED');
    });
    expect(snapshot.metadata.name).toMatch(new RegExp(`^${name}-savepoint-manual-`));
    expect(snapshot.status?.path).toMatch(/^file:.*savepoint-/);
  });

  it('is upgraded from its last state, as the same job', async () => {
    const before = cluster.deployment(name).status?.jobStatus?.jobId;
    patch({ job: { parallelism: 1 } });
    const after = await cluster.reach(name, 'upgraded', isStable, 120_000);
    await job().tasksRun();
    expect(after.status?.jobStatus?.jobId).toBe(before);
    expect(await job().restoredFrom()).toMatch(/^file:/);
    expect(await job().freeSlots()).toBe(1);
  });

  it('goes on as the same job when its JobManager is killed', async () => {
    const before = await job().withState();
    const id = cluster.deployment(name).status?.jobStatus?.jobId;
    const pids = JOB_MANAGERS.flatMap((one) => jvmsBelow(cluster.pid(), one));
    expect(pids).toHaveLength(1);
    process.kill(pids[0] as number, 'SIGKILL');
    await cluster.reach(name, 'seen dead', (object) => object.status?.jobManagerDeploymentStatus !== 'READY');
    const after = await cluster.reach(name, 'running again', isStable, 120_000);
    await job().tasksRun();
    expect(after.status?.jobStatus?.jobId).toBe(id);
    const restored = (await job().checkpoints()).latest.restored;
    expect(restored?.id ?? 0).toBeGreaterThanOrEqual(before.latest.completed?.id ?? 0);
  });

  it('is suspended with its state and resumed from it', async () => {
    await job().withState();
    patch({ job: { state: 'suspended' } });
    await cluster.reach(name, 'suspended', (object) => object.status?.lifecycleState === 'SUSPENDED');
    patch({ job: { state: 'running' } });
    await cluster.reach(name, 'resumed', isStable, 120_000);
    expect(await job().restoredFrom()).toMatch(/^file:/);
  });

  it('is deleted with everything that belongs to it', () => {
    cluster.kubectl('delete', 'flinkdeployment', name, '--timeout=120s');
    const left = cluster.kubectl('get', 'deployments,pods,services,configmaps', '-l', `app=${name}`, '-o', 'name');
    expect(left.trim()).toBe('');
  });
});

async function waitFor<T>(what: string, ask: () => T | undefined): Promise<T> {
  for (const end = performance.now() + 60_000; performance.now() < end; ) {
    const value = ask();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`${what} did not come within 60 s`);
}
