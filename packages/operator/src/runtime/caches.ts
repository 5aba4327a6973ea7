import {
  type FlinkDeployment,
  FlinkDeployments,
  type FlinkSessionJob,
  FlinkSessionJobs,
  type FlinkStateSnapshot,
  FlinkStateSnapshots,
} from '@drey/api';
import {
  type Cached,
  ConfigMap,
  Deployment,
  type DeploymentSpec,
  Ingress,
  type KubeObject,
  Pod,
  type Resource,
  Service,
  StatefulSet,
  type StatefulSetSpec,
  Store,
} from '@drey/kube';

import { textDigest } from '../deployment/drift/drift-compare.ts';
import { type Edited, type FieldPath, foreignEdits } from '../deployment/drift/field-managers.ts';
import { sessionClusterName } from '../job/session-cluster-name.ts';

/** Label that Flink puts on everything it makes, on HA metadata of standalone clusters too, and selects by. */
export const NATIVE_CLUSTER_SELECTOR = 'type=flink-native-kubernetes';

/** What the label `type` of everything that belongs to a cluster says, native or standalone. */
export const CLUSTER_TYPES: readonly string[] = ['flink-native-kubernetes', 'flink-standalone-kubernetes'];
/** Selects everything that belongs to a cluster, native or standalone. */
export const CLUSTER_SELECTOR = `type in (${CLUSTER_TYPES.join(',')})`;

/** Configuration of clusters; HA metadata, which Flink writes every few seconds, is read where it is needed. */
const CONFIGURATION_SELECTOR = `${CLUSTER_SELECTOR},configmap-type!=high-availability`;
const INGRESS_SELECTOR = 'component=ingress';

/** The objects of all clusters in memory, filed under `namespace/cluster id`. */
export interface Caches {
  readonly flinkDeployments: Store<FlinkDeployment>;
  readonly deployments: Store<Deployment>;
  /** TaskManagers of standalone clusters that ask for it. Not listed: the right to read them is missing. */
  readonly statefulSets: Store<StatefulSet>;
  readonly pods: Store<Pod, 'cluster'>;
  readonly services: Store<Service>;
  /** In place of each file its digest. */
  readonly configMaps: Store<ConfigMap, 'cluster'>;
  /** undefined: the operator is not to touch Ingresses, and may lack the right to. */
  readonly ingresses: Store<Ingress> | undefined;
  /** By the session cluster they name. */
  readonly sessionJobs: Store<FlinkSessionJob, 'cluster'>;
  /** By the job they are of. */
  readonly snapshots: Store<FlinkStateSnapshot, 'job'>;
}

/** What a cache is filled with. */
export interface Watched {
  readonly resource: Resource<KubeObject>;
  readonly store: Store<KubeObject>;
  /** Objects made by Flink or by this operator; the user's own are selected by the operator's configuration. */
  readonly selector: string | undefined;
  /** An object that a user writes. */
  readonly primary: boolean;
  /** Only objects that ask for it need this kind: a namespace where it may not be read is read all the same. */
  readonly dispensable: boolean;
}

/** Every cache with what it watches. */
export function watchedBy(caches: Caches): readonly Watched[] {
  const watched = <T extends KubeObject>(
    resource: Resource<T>,
    store: Store<T> | Store<T, never>,
    selector?: string,
    dispensable = false,
  ): Watched => ({
    resource: resource as Resource<KubeObject>,
    store: store as unknown as Store<KubeObject>,
    selector,
    primary: selector === undefined,
    dispensable,
  });
  return [
    watched(FlinkDeployments, caches.flinkDeployments),
    watched(FlinkSessionJobs, caches.sessionJobs as never),
    watched(FlinkStateSnapshots, caches.snapshots as never),
    watched(Deployment, caches.deployments, CLUSTER_SELECTOR),
    watched(StatefulSet, caches.statefulSets, CLUSTER_SELECTOR, true),
    watched(Pod, caches.pods as never, CLUSTER_SELECTOR),
    watched(Service, caches.services, CLUSTER_SELECTOR),
    watched(ConfigMap, caches.configMaps as never, CONFIGURATION_SELECTOR),
    ...(caches.ingresses ? [watched(Ingress, caches.ingresses, INGRESS_SELECTOR)] : []),
  ];
}

