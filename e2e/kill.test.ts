import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, hasKubectl, isStable, jvmsBelow, startDrey, type TestCluster } from './support/drey.ts';
import { flinkJob } from './support/flink-job.ts';

const jobManagerClass = 'KubernetesApplicationClusterEntrypoint';
const taskManagerClass = 'KubernetesTaskExecutorRunner';

describe.skipIf(!hasKubectl)('a job whose processes are killed with kill -9', () => {
  let cluster: TestCluster;
  const checkpoints = () => flinkJob(cluster, 'killed').checkpoints();
  const withState = () => flinkJob(cluster, 'killed').withState();
  const kill = (text: string): void => {
    const pids = jvmsBelow(cluster.pid(), text);
    expect(pids).toHaveLength(1);
    process.kill(pids[0] as number, 'SIGKILL');
  };
  const numberOf = (path: string | undefined): number => Number(/chk-(\d+)$/.exec(path ?? '')?.[1] ?? 0);

  beforeAll(async () => {
    cluster = await startDrey('e2e-kill');
    cluster.apply(example('killed'));
    await cluster.reach('killed', 'running', isStable);
  });
  afterAll(async () => {
    await cluster?.stop();
  });

  it('goes on from a checkpoint when a TaskManager dies', async () => {
    const before = await withState();
    kill(taskManagerClass);
    await cluster.reach(
      'killed',
      'seen',
      (object) => !isStable(object) || object.status?.jobStatus?.state === 'RUNNING',
    );
    for (const end = performance.now() + 60_000; ; ) {
      const now = await checkpoints().catch(() => undefined); // tasks are being started again
      const restored = now?.latest.restored;
      if (restored) {
        expect(restored.id).toBeGreaterThanOrEqual(before.latest.completed?.id ?? 0);
        break;
      }
      if (performance.now() > end) throw new Error('no restore within 60 s');
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    await cluster.reach('killed', 'running', isStable);
  });

  it('goes on from the newest checkpoint when the JobManager dies, and says so within a second', async () => {
    const before = await withState();
    kill(jobManagerClass);
    const started = performance.now();
    await cluster.reach(
      'killed',
      'the death in the status',
      (object) => object.status?.jobStatus?.state !== 'RUNNING',
      5_000,
    );
    expect(performance.now() - started).toBeLessThan(3_000); // kubectl's own polling included; bench/ measures it exactly
    await cluster.reach('killed', 'running again', isStable);
    const after = await checkpoints();
    expect(numberOf(after.latest.restored?.external_path)).toBeGreaterThanOrEqual(
      numberOf(before.latest.completed?.external_path),
    );
  });

  it('ends an upgrade that was interrupted by the death of the whole cluster in the middle of its savepoint', async () => {
    await withState();
    // The phase may last some milliseconds only: a watch sees every version of the object, polling does not.
    const phase = ['get', 'flinkdeployment', 'killed', '-w', '-o', 'jsonpath={.status.operation.phase}{"\\n"}'];
    const stopping = cluster.line(phase, (line) => line === 'stopping');
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // until the watch is there
    cluster.kubectl('patch', 'flinkdeployment', 'killed', '--type=merge', '-p', '{"spec":{"job":{"parallelism":1}}}');
    await stopping;
    await cluster.crash();
    await cluster.restart();
    const object = await cluster.reach('killed', 'the new spec running', isStable, 120_000);
    expect(object.spec.job?.parallelism).toBe(1);
    const after = await checkpoints();
    expect(after.latest.restored?.external_path).toBeDefined();
    const jobs = await cluster.flink<{ jobs: { state: string; tasks: { total: number } }[] }>(
      'killed',
      '/jobs/overview',
    );
    expect(jobs.jobs.filter((one) => one.state === 'RUNNING')).toHaveLength(1);
  });
});
