import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkshop, type Workshop } from './support/command.ts';
import { hasKubectl } from './support/drey.ts';

/** `kubectl scale`, and with it every autoscaler of pods, on a FlinkDeployment; Flink is simulated. Needs kubectl. */

const NAME = 'reactive';
const object = {
  apiVersion: 'flink.apache.org/v1beta1',
  kind: 'FlinkDeployment',
  metadata: { name: NAME, namespace: 'default' },
  spec: {
    image: 'flink:1.20',
    flinkVersion: 'v1_20',
    mode: 'standalone',
    serviceAccount: 'flink',
    flinkConfiguration: { 'scheduler-mode': 'reactive', 'taskmanager.numberOfTaskSlots': '2' },
    jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
    taskManager: { resource: { memory: '1024m', cpu: 1 }, replicas: 1 },
    job: { jarURI: 'local:///opt/flink/job.jar', parallelism: 2, upgradeMode: 'stateless' },
  },
};

describe.skipIf(!hasKubectl)('kubectl scale', () => {
  let workshop: Workshop;

  beforeAll(async () => {
    workshop = openWorkshop();
    const up = workshop.start('up', '--simulate', '--name', 'scale', '--kubeconfig', workshop.path('kubeconfig'));
    await up.said(/is ready at/);
  });

  afterAll(() => workshop.close());

  function kubectl(input: unknown, ...words: string[]): string {
    const args = ['--kubeconfig', workshop.path('kubeconfig'), ...words];
    const done = spawnSync('kubectl', args, {
      encoding: 'utf8',
      timeout: 60_000,
      input: JSON.stringify(input ?? null),
    });
    if (done.status !== 0) throw new Error(`kubectl ${words.join(' ')}: ${done.stderr}`);
    return done.stdout;
  }

  function field(kind: string, name: string, path: string): string {
    return kubectl(undefined, 'get', kind, name, '-o', `jsonpath={${path}}`);
  }

  it('changes the number of TaskManagers of a reactive job, which runs on', async () => {
    kubectl(object, 'apply', '-f', '-');
    const state = () => field('flinkdeployment', NAME, '.status.lifecycleState');
    await expect.poll(state, { timeout: 30_000, interval: 200 }).toBe('STABLE');
    const before = [
      field('flinkdeployment', NAME, '.status.jobStatus.jobId'),
      field('deployment', NAME, '.metadata.uid'),
    ];

    kubectl(undefined, 'scale', 'flinkdeployment', NAME, '--replicas', '3');
    const ready = () => field('deployment', `${NAME}-taskmanager`, '.status.readyReplicas');
    await expect.poll(ready, { timeout: 30_000, interval: 200 }).toBe('3');
    await expect.poll(state, { timeout: 30_000, interval: 200 }).toBe('STABLE');
    expect([
      field('flinkdeployment', NAME, '.status.jobStatus.jobId'),
      field('deployment', NAME, '.metadata.uid'),
    ]).toEqual(before);
    const scale = JSON.parse(
      kubectl(
        undefined,
        'get',
        '--raw',
        `/apis/flink.apache.org/v1beta1/namespaces/default/flinkdeployments/${NAME}/scale`,
      ),
    );
    expect(scale).toMatchObject({
      spec: { replicas: 3 },
      status: { replicas: 3, selector: `component=taskmanager,app=${NAME}` },
    });
  });
});
