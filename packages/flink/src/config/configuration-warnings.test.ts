import { expect, test } from 'vitest';
import { parseFlinkVersion } from '../versions/version.ts';
import { configurationWarnings } from './configuration-warnings.ts';
import { editDistance, nearest } from './edit-distance.ts';

const V1_20 = parseFlinkVersion('1.20');
const messages = (entries: Record<string, string>, version = V1_20): string[] =>
  configurationWarnings(entries, version).map(({ message }) => message);

test.each([
  ['paralelism.default', 'parallelism.default'],
  ['taskmanager.number-of-task-slots', 'taskmanager.numberOfTaskSlots'],
  ['state.checkpoint.dir', 'state.checkpoints.dir'],
  ['execution.checkpoint.interval', 'execution.checkpointing.interval'],
  ['kubernetes.operator.reconsile.interval', 'kubernetes.operator.reconcile.interval'],
  ['kubernetes.operator.job.restart-failed', 'kubernetes.operator.job.restart.failed'],
  ['job.autoscaler.enable', 'job.autoscaler.enabled'],
  ['job.autoscaler.utilisation.target', 'job.autoscaler.utilization.target'],
])('%s is told, and that %s was probably meant', (key, meant) => {
  expect(messages({ [key]: '1' })).toEqual([expect.stringMatching(`${key}.*Did you mean ${meant}\\?$`)]);
});

test('Keys that begin like the operator’s or the autoscaler’s are nobody else’s: an unknown one is always told', () => {
  expect(messages({ 'kubernetes.operatorx.foo': '1', 'job.autoscalerfoo': '1' })).toEqual([
    'kubernetes.operatorx.foo is no option of the operator and has no effect. Check its spelling, or remove it.',
    'job.autoscalerfoo is no option of the autoscaler and has no effect. Check its spelling, or remove it.',
  ]);
});

test('Nothing is said about keys of others, entries of maps, old names and prefixes that are open', () => {
  const fine = {
    's3.access-key': 'x',
    'fs.s3a.endpoint': 'x',
    'kafka.bootstrap.servers': 'x',
    'my.own.parameter': 'x',
    'metrics.reporter.prom.port': '9249',
    'kubernetes.secrets.mine': '/x',
    'kubernetes.jobmanager.annotations.a.b/c': 'x',
    'external-resource.gpu.amount': '1',
    'kubernetes.operator.user.artifacts.http.header.X-Token': 'x',
    'kubernetes.operator.reconciler.jm-deployment-recovery.enabled': 'true',
    'kubernetes.operator.job.autoscaler.enabled': 'true',
    'job.autoscaler.scaling.parallelism-alignment.mode.mine.class': 'x',
    'high-availability': 'kubernetes',
    'state.savepoints.dir': 'file:///x',
    'containerized.master.env.A': 'b',
    'table.exec.mini-batch.enabled': 'true',
    'pipeline.global-job-parameters': 'a:b',
  };
  expect(messages(fine)).toEqual([]);
});

test('An option of another version is told with the version', () => {
  const entries = { 'execution.checkpointing.dir': 'file:///x' };
  expect(messages(entries)).toEqual([]);
  expect(messages(entries, parseFlinkVersion('1.18'))).toEqual([
    'Flink 1.18 does not know the option execution.checkpointing.dir; a later version brought it. Use the option that it replaced, or a newer Flink.',
  ]);
});

test('A value that Flink will not read is told, without it when its key is secret', () => {
  expect(messages({ 'taskmanager.numberOfTaskSlots': 'many', 'taskmanager.memory.process.size': '1 potato' })).toEqual([
    expect.stringMatching(/^"many" is no integer, as taskmanager\.numberOfTaskSlots takes it\. \S/),
    expect.stringMatching(/^"1 potato" is no memory size/),
  ]);
  expect(messages({ 'kubernetes.operator.reconcile.interval': '1m' })).toEqual([
    expect.stringMatching(/read from the operator's configuration only/),
  ]);
});

test('In the operator’s own configuration the defaults for namespaces and versions are looked into, too', () => {
  const warnings = configurationWarnings({
    'kubernetes.operator.reconcile.interval': '15 s',
    'kubernetes.operator.default-configuration.namespace.a.taskmanager.numberOfTaskSlot': '2',
    'kubernetes.operator.default-configuration.flink-version.v1_18+.parallelism.defalt': '2',
    'kubernetes.operator.plugins.listeners.mine.class': 'x',
    'kubernetes.operator.metrics.reporter.slf4j.interval': '5 min',
    'kubernetes.operator.retry.max.attemps': '5',
  });
  expect(warnings.map(({ key, kind }) => [key.split('.').at(-1), kind])).toEqual([
    ['numberOfTaskSlot', 'misspelt'],
    ['defalt', 'misspelt'],
    ['attemps', 'unknown'],
  ]);
});

test('Distances count letters put in, taken out, exchanged and swapped, up to a limit', () => {
  expect(editDistance('abcd', 'abcd', 3)).toBe(0);
  expect(editDistance('abcd', 'abdc', 3)).toBe(1);
  expect(editDistance('abcd', 'bcd', 3)).toBe(1);
  expect(editDistance('abcd', 'axcde', 3)).toBe(2);
  expect(editDistance('abcd', 'wxyz', 2)).toBe(3);
  expect(nearest('a-b_c', ['abd', 'ab.C'], 2)).toBe('ab.C');
  expect(nearest('abc', ['xyz'], 2)).toBeUndefined();
});
