import { atLeast, before, clusterOptions, doubleType, FlinkError, kubernetesOptions } from '@drey/flink';
import type { EnvVar, Pod, PodSpec, Resources, Toleration } from '../../kubernetes/objects.ts';
import {
  MAIN_CONTAINER_NAME,
  PORT_NAME_BLOB_SERVER,
  PORT_NAME_JOB_MANAGER_RPC,
  PORT_NAME_REST,
  PORT_NAME_TASK_MANAGER_RPC,
  USER_ARTIFACTS_VOLUME,
} from '../constants.ts';
import { byRole, fixedPort, type Role } from '../options.ts';
import {
  type Decorator,
  defaultImage,
  type Parameters,
  prefixedInJavaOrder,
  roleLabels,
  setMap,
  type TaskManagerParameters,
} from '../parameters.ts';
import { append, extend, type FlinkPod } from '../pod.ts';

/** Image, resources, ports, labels, account and scheduling of the JobManager’s pod. */
export const initJobManager: Decorator = {
  concern: 'init',
  decorate(base, p) {
    const started = startPod(base, p, 'jobmanager');
    const ports = p.config.get(kubernetesOptions.hostNetwork)
      ? []
      : [
          { name: PORT_NAME_REST, containerPort: p.config.get(clusterOptions.restPort) },
          { name: PORT_NAME_JOB_MANAGER_RPC, containerPort: p.config.get(clusterOptions.jobManagerRpcPort) },
          { name: PORT_NAME_BLOB_SERVER, containerPort: fixedPort(p.config, clusterOptions.blobServerPort) },
        ];
    const env = [
      ...roleEnv(p, 'jobmanager'),
      { name: '_POD_IP_ADDRESS', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
      ...logDirEnv(p),
    ];
    if (before(p.flinkVersion, '1.19')) return extend(started, { ports, env });
    const volumeMounts = [
      { name: USER_ARTIFACTS_VOLUME, mountPath: p.config.get(clusterOptions.userArtifactsBaseDir) },
    ];
    return extend(started, { ports, env, volumeMounts }, [{ name: USER_ARTIFACTS_VOLUME, emptyDir: {} }]);
  },
};

/** Name, image, resources, ports, labels, account and scheduling of a TaskManager’s pod. */
export const initTaskManager: Decorator<TaskManagerParameters> = {
  concern: 'init',
  decorate(base, p) {
    const started = startPod(base, p, 'taskmanager', p.externalResources);
    const ports = p.config.get(kubernetesOptions.hostNetwork)
      ? []
      : [{ name: PORT_NAME_TASK_MANAGER_RPC, containerPort: fixedPort(p.config, clusterOptions.taskManagerRpcPort) }];
    const node = { name: '_POD_NODE_ID', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } };
    const env = [...roleEnv(p, 'taskmanager'), ...(atLeast(p.flinkVersion, '1.16') ? [node] : []), ...logDirEnv(p)];
    const { pod, mainContainer } = extend(started, { ports, env });
    const owners = p.owner && [
      { apiVersion: 'apps/v1', kind: 'Deployment', ...p.owner, controller: true, blockOwnerDeletion: true },
    ];
    return {
      pod: {
        ...pod,
        metadata: { ...pod.metadata, name: p.podName, ...(owners ? { ownerReferences: owners } : {}) },
        spec: { ...pod.spec, restartPolicy: 'Never' },
      },
      mainContainer,
    };
  },
};

function startPod(
  { pod, mainContainer }: FlinkPod,
  p: Parameters,
  role: Role,
  extraResources: ReadonlyMap<string, string> = new Map(),
): FlinkPod {
  const { config, flinkVersion } = p;
  return {
    pod: placed(pod, p, role, accountAndNetwork(pod.spec ?? {}, p, role)),
    mainContainer: {
      ...mainContainer,
      name: MAIN_CONTAINER_NAME,
      image: config.get(kubernetesOptions.containerImage) ?? mainContainer.image ?? defaultImage(flinkVersion),
      imagePullPolicy: config.has(kubernetesOptions.imagePullPolicy)
        ? config.get(kubernetesOptions.imagePullPolicy)
        : (mainContainer.imagePullPolicy ?? config.get(kubernetesOptions.imagePullPolicy)),
      resources: resources(mainContainer.resources, p, role, extraResources),
    },
  };
}

