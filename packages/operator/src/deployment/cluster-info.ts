import { doubleType, type FlinkConfig, parseMemorySize } from '@drey/flink';
import type { FlinkReadings } from './world.ts';

/**
 * Facts about the cluster for `status.clusterInfo`; undefined when Flink was not asked for them in this pass.
 * CPU and memory are computed from the configuration and the number of registered TaskManagers, as the Apache operator
 * does.
 */
export function clusterInfo(flink: FlinkReadings, options: FlinkConfig): Record<string, string> | undefined {
  const facts = flink.facts?.kind === 'ok' ? flink.facts.value : undefined;
  const taskManagers = flink.taskManagers?.kind === 'ok' ? flink.taskManagers.value : undefined;
  const checkpoints = flink.checkpoints?.kind === 'ok' ? flink.checkpoints.value.completed : undefined;
  if (facts === undefined && taskManagers === undefined) return undefined;
  return {
    ...(facts && { 'flink-version': facts.version, 'flink-revision': facts.revision }),
    ...(taskManagers !== undefined && totals(taskManagers, options)),
    ...(checkpoints && { 'state-size': String(checkpoints.stateSizeBytes) }),
  };
}

function totals(taskManagers: number, options: FlinkConfig): Record<string, string> {
  const number = (key: string, otherwise: number): number => Number(options.raw(key) ?? otherwise);
  const bytes = (key: string): number => {
    const text = options.raw(key);
    return text === undefined ? 0 : Number(parseMemorySize(text));
  };
  const replicas = number('kubernetes.jobmanager.replicas', 1);
  const cpu =
    number('kubernetes.jobmanager.cpu.amount', 1) * number('kubernetes.jobmanager.cpu.limit-factor', 1) * replicas +
    number('kubernetes.taskmanager.cpu.amount', 1) *
      number('kubernetes.taskmanager.cpu.limit-factor', 1) *
      taskManagers;
  const memory =
    bytes('jobmanager.memory.process.size') * number('kubernetes.jobmanager.memory.limit-factor', 1) * replicas +
    bytes('taskmanager.memory.process.size') * number('kubernetes.taskmanager.memory.limit-factor', 1) * taskManagers;
  return { 'total-cpu': doubleType.format(cpu, options.rules), 'total-memory': String(Math.round(memory)) };
}
