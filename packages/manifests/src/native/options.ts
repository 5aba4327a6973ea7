import {
  before,
  type clusterOptions,
  containerizedEnvPrefixes,
  type FlinkConfig,
  type FlinkVersion,
  highAvailabilityKind,
  highAvailabilityOptions,
  kubernetesJobManagerOptions,
  kubernetesOptions,
  kubernetesTaskManagerOptions,
} from '@drey/flink';

/** The two kinds of Flink processes that pods are made for. */
export type Role = 'jobmanager' | 'taskmanager';

/** Options that exist once for each role, and what the names of its container’s environment variables begin with. */
export const byRole = {
  jobmanager: { ...kubernetesJobManagerOptions, envPrefix: containerizedEnvPrefixes.jobManager },
  taskmanager: { ...kubernetesTaskManagerOptions, envPrefix: containerizedEnvPrefixes.taskManager },
} as const;

/** Whether JobManagers find their leader through a high availability service. */
export function highAvailabilityOn(config: FlinkConfig): boolean {
  return highAvailabilityKind(config.get(highAvailabilityOptions.type)) !== 'none';
}

/** How the REST endpoint is reachable; before 1.15 a load balancer is the default. */
export function restExposedType(config: FlinkConfig, version: FlinkVersion): string {
  const option = kubernetesOptions.restServiceExposedType;
  return !config.has(option) && before(version, '1.15') ? 'LoadBalancer' : config.get(option);
}

/** A port option that is a single fixed number by now. */
export function fixedPort(config: FlinkConfig, option: typeof clusterOptions.blobServerPort): number {
  return Number.parseInt(config.get(option), 10);
}
