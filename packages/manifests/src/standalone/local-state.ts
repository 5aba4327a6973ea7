import { clusterOptions, taskManagerStatefulSetOptions } from '@drey/flink';
import type { ManifestObject, PodSpec } from '../kubernetes/objects.ts';
import { PORT_NAME_TASK_MANAGER_RPC } from '../native/constants.ts';
import { configuredOwners } from '../native/jobmanager-factory.ts';
import { fixedPort } from '../native/options.ts';
import { commonLabels, type Decorator, type Parameters, roleLabels, selectorLabels } from '../native/parameters.ts';
import { append, extend, type FlinkPod } from '../native/pod.ts';
import { taskManagersName } from './names.ts';

/** The volume of a TaskManager’s working directory, and of the claims for it. */
export const LOCAL_STATE_VOLUME = 'flink-local-state';

const POD_NAME = '_POD_NAME';
/** User and group that Flink’s own images run as. */
const FLINK_GROUP = 9999;

/** Whether the TaskManagers of a cluster are a StatefulSet. */
export function hasStatefulSet({ config }: Pick<Parameters, 'config'>): boolean {
  return config.get(taskManagerStatefulSetOptions.enabled);
}

/** Whether a path is in a directory, or is it. */
export function isBelow(path: string, directory: string): boolean {
  const parent = directory.replace(/\/+$/, '');
  return path === parent || path.startsWith(`${parent}/`);
}

/**
 * What lets a TaskManager of a StatefulSet go on with the local state of the one before it: the name of its pod as its id, by which
 * Flink finds the directory again, and a volume for the directory. A volume of the template that is mounted there goes before it.
 */
export const localState: Decorator = {
  concern: 'local-state',
  decorate(base, p) {
    const args = append(base.mainContainer.args, [`-Dtaskmanager.resource-id=$(${POD_NAME})`]);
    const named = extend(
      { ...base, mainContainer: { ...base.mainContainer, args } },
      { env: [{ name: POD_NAME, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }] },
    );
    const mountPath = p.config.get(clusterOptions.taskManagerWorkingDir);
    if (mountPath === undefined) return named;
    if (base.mainContainer.volumeMounts?.some((mount) => isBelow(mountPath, mount.mountPath))) return named;
    const mounted = { volumeMounts: [{ name: LOCAL_STATE_VOLUME, mountPath }] };
    return p.config.has(taskManagerStatefulSetOptions.volumeSize)
      ? writable(extend(named, mounted))
      : extend(named, mounted, [{ name: LOCAL_STATE_VOLUME, emptyDir: {} }]);
  },
};

/** A fresh volume belongs to root, and Flink does not run as root. What the template says about it goes before. */
function writable({ pod, mainContainer }: FlinkPod): FlinkPod {
  if (pod.spec?.securityContext !== undefined) return { pod, mainContainer };
  const securityContext = { fsGroup: FLINK_GROUP, fsGroupChangePolicy: 'OnRootMismatch' };
  return { pod: { ...pod, spec: { ...pod.spec, securityContext } }, mainContainer };
}

/** The StatefulSet that has the same pods as the Deployment would have. */
export function statefulSetOf(p: Parameters, deployment: ManifestObject): ManifestObject {
  const { replicas, selector, template } = deployment.spec as {
    replicas: number;
    selector: unknown;
    template: PodSpec;
  };
  return {
    ...deployment,
    kind: 'StatefulSet',
    spec: {
      replicas,
      serviceName: deployment.metadata.name,
      // Nobody waits for another: a job needs all of them.
      podManagementPolicy: 'Parallel',
      selector,
      template,
      ...claims(p),
    },
  };
}

/**
 * Claims that belong to whom the cluster belongs to: they outlive the StatefulSet, which each upgrade makes anew, and the garbage
 * collector takes them when their owner goes. Not their controller, so that the StatefulSet’s own controller leaves the owner be.
 */
function claims(p: Parameters): { readonly volumeClaimTemplates?: readonly ManifestObject[] } {
  const storage = p.config.get(taskManagerStatefulSetOptions.volumeSize)?.trim();
  if (storage === undefined) return {};
  const storageClassName = p.config.get(taskManagerStatefulSetOptions.volumeStorageClass);
  const owners = configuredOwners(p).map((owner) => ({ ...owner, blockOwnerDeletion: false }));
  return {
    volumeClaimTemplates: [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: {
          name: LOCAL_STATE_VOLUME,
          labels: roleLabels(p, 'taskmanager'),
          ...(owners.length > 0 ? { ownerReferences: owners } : {}),
        },
        spec: {
          accessModes: ['ReadWriteOnce'],
          ...(storageClassName === undefined ? {} : { storageClassName }),
          resources: { requests: { storage } },
        },
      },
    ],
  };
}

/** The Service that gives the pods of the StatefulSet their names in the network. */
export function taskManagersService(p: Parameters): ManifestObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: taskManagersName(p.clusterId), labels: commonLabels(p) },
    spec: {
      clusterIP: 'None',
      selector: selectorLabels(p, 'taskmanager'),
      ports: [{ name: PORT_NAME_TASK_MANAGER_RPC, port: fixedPort(p.config, clusterOptions.taskManagerRpcPort) }],
    },
  };
}