/**
 * Empty caches. They keep only what decisions read: specs of pods, templates of Deployments and StatefulSets and texts of
 * ConfigMaps are dropped; who else changed an object is kept in short.
 */
export function createCaches(
  onFault: (error: unknown) => void,
  { ingresses = true }: { readonly ingresses?: boolean } = {},
): Caches {
  return {
    flinkDeployments: new Store<FlinkDeployment>({ onFault, transform: withSpec }),
    deployments: new Store<Deployment>({ onFault, transform: withoutTemplate }),
    statefulSets: new Store<StatefulSet>({ onFault, transform: withoutTemplates }),
    pods: new Store<Pod, 'cluster'>({ onFault, indexers: { cluster: clusterOf }, transform: withoutSpec }),
    services: new Store<Service>({ onFault }),
    configMaps: new Store<ConfigMap, 'cluster'>({ onFault, indexers: { cluster: clusterOf }, transform: digested }),
    ingresses: ingresses ? new Store<Ingress>({ onFault, transform: withoutStatus }) : undefined,
    sessionJobs: new Store<FlinkSessionJob, 'cluster'>({
      onFault,
      indexers: { cluster: sessionClusterOf },
      transform: withSpec,
    }),
    snapshots: new Store<FlinkStateSnapshot, 'job'>({
      onFault,
      indexers: { job: jobOfSnapshot },
      transform: withSpec,
    }),
  };
}

/** `namespace/cluster id` of an object of a cluster. */
export function clusterOf(object: {
  readonly metadata: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
}): string[] {
  const { namespace, labels } = object.metadata;
  const app = labels?.app;
  return namespace === undefined || app === undefined ? [] : [`${namespace}/${app}`];
}

/** `namespace/name` of the session cluster that a job is on. */
export function sessionClusterOf(sessionJob: Cached<FlinkSessionJob>): string[] {
  return [`${sessionJob.metadata.namespace}/${sessionClusterName(sessionJob as FlinkSessionJob)}`];
}

/** `Kind/namespace/name` of the object whose job a snapshot is of. */
function jobOfSnapshot({ metadata, spec }: Cached<FlinkStateSnapshot>): string[] {
  const { kind, name } = spec.jobReference ?? {};
  return [`${kind}/${metadata.namespace}/${name}`];
}

/** The definitions do not ask for a spec: an object without one is as wrong as one with an empty spec, and no other case. */
function withSpec<T extends { spec?: unknown }>(object: T): T {
  return object.spec === undefined || object.spec === null ? { ...object, spec: {} } : object;
}

const WORKLOAD_EDITS: readonly FieldPath[] = [
  ['spec', 'replicas'],
  ['spec', 'template'],
];

function withoutTemplate(deployment: Deployment): Deployment {
  const spec: DeploymentSpec = { selector: {}, template: {} };
  if (deployment.spec?.replicas !== undefined) spec.replicas = deployment.spec.replicas;
  return withEdits({ ...deployment, spec }, WORKLOAD_EDITS);
}

function withoutTemplates(set: StatefulSet): StatefulSet {
  const spec: StatefulSetSpec = { selector: {}, template: {} };
  if (set.spec?.replicas !== undefined) spec.replicas = set.spec.replicas;
  return withEdits({ ...set, spec }, WORKLOAD_EDITS);
}

function digested(map: ConfigMap): ConfigMap {
  const data = Object.fromEntries(Object.entries(map.data ?? {}).map(([key, text]) => [key, textDigest(text)]));
  return withEdits({ apiVersion: map.apiVersion, kind: map.kind, metadata: map.metadata, data }, [['data']]);
}

function withEdits<T extends KubeObject>(object: T, roots: readonly FieldPath[]): T & Edited {
  const edits = foreignEdits(object, roots);
  return edits.length === 0 ? object : { ...object, edits };
}

function withoutStatus({ status: _, ...ingress }: Ingress): Ingress {
  return ingress;
}

function withoutSpec(pod: Pod): Pod {
  const { spec: _, ...rest } = pod;
  return rest;
}
