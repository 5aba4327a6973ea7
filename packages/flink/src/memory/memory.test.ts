import { describe, expect, test } from 'vitest';
import { FlinkConfig, jobManagerMemory, type MemoryContext, taskManagerMemory, valueRules } from '../index.ts';

const version = { major: 1, minor: 20, patch: 5 };
const jobManager = (entries: Record<string, string>, context: Partial<MemoryContext> = {}) =>
  jobManagerMemory(FlinkConfig.of(entries, valueRules(version)), { version, ...context });
const taskManager = (entries: Record<string, string>, context: Partial<MemoryContext> = {}) =>
  taskManagerMemory(FlinkConfig.of(entries, valueRules(version)), { version, ...context });

describe('what a user may have forgotten or mistaken', () => {
  test('no size at all names the options that would do', () => {
    const memory = jobManager({});
    expect(memory.ok ? '' : `${memory.error.code} ${memory.error.message}`).toMatch(
      /^E_FLINK_MEMORY .*jobmanager\.memory\.process\.size/,
    );
  });

  test('a text that is no size is a value error that names the key', () => {
    const memory = taskManager({ 'taskmanager.memory.process.size': '1.5g' });
    expect(memory.ok ? '' : memory.error.code).toBe('E_FLINK_CONFIG_VALUE');
    expect(memory.ok ? '' : memory.error.message).toContain('taskmanager.memory.process.size');
  });

  test('sizes beyond 64 bits are an error, not a wrong number', () => {
    const huge = '9223372036854775807b';
    expect(jobManager({ 'jobmanager.memory.heap.size': huge }).ok).toBe(false);
  });

  test('no CPU at all is refused', () => {
    const sized = { 'taskmanager.memory.process.size': '2g', 'taskmanager.numberOfTaskSlots': '0' };
    expect(taskManager(sized).ok).toBe(false);
  });
});

describe('legacy heap options', () => {
  const legacy = { 'jobmanager.heap.size': '1g' };
  test('stand for the process size on Kubernetes and for the heap in scripts', () => {
    const onKubernetes = jobManager(legacy);
    const inScripts = jobManager(legacy, { deployment: 'scripts' });
    expect(onKubernetes.ok && onKubernetes.value.totalProcess).toBe(1n << 30n);
    expect(inScripts.ok && inScripts.value.heap).toBe(1n << 30n);
  });

  test('are unknown from 2.0 on', () => {
    expect(jobManager(legacy, { version: { major: 2, minor: 0 } }).ok).toBe(false);
  });
});

test('external resources appear with their amounts', () => {
  const memory = taskManager({
    'taskmanager.memory.process.size': '2g',
    'external-resources': 'gpu;fpga',
    'external-resource.gpu.amount': '2',
  });
  expect(memory.ok && [...memory.value.externalResources]).toEqual([['gpu', 2n]]);
});
