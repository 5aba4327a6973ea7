import type { FlinkDeployment } from '@drey/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, hasKubectl, isStable, jvmsBelow, startDrey, type TestCluster } from './support/drey.ts';
import { flinkJob, withHighAvailability } from './support/flink-job.ts';

const EXAMPLES = 'local:///opt/flink/examples/streaming';

/** What the Apache operator's end-to-end tests cover of ends and failures, and what they leave out, on real Flink 1.20. */
describe.skipIf(!hasKubectl)('ends, failures and ways back on real Flink', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startDrey('e2e-recovery');
  });
  afterAll(async () => {
    await cluster?.stop();
  });

  const patch = (name: string, spec: object): string =>
    cluster.kubectl('patch', 'flinkdeployment', name, '--type=merge', '-p', JSON.stringify({ spec }));
  const remove = (name: string): string => cluster.kubectl('delete', 'flinkdeployment', name, '--timeout=120s');
  const state = (object: FlinkDeployment) => object.status?.jobStatus?.state;
  const newestIn = ({ status }: FlinkDeployment) => status?.jobStatus?.newestCheckpoint?.path;
  const numberIn = (path: string | undefined): number => Number(/chk-(\d+)$/.exec(path ?? '')?.[1]);
  const podsOf = (name: string): string =>
    cluster.kubectl('get', 'pods', '-l', `app=${name}`, '-o', 'jsonpath={.items[*].metadata.uid}');

  it('a bounded job stays FINISHED through what needs no restart, runs anew when its spec changes, and its idle cluster goes', async () => {
    const name = 'bounded';
    cluster.apply(
      example(name, (object) => {
        object.spec.job = {
          jarURI: `${EXAMPLES}/WordCount.jar`,
          entryClass: 'org.apache.flink.streaming.examples.wordcount.WordCount',
          args: ['--execution-mode', 'BATCH'],
          parallelism: 1,
          upgradeMode: 'stateless',
        };
      }),
    );
    const finished = await cluster.reach(name, 'finished', (object) => state(object) === 'FINISHED', 120_000);
    const pods = podsOf(name);
    patch(name, { flinkConfiguration: { 'kubernetes.operator.reconcile.interval': '20 s' } });
    await cluster.reach(
      name,
      'looked at',
      (object) => object.status?.observedGeneration === object.metadata.generation,
    );
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(state(cluster.deployment(name))).toBe('FINISHED');
    expect(podsOf(name)).toBe(pods);
    patch(name, { job: { args: ['--execution-mode', 'STREAMING'] } });
    const again = await cluster.reach(
      name,
      'finished again',
      (object) => state(object) === 'FINISHED' && object.status?.jobStatus?.jobId !== finished.status?.jobStatus?.jobId,
      120_000,
    );
    patch(name, { flinkConfiguration: { 'kubernetes.operator.jm-deployment.shutdown-ttl': '1 s' } });
    await cluster.reach(name, 'its cluster gone', (object) => object.status?.jobManagerDeploymentStatus === 'MISSING');
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const after = cluster.deployment(name);
    expect(state(after)).toBe('FINISHED');
    expect(after.status?.jobStatus?.jobId).toBe(again.status?.jobStatus?.jobId);
    expect(podsOf(name)).toBe('');
    remove(name);
  });

  it('a first deployment that cannot start heals when its spec is corrected', async () => {
    const name = 'corrected';
    cluster.apply(
      example(name, (object) => {
        object.spec.job = { ...object.spec.job, jarURI: `${EXAMPLES}/NoSuchJob.jar` };
      }),
    );
    const broken = await cluster.reach(name, 'an error', (object) => Boolean(object.status?.error), 120_000);
    expect(broken.status?.lifecycleState).not.toBe('STABLE');
    patch(name, { job: { jarURI: `${EXAMPLES}/StateMachineExample.jar` } });
    const healed = await cluster.reach(name, 'running', isStable, 120_000);
    expect(healed.status?.error).toBeUndefined();
    remove(name);
  });

  it('a job is started anew from a savepoint that the user names', async () => {
    const name = 'redeployed';
    cluster.apply(example(name));
    await cluster.reach(name, 'running', isStable);
    await flinkJob(cluster, name).withState();
    patch(name, { job: { state: 'suspended' } });
    const suspended = await cluster.reach(name, 'suspended', (one) => one.status?.lifecycleState === 'SUSPENDED');
    const savepoint = suspended.status?.jobStatus?.upgradeSavepointPath ?? '';
    expect(savepoint).toMatch(/^file:.*savepoint-/);
    patch(name, { job: { state: 'running' } });
    await cluster.reach(name, 'running on', isStable, 120_000);
    const later = await flinkJob(cluster, name).withState();
    patch(name, { job: { initialSavepointPath: savepoint, savepointRedeployNonce: 1 } });
    await cluster.reach(name, 'redeployed', isStable, 120_000);
    await flinkJob(cluster, name).tasksRun();
    expect(await flinkJob(cluster, name).restoredFrom()).toBe(savepoint);
    expect(later.latest.completed?.external_path).not.toBe(savepoint);
    remove(name);
  });

  it('a job whose last known checkpoint is gone goes on from a newer one that nobody saw', async () => {
    const name = 'unseen';
    cluster.apply(example(name));
    const known = await cluster.reach(name, 'a known checkpoint', (object) => newestIn(object) !== undefined);
    await flinkJob(cluster, name).tasksRun();
    // While the operator looks away, checkpoints go on, each deletes the one before, and then the JobManager dies.
    process.kill(cluster.pid(), 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    const [jobManager] = jvmsBelow(cluster.pid(), 'KubernetesApplicationClusterEntrypoint');
    process.kill(jobManager as number, 'SIGKILL');
    process.kill(cluster.pid(), 'SIGCONT');
    const jobId = known.status?.jobStatus?.jobId;
    const again = (object: FlinkDeployment) => isStable(object) && object.status?.jobStatus?.jobId !== jobId;
    await cluster.reach(name, 'running again', again, 180_000);
    await flinkJob(cluster, name).tasksRun();
    const restored = await flinkJob(cluster, name).restoredFrom();
    expect(restored).toContain(`/${jobId}/chk-`);
    expect(numberIn(restored)).toBeGreaterThan(numberIn(newestIn(known)));
    const messages = `jsonpath={range .items[?(@.reason=="RecoverDeployment")]}{.message}{"\\n"}{end}`;
    const tried = cluster.kubectl('get', 'events', '-o', messages).match(/chk-\d+$/gm) ?? [];
    expect(new Set(tried).size).toBeGreaterThan(1);
    remove(name);
  });

  it('an upgrade that does not come up is rolled back to the last stable spec, with the state', async () => {
    const name = 'rolled-back';
    cluster.apply(
      example(name, (object) => {
        withHighAvailability(object);
        object.spec.flinkConfiguration = {
          ...object.spec.flinkConfiguration,
          'kubernetes.operator.deployment.rollback.enabled': 'true',
          'kubernetes.operator.deployment.rollback.stability-window': '3 s',
          'kubernetes.operator.deployment.readiness.timeout': '15 s',
        };
      }),
    );
    await cluster.reach(
      name,
      'stable',
      (object) =>
        isStable(object) &&
        object.status?.reconciliationStatus?.lastStableSpec === object.status?.reconciliationStatus?.lastReconciledSpec,
    );
    await flinkJob(cluster, name).withState();
    patch(name, { job: { jarURI: `${EXAMPLES}/NoSuchJob.jar` } });
    const back = await cluster.reach(
      name,
      'rolled back',
      (object) => object.status?.lifecycleState === 'ROLLED_BACK' && state(object) === 'RUNNING',
      180_000,
    );
    await flinkJob(cluster, name).tasksRun();
    expect(await flinkJob(cluster, name).restoredFrom()).toMatch(/^file:/);
    expect(back.spec.job?.jarURI).toContain('NoSuchJob');
    remove(name);
  });
});
