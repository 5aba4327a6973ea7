import {
  type FlinkConfig,
  jobManagerMemory,
  kubernetesJobManagerOptions,
  kubernetesTaskManagerOptions,
  taskManagerMemory,
} from '@drey/flink';
import { highAvailabilityOn } from '../native/options.ts';
import { CLIENT_VERSION } from './deploy-config.ts';

/** CPU and memory that a cluster may use, by its configuration. */
export interface ClusterUsage {
  /** Cores of all JobManagers and TaskManagers. */
  readonly cpu: number;
  /** Bytes of all JobManagers and TaskManagers; undefined when Flink cannot derive a process’s memory, or would not start them. */
  readonly memory: bigint | undefined;
}

/**
 * What a cluster with so many TaskManagers may use: each process’s request times its limit factor. Requests of memory are
 * whole mebibytes. A TaskManager whose cores nobody says counts as one core.
 */
export function clusterUsage(config: FlinkConfig, taskManagerCount: number): ClusterUsage {
  const jobManager = kubernetesJobManagerOptions;
  const taskManager = kubernetesTaskManagerOptions;
  const jobManagers = config.get(jobManager.replicas);
  const taskManagerCpu = config.has(taskManager.cpuAmount) ? config.get(taskManager.cpuAmount) : 1;
  const cpu =
    config.get(jobManager.cpuAmount) * config.get(jobManager.cpuLimitFactor) * jobManagers +
    taskManagerCpu * config.get(taskManager.cpuLimitFactor) * taskManagerCount;
  const [jobManagerSize, taskManagerSize] = [
    jobManagerMemory(config, { version: CLIENT_VERSION }),
    taskManagerMemory(config, { version: CLIENT_VERSION, cpuCoresFallback: taskManagerCpu }),
  ];
  const possible = jobManagers === 1 || (jobManagers > 1 && highAvailabilityOn(config));
  if (!possible || !jobManagerSize.ok || !taskManagerSize.ok) return { cpu, memory: undefined };
  const memory =
    times(jobManagerSize.value.totalProcess, config.get(jobManager.memoryLimitFactor), jobManagers) +
    times(taskManagerSize.value.totalProcess, config.get(taskManager.memoryLimitFactor), taskManagerCount);
  return { cpu, memory };
}

const MEBIBYTE = 2n ** 20n;

function times(bytes: bigint, factor: number, count: number): bigint {
  return BigInt(Math.round(Number((bytes / MEBIBYTE) * MEBIBYTE) * factor * count));
}
