import { javaHashOrder } from '@drey/api';
import {
  atLeast,
  clusterOptions,
  type FlinkConfig,
  highAvailabilityOptions,
  jobManagerDynamicConfigs,
  jobManagerMemory,
  kubernetesExternalResources,
  kubernetesOptions,
  kubernetesTaskManagerOptions,
  type TaskManagerMemory,
  taskManagerDynamicConfigs,
  taskManagerJvmParameters,
  taskManagerMemory,
} from '@drey/flink';
import type { ManifestObject } from '../kubernetes/objects.ts';
import { taskManagerCommand } from './decorators/command.ts';
import { flinkConf } from './decorators/flink-conf.ts';
import { hadoopConf } from './decorators/hadoop-conf.ts';
import { initTaskManager } from './decorators/init.ts';
import { kerberos } from './decorators/kerberos.ts';
import { envSecrets, mountSecrets } from './decorators/secrets.ts';
import { persistentVolumeClaims } from './decorators/volume-claims.ts';
import type { ClusterInput } from './input.ts';
import { highAvailabilityOn } from './options.ts';
import type { Decorator, TaskManagerParameters } from './parameters.ts';
import { assemble, fromTemplate } from './pod.ts';
import { type PreparedCluster, prepareCluster } from './prepare.ts';
import { loadedConfig } from './shipped-config.ts';

const MEBIBYTE = 1024n * 1024n;

/** What is known of the JobManager that asks for a TaskManager. */
export interface RunningJobManager {
  /** Address of its pod. */
  readonly podIp: string;
  /** Where its web server keeps uploads; part of the settings that it hands to TaskManagers. */
  readonly webTmpDir: string;
  /** Which life of the JobManager this is, counted from 1. */
  readonly attempt: number;
  /** The how manieth pod of this life, counted from 1. */
  readonly index: number;
  /** The cluster’s Deployment, when it exists. */
  readonly deployment?: { readonly name: string; readonly uid: string };
  /**
   * Where the cores of a pod come from when `taskmanager.cpu.cores` is not set: `deployment` as a resource manager on
   * Kubernetes asks for them (`kubernetes.taskmanager.cpu.amount`), `slots` as Flink counts them by itself (one a slot).
   */
  readonly workerCpu: 'deployment' | 'slots';
  /** Names of the logging files in the JobManager’s configuration directory; the pod mounts the same. */
  readonly logFiles?: readonly string[];
}

/**
 * A first JobManager whose address is not known yet, as the recorded outputs of Flink’s factory stand for it: the factory
 * is called by itself, without a resource manager.
 */
export const UNKNOWN_JOB_MANAGER: RunningJobManager = {
  podIp: '10.0.0.1',
  webTmpDir: '/tmp/flink-web-00000000-0000-0000-0000-000000000000',
  attempt: 1,
  index: 1,
  workerCpu: 'slots',
};

/**
 * Builds the pod that the JobManager’s resource manager creates for a TaskManager. In a running cluster the JobManager
 * makes these pods itself; this is for rendering and checking.
 */
export function buildTaskManagerPod(input: ClusterInput, jobManager = UNKNOWN_JOB_MANAGER): ManifestObject {
  const { clusterId } = input;
  const podName = `${clusterId}-taskmanager-${jobManager.attempt}-${jobManager.index}`;
  const { prepared, dynamicProperties } = runningCluster(prepareCluster(input), podName, jobManager);
  const { config, flinkVersion } = prepared;
  const memory = taskManagerMemory(config, {
    version: flinkVersion,
    ...(jobManager.workerCpu === 'slots'
      ? {}
      : { cpuCoresFallback: config.get(kubernetesTaskManagerOptions.cpuAmount) }),
  });
  if (!memory.ok) throw memory.error;
  const logging = Object.fromEntries((jobManager.logFiles ?? []).map((name) => [name, '']));
  const parameters: TaskManagerParameters = {
    ...prepared,
    files: { ...prepared.files, logging },
    container: { cpu: memory.value.cpuCores, memoryMiB: Number(memory.value.totalProcess / MEBIBYTE) },
    podName,
    dynamicProperties,
    memoryArguments: memoryArguments(memory.value),
    jvmMemoryOptions: taskManagerJvmParameters(memory.value).join(' '),
    externalResources: new Map(
      [...kubernetesExternalResources(config)].map(([name, amount]) => [name, String(amount)]),
    ),
    ...(jobManager.deployment ? { owner: jobManager.deployment } : {}),
  };
  const pod = taskManagerChain(parameters).reduce(
    (at, step) => step.decorate?.(at, parameters) ?? at,
    fromTemplate(prepared.files.taskManagerTemplate?.pod),
  );
  const { metadata, spec } = assemble(pod);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: podName }, spec };
}

