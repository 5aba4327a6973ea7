import {
  type FlinkConfig,
  FlinkError,
  kubernetesTaskManagerOptions,
  taskManagerMemory,
  taskManagerMemoryOptions,
} from '@drey/flink';
import type { ManifestObject } from '../kubernetes/objects.ts';
import { flinkConf } from '../native/decorators/flink-conf.ts';
import { hadoopConf } from '../native/decorators/hadoop-conf.ts';
import { initJobManager } from '../native/decorators/init.ts';
import { kerberos } from '../native/decorators/kerberos.ts';
import { envSecrets, mountSecrets } from '../native/decorators/secrets.ts';
import { externalService, internalService } from '../native/decorators/services.ts';
import type { ClusterInput } from '../native/input.ts';
import { assembleJobManager, deploymentOf, type NativeCluster } from '../native/jobmanager-factory.ts';
import type { Decorator, Parameters } from '../native/parameters.ts';
import { assemble, fromTemplate } from '../native/pod.ts';
import type { PreparedCluster } from '../native/prepare.ts';
import { standaloneJobManagerCommand, standaloneTaskManagerCommand } from './decorators/command.ts';
import { initStandaloneTaskManager } from './decorators/init.ts';
import { userLib } from './decorators/user-lib.ts';
import { hasStatefulSet, localState, statefulSetOf, taskManagersService } from './local-state.ts';
import { taskManagersName } from './names.ts';
import { prepareStandaloneCluster } from './prepare.ts';

const MEBIBYTE = 1024n * 1024n;

/** How many TaskManagers a standalone cluster has. */
export const TASK_MANAGER_REPLICAS = 'kubernetes.internal.taskmanager.replicas';

/** The objects of a standalone cluster: those of the JobManager, then the Deployment or StatefulSet of the TaskManagers. */
export interface StandaloneCluster extends NativeCluster {
  readonly taskManagers: ManifestObject;
}

/**
 * Builds the objects that the Apache operator makes for a cluster whose TaskManagers Flink does not start itself; with
 * `kubernetes.taskmanager.stateful-set.enabled` they are a StatefulSet, with a Service of its own. Pure.
 * Throws `FlinkError` for values that Flink refuses.
 */
export function buildStandaloneCluster(input: ClusterInput): StandaloneCluster {
  const prepared = prepareStandaloneCluster(input);
  const parameters: Parameters = { ...prepared, container: taskManagerSize(prepared) };
  const jobManager = assembleJobManager(prepared, JOB_MANAGER_CHAIN);
  const deployment = taskManagers(parameters);
  if (!hasStatefulSet(parameters)) return { ...jobManager, taskManagers: deployment };
  return {
    ...jobManager,
    accompanying: [...jobManager.accompanying, taskManagersService(parameters)],
    taskManagers: statefulSetOf(parameters, deployment),
  };
}

const JOB_MANAGER_CHAIN: readonly Decorator[] = [
  initJobManager,
  envSecrets,
  mountSecrets,
  standaloneJobManagerCommand,
  internalService,
  externalService,
  hadoopConf,
  kerberos,
  flinkConf,
  userLib,
];

const TASK_MANAGER_CHAIN: readonly Decorator[] = [
  initStandaloneTaskManager,
  envSecrets,
  mountSecrets,
  standaloneTaskManagerCommand,
  hadoopConf,
  kerberos,
  flinkConf,
];

function taskManagers(parameters: Parameters): ManifestObject {
  const chain = hasStatefulSet(parameters) ? [...TASK_MANAGER_CHAIN, localState] : TASK_MANAGER_CHAIN;
  const pod = chain.reduce(
    (at, step) => step.decorate?.(at, parameters) ?? at,
    fromTemplate(parameters.files.taskManagerTemplate?.pod),
  );
  return deploymentOf(parameters, 'taskmanager', {
    name: taskManagersName(parameters.clusterId),
    replicas: replicas(parameters.config),
    template: assemble(pod),
  });
}

/** Without a number of cores a TaskManager gets one for each slot, as Flink itself would give it. */
function taskManagerSize({ config, flinkVersion }: PreparedCluster): Parameters['container'] {
  const memory = taskManagerMemory(config, { version: flinkVersion });
  if (!memory.ok) throw memory.error;
  const cpu = config.get(kubernetesTaskManagerOptions.cpuAmount);
  return {
    cpu: cpu > 0 ? cpu : config.get(taskManagerMemoryOptions.numberOfTaskSlots),
    memoryMiB: Number(memory.value.totalProcess / MEBIBYTE),
  };
}

function replicas(config: FlinkConfig): number {
  const text = config.raw(TASK_MANAGER_REPLICAS) ?? '1';
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new FlinkError(
    'E_FLINK_CONFIG_VALUE',
    `${TASK_MANAGER_REPLICAS} is "${text}"`,
    'Set spec.taskManager.replicas, or job.parallelism, to 1 or more.',
  );
}
