import { doubleType, type FlinkConfig } from '@drey/flink';
import { clusterUsage } from '@drey/manifests';
import type { FlinkReadings } from '../world.ts';

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
  const { cpu, memory } = clusterUsage(options, taskManagers);
  return {
    'total-cpu': doubleType.format(cpu, options.rules),
    ...(memory === undefined ? {} : { 'total-memory': String(memory) }),
  };
}
