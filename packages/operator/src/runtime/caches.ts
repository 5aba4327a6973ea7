import type { FlinkDeployment } from '@drey/api';
import { type Deployment, type DeploymentSpec, type Pod, type Service, Store } from '@drey/kube';

/** Label that Flink puts on everything it makes for a native cluster, and selects by. */
export const NATIVE_CLUSTER_SELECTOR = 'type=flink-native-kubernetes';

/** The objects of all clusters in memory, filed under `namespace/cluster id`. */
export interface Caches {
  readonly flinkDeployments: Store<FlinkDeployment>;
  readonly deployments: Store<Deployment>;
  readonly pods: Store<Pod, 'cluster'>;
  readonly services: Store<Service>;
}

/** Empty caches. They keep only what decisions read: specs of pods and of Deployments are dropped. */
export function createCaches(onFault: (error: unknown) => void): Caches {
  return {
    flinkDeployments: new Store<FlinkDeployment>({ onFault }),
    deployments: new Store<Deployment>({ onFault, transform: withoutTemplate }),
    pods: new Store<Pod, 'cluster'>({ onFault, indexers: { cluster: clusterOf }, transform: withoutSpec }),
    services: new Store<Service>({ onFault }),
  };
}

/** `namespace/cluster id` of an object of a native cluster. */
export function clusterOf(object: {
  readonly metadata: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
}): string[] {
  const { namespace, labels } = object.metadata;
  const app = labels?.app;
  return namespace === undefined || app === undefined ? [] : [`${namespace}/${app}`];
}

function withoutTemplate(deployment: Deployment): Deployment {
  const spec: DeploymentSpec = { selector: {}, template: {} };
  if (deployment.spec?.replicas !== undefined) spec.replicas = deployment.spec.replicas;
  return { ...deployment, spec };
}

function withoutSpec(pod: Pod): Pod {
  const { spec: _, ...rest } = pod;
  return rest;
}
