import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { FlinkDeployment } from '@drey/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../scripts/process.ts';
import { isStable, startDrey, type TestCluster } from '../support/drey.ts';
import { flinkJob } from '../support/flink-job.ts';
import { type JavaOperator, olderExample, startJavaOperator, whyNoJavaOperator } from './java-operator.ts';

if (whyNoJavaOperator !== undefined) process.stdout.write(`SKIPPED, takeover: ${whyNoJavaOperator}\n`);

/** Passes of either operator over an object at rest come well within this time. */
const SOME_PASSES_MS = 16_000;
const NAME = 'moved';

/** As far as version 1.7.0 says it, whose status has no observedGeneration. */
const isStableWith =
  (parallelism: number) =>
  ({ status }: FlinkDeployment): boolean =>
    status?.lifecycleState === 'STABLE' &&
    status.jobStatus?.state === 'RUNNING' &&
    (status.reconciliationStatus?.lastStableSpec ?? '').includes(`"parallelism":${parallelism}`);

describe.skipIf(whyNoJavaOperator !== undefined)('one running job under two operators in turn', () => {
  let cluster: TestCluster;
  let java: JavaOperator | undefined;
  let drey: ChildProcess | undefined;

  beforeAll(async () => {
    cluster = await startDrey('e2e-takeover', '--no-operator');
  });
  afterAll(async () => {
    java?.stop();
    await stopDrey();
    await cluster?.stop();
  });

  const startDreyOperator = (): void => {
    const main = join(root, 'packages', 'cli', 'src', 'main.ts');
    const args = ['--disable-warning=ExperimentalWarning', main, 'operator', 'run', '--kubeconfig', cluster.kubeconfig];
    drey = spawn(process.execPath, args, { cwd: root, stdio: 'ignore' });
  };
  async function stopDrey(): Promise<void> {
    const child = drey;
    drey = undefined;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
  const somePasses = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SOME_PASSES_MS));

  /** What a restart would change, and what either operator reads of the other. */
  const traces = () => {
    const list = JSON.parse(cluster.kubectl('get', 'pods,deployments', '-l', `app=${NAME}`, '-o', 'json')) as {
      items: { kind: string; metadata: { uid: string; generation?: number } }[];
    };
    const { status, metadata } = cluster.deployment(NAME);
    return {
      objects: list.items.map(({ kind, metadata: { uid, generation } }) => `${kind} ${uid} ${generation ?? ''}`).sort(),
      jobId: status?.jobStatus?.jobId,
      startTime: status?.jobStatus?.startTime,
      recorded: status?.reconciliationStatus?.lastReconciledSpec,
      stable: status?.reconciliationStatus?.lastStableSpec,
      generation: metadata.generation,
    };
  };
  const explained = (error: unknown): never => {
    const pods = cluster.kubectl('get', 'pods,deployments', '-o', 'wide');
    const jobManager = cluster.kubectl('logs', `deployment/${NAME}`, '--tail=40');
    throw new Error(`${String(error)}\n${pods}\n${jobManager}\n${java?.log()}`);
  };
  const scale = (parallelism: number): string =>
    cluster.kubectl(
      'patch',
      'flinkdeployment',
      NAME,
      '--type=merge',
      '-p',
      `{"spec":{"job":{"parallelism":${parallelism}}}}`,
    );

  it('is deployed by the Apache operator', async () => {
    java = await startJavaOperator(cluster);
    cluster.apply(
      olderExample(NAME, (object) => {
        const folder = object.spec.flinkConfiguration?.['execution.checkpointing.dir']?.toString() ?? '';
        object.spec.flinkConfiguration = {
          ...object.spec.flinkConfiguration,
          // Names of before 1.20.
          'state.checkpoints.dir': folder,
          'state.savepoints.dir': folder.replace(/checkpoints$/, 'savepoints'),
          'high-availability.type': 'kubernetes',
          'high-availability.storageDir': folder.replace(/checkpoints$/, 'ha'),
        };
        object.spec.job = { ...object.spec.job, upgradeMode: 'last-state' };
      }),
    );
    await java.nameService(`${NAME}-rest`);
    await cluster
      .reach(NAME, 'STABLE', (object) => object.status?.lifecycleState === 'STABLE', 180_000)
      .catch(explained);
  });

  it('goes on untouched when Drey takes over, and is then upgraded by Drey with its state', async () => {
    await flinkJob(cluster, NAME).tasksRun();
    java?.stop();
    const before = traces();
    startDreyOperator();
    await somePasses();
    expect(traces()).toEqual(before);
    expect(cluster.deployment(NAME).status).toMatchObject({
      lifecycleState: 'STABLE',
      jobStatus: { state: 'RUNNING' },
    });
    scale(1);
    await cluster.reach(NAME, 'upgraded by Drey', isStable, 120_000);
    expect(await flinkJob(cluster, NAME).restoredFrom()).toMatch(/^file:/);
  });

  it('goes on untouched when the Apache operator comes back, and is upgraded by it with its state', async () => {
    await flinkJob(cluster, NAME).tasksRun();
    await stopDrey();
    // Version 1.7.0 writes the record anew, without the members that came after it.
    const { recorded: _, stable: __, ...before } = traces();
    java = await startJavaOperator(cluster);
    await java.nameService(`${NAME}-rest`);
    await somePasses();
    expect(traces()).toMatchObject(before);
    // The record it wrote anew is the stable one again at its next look.
    await cluster.reach(NAME, 'at rest with the Apache operator', ({ status }) => status?.lifecycleState === 'STABLE');
    expect(traces()).toMatchObject(before);
    expect(cluster.deployment(NAME).status?.jobStatus?.state).toBe('RUNNING');
    expect(java.logged(' ERROR '), java.log()).toBe(0);
    scale(2);
    await java.nameService(`${NAME}-rest`);
    await cluster.reach(NAME, 'upgraded by the Apache operator', isStableWith(2), 240_000).catch(explained);
    expect(await flinkJob(cluster, NAME).restoredFrom()).toMatch(/^file:/);
    java.stop();
    startDreyOperator();
    cluster.kubectl('delete', 'flinkdeployment', NAME, '--timeout=120s');
    expect(cluster.kubectl('get', 'deployments,pods', '-o', 'name').trim()).toBe('');
  });
});
