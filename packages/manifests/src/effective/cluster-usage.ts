import {
  type FlinkConfig,
  jobManagerMemory,
  kubernetesJobManagerOptions,
  kubernetesTaskManagerOptions,
  taskManagerMemory,
} from '@drey/flink';
import { CLIENT_VERSION } from './deploy-config.ts';

/** CPU and memory that a cluster may use, by its configuration. */
export interface ClusterUsage {
  /** Cores of all JobManagers and TaskManagers. */
  readonly cpu: number;
  /** Bytes of all JobManagers and TaskManagers; undefined when Flink cannot derive a process’s memory. */
  readonly memory: bigint | undefined;
}

/** What a cluster with so many TaskManagers may use: each process’s request times its limit factor. */
export function clusterUsage(config: FlinkConfig, taskManagerCount: number): ClusterUsage {
  const jobManager = kubernetesJobManagerOptions;
  const taskManager = kubernetesTaskManagerOptions;
  const jobManagers = config.get(jobManager.replicas);
  const [jobManagerSize, taskManagerSize] = [
    jobManagerMemory(config, { version: CLIENT_VERSION }),
    taskManagerMemory(config, { version: CLIENT_VERSION, cpuCoresFallback: config.get(taskManager.cpuAmount) }),
  ];
  const cpu =
    config.get(jobManager.cpuAmount) * config.get(jobManager.cpuLimitFactor) * jobManagers +
    config.get(taskManager.cpuAmount) * config.get(taskManager.cpuLimitFactor) * taskManagerCount;
  if (!jobManagerSize.ok || !taskManagerSize.ok) return { cpu, memory: undefined };
  const memory =
    times(jobManagerSize.value.totalProcess, config.get(jobManager.memoryLimitFactor) * jobManagers) +
    times(taskManagerSize.value.totalProcess, config.get(taskManager.memoryLimitFactor) * taskManagerCount);
  return { cpu, memory };
}

function times(bytes: bigint, factor: number): bigint {
  return Number.isInteger(factor) ? bytes * BigInt(factor) : BigInt(Math.trunc(Number(bytes) * factor));
}
