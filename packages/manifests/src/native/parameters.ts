import { javaHashEntries, javaHashOrder } from '@drey/api';
import { before, type ConfigOption, type FlinkConfig, type FlinkVersion, formatFlinkVersion } from '@drey/flink';
import type { ManifestObject } from '../kubernetes/objects.ts';
import { LABEL_APP, LABEL_COMPONENT, LABEL_TYPE, type NATIVE_TYPE, type STANDALONE_TYPE } from './constants.ts';
import type { ClientFiles, ClusterTarget, ConfigFileFormat } from './input.ts';
import { byRole, type Role } from './options.ts';
import type { FlinkPod } from './pod.ts';

/** What every step of the chain is given: the finished configuration, and the files it names. */
export interface Parameters {
  readonly flinkVersion: FlinkVersion;
  readonly target: ClusterTarget;
  readonly clusterId: string;
  /** Value of the label that tells who makes the TaskManagers: Flink itself, or whoever deploys the cluster. */
  readonly clusterType: typeof NATIVE_TYPE | typeof STANDALONE_TYPE;
  readonly config: FlinkConfig;
  /** The keys that the configuration has when the pod is made: their number decides the order of what is read from it. */
  readonly podKeys: readonly string[];
  /** The format of the configuration file that the pods get. */
  readonly configFile: ConfigFileFormat;
  readonly files: ClientFiles;
  /** Memory and CPU of the container. */
  readonly container: ContainerSize;
}

/** What the container of a role is given. */
export interface ContainerSize {
  readonly cpu: number;
  /** Total memory of the process, in whole MiB. */
  readonly memoryMiB: number;
}

/** What the chain for TaskManager pods is given on top. */
export interface TaskManagerParameters extends Parameters {
  readonly podName: string;
  /** `-Dkey='value'` for every key whose value in the JobManager differs from the configuration file. */
  readonly dynamicProperties: string;
  /** `-D key=value` of the memory model. */
  readonly memoryArguments: string;
  readonly jvmMemoryOptions: string;
  readonly externalResources: ReadonlyMap<string, string>;
  readonly owner?: { readonly name: string; readonly uid: string };
}

/** One concern of a cluster’s manifests: what it changes in a pod, and which objects come with it. */
export interface Decorator<P extends Parameters = Parameters> {
  readonly concern: string;
  decorate?(pod: FlinkPod, parameters: P): FlinkPod;
  resources?(parameters: P): ManifestObject[];
}

/** Labels of everything that belongs to a cluster. */
export function commonLabels({ clusterId, clusterType }: ClusterIdentity): Record<string, string> {
  return { [LABEL_APP]: clusterId, [LABEL_TYPE]: clusterType };
}

type ClusterIdentity = Pick<Parameters, 'clusterId' | 'clusterType'>;

/** Labels that select the pods of a role. */
export function selectorLabels(cluster: ClusterIdentity, role: Role): Record<string, string> {
  return { ...commonLabels(cluster), [LABEL_COMPONENT]: role };
}

/** The user’s labels of a role with those that Flink needs; Flink’s win. */
export function roleLabels(p: Parameters, role: Role): Record<string, string> {
  return { ...Object.fromEntries(p.config.get(byRole[role].labels)), ...selectorLabels(p, role) };
}

/**
 * The entries under a prefix in Java's order: Flink goes over its configuration, a hash map, and puts what it finds into
 * another; keys that share a place in the second keep the order of the first.
 */
export function prefixedInJavaOrder({ config, podKeys }: Parameters, prefix: string): [string, string][] {
  const found = javaHashOrder(podKeys).filter((key) => key.startsWith(prefix));
  const names = javaHashOrder(found.map((key) => key.slice(prefix.length)));
  return names.map((name) => [name, config.raw(`${prefix}${name}`) ?? '']);
}

/** The entries of a map option in Java's order, whether they stand in one text or under a key each. */
export function mapInJavaOrder(p: Parameters, declared: ConfigOption<ReadonlyMap<string, string>>): [string, string][] {
  const key = p.config.keyOf(declared);
  if (key === undefined) return [];
  return p.config.raw(key) === undefined
    ? prefixedInJavaOrder(p, `${key}.`)
    : javaHashEntries(p.config.get(declared) ?? new Map());
}

/** The image when neither configuration nor template names one. */
export function defaultImage(version: FlinkVersion): string {
  return `apache/flink:${formatFlinkVersion(version)}-scala_2.12`;
}

/**
 * Up to 1.17 the client writes maps that a step has set even when they are empty; from 1.18 on it leaves them out.
 */
export function setMap(
  version: FlinkVersion,
  name: string,
  value: Record<string, string> | undefined,
): Record<string, Record<string, string>> {
  if (value === undefined) return {};
  return Object.keys(value).length > 0 || before(version, '1.18') ? { [name]: value } : {};
}