/** External resources come in the order of the hash map that Flink keeps them in. */
function memoryArguments(memory: TaskManagerMemory): string {
  const { externalResources } = memory;
  const ordered = javaHashOrder([...externalResources.keys()]).map(
    (name) => [name, externalResources.get(name) ?? 0n] as const,
  );
  return taskManagerDynamicConfigs({ ...memory, externalResources: new Map(ordered) })
    .map(([key, value]) => `-D ${key}=${value}`)
    .join(' ');
}

/** The steps in Flink’s order. */
function taskManagerChain({ flinkVersion, config }: TaskManagerParameters): Decorator<TaskManagerParameters>[] {
  return [
    initTaskManager,
    envSecrets,
    mountSecrets,
    ...(atLeast(flinkVersion, '2.3') ? [persistentVolumeClaims] : []),
    taskManagerCommand,
    ...(config.get(kubernetesOptions.hadoopMountEnabled) ? [hadoopConf] : []),
    ...(config.get(kubernetesOptions.kerberosMountEnabled) ? [kerberos] : []),
    flinkConf,
  ];
}

/**
 * The cluster as its running JobManager sees it: with the configuration that it loaded and completed, and
 * `-Dkey='value'` for what that has and the file has not, or has otherwise.
 */
function runningCluster(
  client: PreparedCluster,
  podName: string,
  jobManager: RunningJobManager,
): { prepared: PreparedCluster; dynamicProperties: string } {
  const loaded = loadedConfig(client);
  const values = Object.entries(runningValues(client, podName, jobManager));
  const config = loaded.withAll(values);
  return {
    prepared: { ...client, config, podKeys: keysAsLoaded(client.config, config) },
    dynamicProperties: values
      .filter(([key, value]) => loaded.raw(key) !== value)
      .map(([key, value]) => `-D${key}=${singleQuoted(value)}`)
      .join(' '),
  };
}

/** The client writes the file in the order of its hash map; what the JobManager adds comes after. */
function keysAsLoaded(client: FlinkConfig, running: FlinkConfig): string[] {
  const written = javaHashOrder([...client.keys()]).filter((key) => running.has(key));
  return [...new Set([...written, ...running.keys()])];
}

function runningValues(
  prepared: PreparedCluster,
  podName: string,
  { podIp, webTmpDir }: RunningJobManager,
): Record<string, string> {
  const { config, flinkVersion } = prepared;
  const memory = jobManagerMemory(config, { version: flinkVersion });
  if (!memory.ok) throw memory.error;
  const out: Record<string, string> = {
    ...Object.fromEntries(jobManagerDynamicConfigs(memory.value)),
    'taskmanager.resource-id': podName,
    'web.tmpdir': webTmpDir,
    'jobmanager.rpc.port': String(rpcPort(config)),
  };
  if (highAvailabilityOn(config)) {
    out['jobmanager.rpc.address'] = podIp;
    out['rest.address'] = podIp;
  }
  if (config.get(kubernetesOptions.hostNetwork)) {
    for (const declared of [
      clusterOptions.blobServerPort,
      clusterOptions.restBindPort,
      clusterOptions.taskManagerRpcPort,
      highAvailabilityOptions.jobManagerPort,
    ]) {
      out[declared.key] = '0';
    }
  }
  return out;
}

function rpcPort(config: FlinkConfig): number {
  return highAvailabilityOn(config)
    ? Number.parseInt(config.get(highAvailabilityOptions.jobManagerPort), 10)
    : config.get(clusterOptions.jobManagerRpcPort);
}

function singleQuoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
