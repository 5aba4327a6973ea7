import { FlinkConfig } from '@drey/flink';
import { expect, test } from 'vitest';
import { clusterUsage } from './cluster-usage.ts';

const usage = (entries: Record<string, string>, taskManagers = 2) =>
  clusterUsage(
    FlinkConfig.of({
      'jobmanager.memory.process.size': '1g',
      'taskmanager.memory.process.size': '2g',
      'kubernetes.jobmanager.cpu.amount': '0.5',
      ...entries,
    }),
    taskManagers,
  );

test('TaskManagers whose cores nobody says count as one core each', () => {
  expect(usage({}).cpu).toBe(2.5);
  expect(usage({ 'kubernetes.taskmanager.cpu.amount': '3' }).cpu).toBe(6.5);
});

test('Requests are whole mebibytes, and limits what their factor makes of them', () => {
  expect(usage({ 'jobmanager.memory.process.size': '1000000000b' }).memory).toBe(953n * 1024n ** 2n + 4n * 1024n ** 3n);
  expect(usage({ 'kubernetes.taskmanager.memory.limit-factor': '1.5' }).memory).toBe(7n * 1024n ** 3n);
});

test('Nothing is said of the memory of standbys without high availability: they would not start', () => {
  const standbys = { 'kubernetes.jobmanager.replicas': '2' };
  expect(usage(standbys).memory).toBeUndefined();
  expect(usage({ ...standbys, 'high-availability.type': 'kubernetes' }).memory).toBe(6n * 1024n ** 3n);
});
