import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFlinkVersion, readConfigFile } from '@drey/flink';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import { clusterBuilder } from '../runtime/cluster-builder.ts';
import { readOperatorConfig } from '../runtime/config-directory.ts';
import { aDeployment, aRunning, aWorld, POLICY } from '../testing/worlds.ts';

test('12.1 item 21: the operator’s config.yaml may mix nested and flat keys', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'drey-config-'));
  try {
    const text = [
      'kubernetes:',
      '  operator:',
      '    reconcile:',
      '      interval: 15 s',
      'kubernetes.operator.savepoint.history.max.count: 7',
      'kubernetes.operator.reconcile.parallelism: 9',
      'high-availability: kubernetes',
      'high-availability.storageDir: s3://ha',
      '',
    ].join('\n');
    await writeFile(join(directory, 'config.yaml'), text);
    expect((await readOperatorConfig(directory)).config).toEqual({
      'kubernetes.operator.reconcile.interval': '15 s',
      'kubernetes.operator.savepoint.history.max.count': '7',
      'kubernetes.operator.reconcile.parallelism': '9',
      'high-availability': 'kubernetes',
      'high-availability.storageDir': 's3://ha',
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});

describe('12.1 item 29: Flink 2', () => {
  /** The configuration file that the pods of a new deployment get. */
  const shipped = (flinkVersion: string, flinkConfiguration: object): Record<string, string> => {
    const { spec } = aDeployment();
    const deployment = aDeployment({ spec: { flinkVersion, flinkConfiguration } as Partial<typeof spec> });
    const [step] = decide(aWorld(deployment), POLICY).steps.filter((one) => one.kind === 'create-cluster');
    if (step?.kind !== 'create-cluster') throw new Error('nothing is created');
    const objects = clusterBuilder(DEFAULT_OPERATOR_CONFIG)(step.cluster).accompanying;
    const map = objects.find(({ metadata }) => metadata.name === 'flink-config-app');
    return (map as unknown as { data: Record<string, string> }).data;
  };
  const STATE = { 'execution.checkpointing.dir': 's3://cp', 'execution.checkpointing.savepoint-dir': 's3://sp' };
  const nested = {
    taskmanager: { numberOfTaskSlots: 2 },
    execution: { checkpointing: { dir: 's3://cp' } },
    'execution.checkpointing.savepoint-dir': 's3://sp',
    'my.option': 'a: "b" # c',
  };

  test('gets a config.yaml that its own parser takes, and 1.20 a flink-conf.yaml, from nested and flat keys alike', () => {
    const two = shipped('v2_0', nested);
    expect(Object.keys(two)).not.toContain('flink-conf.yaml');
    const read = readConfigFile(two['config.yaml'] ?? '', 'config.yaml', parseFlinkVersion('2.0')).toRecord();
    expect(read).toMatchObject({
      'taskmanager.numberOfTaskSlots': '2',
      'execution.checkpointing.dir': 's3://cp',
      'my.option': nested['my.option'],
    });
    const one = shipped('v1_20', { taskmanager: { numberOfTaskSlots: 2 }, ...STATE });
    expect(Object.keys(one)).not.toContain('config.yaml');
    expect(one['flink-conf.yaml']).toContain('taskmanager.numberOfTaskSlots: 2\n');
  });

  test.each([
    ['v1_20', 'execution.checkpointing.savepoint-dir'],
    ['v2_0', 'execution.checkpointing.savepoint-dir'],
    ['v1_20', 'state.savepoints.dir'],
    ['v2_0', 'state.savepoints.dir'],
  ])('%s knows the directory for savepoints as %s', (flinkVersion, key) => {
    const flinkConfiguration = { 'execution.checkpointing.dir': 's3://cp', [key]: 'file:///sp' };
    const made = aRunning({ spec: { flinkVersion, flinkConfiguration } as never });
    const metadata = { ...made.deployment.metadata, generation: 2 };
    const wanted = { ...made.deployment, metadata, spec: { ...made.deployment.spec, image: 'flink:other' } };
    const plan = decide({ ...made.world, deployment: wanted }, POLICY);
    expect(plan.steps).toMatchObject([{ kind: 'stop-with-savepoint', request: { targetDirectory: 'file:///sp' } }]);
  });
});
