import type { FlinkDeployment, FlinkDeploymentStatus } from '@drey/api';
import { executionOptions, type FlinkConfig, taskManagerMemoryOptions } from '@drey/flink';

/** What autoscalers of pods read while nothing runs. */
export const NO_TASK_MANAGERS: NonNullable<FlinkDeploymentStatus['taskManager']> = { labelSelector: '', replicas: 0 };

/** The selector of the TaskManagers' pods, and how many the parallelism needs. */
export function taskManagerInfo(
  deployment: FlinkDeployment,
  options: FlinkConfig,
): NonNullable<FlinkDeploymentStatus['taskManager']> {
  const slots = options.get(taskManagerMemoryOptions.numberOfTaskSlots);
  const parallelism = options.get(executionOptions.parallelismDefault);
  return {
    labelSelector: `component=taskmanager,app=${deployment.metadata.name}`,
    replicas: Math.ceil(parallelism / Math.max(1, slots)),
  };
}