/** A pod with the labels, annotations and scheduling of its role, and with `given` in its spec. */
export function placed(pod: Pod, p: Parameters, role: Role, given: PodSpec): Pod {
  const { config, flinkVersion } = p;
  const { annotations: annotationOption, nodeSelector: selectorOption } = byRole[role];
  const annotations = { ...pod.metadata?.annotations, ...Object.fromEntries(config.get(annotationOption)) };
  const nodeSelector = { ...pod.spec?.nodeSelector, ...Object.fromEntries(config.get(selectorOption)) };
  const { annotations: _, ...metadata } = pod.metadata ?? {};
  const { nodeSelector: __, ...spec } = pod.spec ?? {};
  return {
    ...pod,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...roleLabels(p, role) },
      ...setMap(flinkVersion, 'annotations', annotations),
    },
    spec: {
      ...spec,
      ...given,
      ...scheduling(spec, p, role),
      ...setMap(flinkVersion, 'nodeSelector', nodeSelector),
    },
  };
}

function accountAndNetwork(spec: PodSpec, p: Parameters, role: Role): PodSpec {
  const { serviceAccount: accountOption } = byRole[role];
  const account = p.config.has(accountOption)
    ? p.config.get(accountOption)
    : // Flink looks under the old name of the field first.
      (spec.serviceAccount ?? spec.serviceAccountName ?? p.config.get(accountOption));
  const out: PodSpec = { serviceAccountName: account, serviceAccount: account };
  if (before(p.flinkVersion, '1.15')) return out;
  const hostNetwork = p.config.get(kubernetesOptions.hostNetwork);
  const kept = atLeast(p.flinkVersion, '1.16') ? spec.dnsPolicy : undefined;
  return {
    ...out,
    hostNetwork,
    dnsPolicy: hostNetwork ? 'ClusterFirstWithHostNet' : (kept ?? 'ClusterFirst'),
  };
}

function scheduling(spec: PodSpec, p: Parameters, role: Role): PodSpec {
  const pullSecrets = p.config.get(kubernetesOptions.imagePullSecrets).map((name) => ({ name }));
  const declared = byRole[role].tolerations;
  const tolerations = p.config.get(declared).map((map) => toleration(map, declared.key));
  return {
    ...(pullSecrets.length > 0 ? { imagePullSecrets: append(spec.imagePullSecrets, pullSecrets) } : {}),
    ...(tolerations.length > 0 ? { tolerations: append(spec.tolerations, tolerations) } : {}),
  };
}

function toleration(map: ReadonlyMap<string, string>, option: string): Toleration {
  const out: Toleration = {};
  for (const [key, value] of map) {
    const name = key.toLowerCase();
    if (name === 'key' || name === 'operator' || name === 'value' || name === 'effect') out[name] = value;
    else if (name === 'tolerationseconds') out.tolerationSeconds = seconds(value, option);
  }
  return out;
}

function seconds(text: string, option: string): number {
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw new FlinkError(
    'E_FLINK_CONFIG_VALUE',
    `${option} has "${text}" for tolerationSeconds`,
    'Write a whole number of seconds, or leave tolerationSeconds out.',
  );
}

/** Requests and limits of the main container: the role’s size, and what the template has besides. */
export function resources(
  template: Resources | undefined,
  p: Parameters,
  role: Role,
  extra: ReadonlyMap<string, string>,
): Resources {
  const { cpu, memoryMiB } = p.container;
  const cpuFactor = limitFactor(p, byRole[role].cpuLimitFactor);
  const memoryFactor = limitFactor(p, byRole[role].memoryLimitFactor);
  const extras = Object.fromEntries(extra);
  return {
    ...template,
    requests: {
      ...template?.requests,
      cpu: doubleType.format(cpu, p.config.rules),
      memory: `${memoryMiB}Mi`,
      ...extras,
    },
    limits: {
      ...template?.limits,
      cpu: doubleType.format(cpu * cpuFactor, p.config.rules),
      memory: `${Math.trunc(memoryMiB * memoryFactor)}Mi`,
      ...extras,
    },
  };
}

function limitFactor(p: Parameters, declared: (typeof byRole)[Role]['cpuLimitFactor']): number {
  if (before(p.flinkVersion, '1.15')) return 1;
  const factor = p.config.get(declared);
  if (factor >= 1) return factor;
  throw new FlinkError(
    'E_FLINK_CONFIG_VALUE',
    `${declared.key} is ${factor}, so the limit would be below the request`,
    `Set ${declared.key} to 1 or more, or remove it.`,
  );
}

/** The variables that the configuration gives a role. */
export function roleEnv(p: Parameters, role: Role): EnvVar[] {
  return prefixedInJavaOrder(p, byRole[role].envPrefix).map(([name, value]) => ({ name, value }));
}

/** Where Flink writes its log files, when that is configured. */
export function logDirEnv(p: Parameters): EnvVar[] {
  const dir = p.config.get(kubernetesOptions.flinkLogDir);
  return dir === undefined ? [] : [{ name: 'FLINK_LOG_DIR', value: dir }];
}
