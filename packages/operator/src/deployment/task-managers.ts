import { type FlinkDeployment, flattenConfiguration } from '@drey/api';
import { type ConfigurationWarning, type FlinkConfig, taskManagerStatefulSetOptions } from '@drey/flink';
import { Deployment, type KubeObject, type Resource, StatefulSet, type Store } from '@drey/kube';
import type { Caches } from '../runtime/caches.ts';
import { isStandalone } from './context.ts';
import type { Edited } from './drift/field-managers.ts';
import type { TaskManagersKind } from './world.ts';

/** A Deployment or a StatefulSet, as far as both have the same. */
export interface Workload extends KubeObject {
  spec?: { replicas?: number; template: unknown };
}

/** How a kind of workload is called and where it is kept. */
export interface WorkloadKind {
  readonly resource: Resource<Workload>;
  readonly cache: (caches: Caches) => Store<Workload & Edited>;
}

const KINDS: Readonly<Record<TaskManagersKind, WorkloadKind>> = {
  Deployment: {
    resource: Deployment as unknown as Resource<Workload>,
    cache: (caches) => caches.deployments as unknown as Store<Workload & Edited>,
  },
  StatefulSet: {
    resource: StatefulSet as unknown as Resource<Workload>,
    cache: (caches) => caches.statefulSets as unknown as Store<Workload & Edited>,
  },
};

export function workloadOf(kind: TaskManagersKind): WorkloadKind {
  return KINDS[kind];
}

/** The kind of an object that was built as the TaskManagers of a cluster. */
export function kindOfTaskManagers(built: KubeObject): TaskManagersKind {
  return built.kind === StatefulSet.kind ? 'StatefulSet' : 'Deployment';
}

/** Options of claims that a resource sets for itself although no claims are made for it. */
export function claimWarnings({ spec }: FlinkDeployment, options: FlinkConfig): readonly ConfigurationWarning[] {
  const { enabled, volumeSize, volumeStorageClass } = taskManagerStatefulSetOptions;
  const own = flattenConfiguration(spec.flinkConfiguration);
  const unless = (fits: boolean, key: string, what: string): readonly ConfigurationWarning[] =>
    fits || own[key] === undefined ? [] : [{ key, kind: 'without-effect', message: `${key} has no effect: ${what}` }];
  const hasStatefulSet = isStandalone(spec) && taskManagersKind(options) === 'StatefulSet';
  const why = isStandalone(spec)
    ? `the TaskManagers are a Deployment. Set ${enabled.key} to true.`
    : 'in native mode Flink itself makes the TaskManagers.';
  if (!hasStatefulSet) return [volumeSize, volumeStorageClass].flatMap(({ key }) => unless(false, key, why));
  const without = `there are no claims. Set ${volumeSize.key}.`;
  return unless(options.has(volumeSize), volumeStorageClass.key, without);
}

/** What the TaskManagers of a standalone cluster with this configuration are made as. */
export function taskManagersKind(options: FlinkConfig): TaskManagersKind {
  return options.get(taskManagerStatefulSetOptions.enabled) ? 'StatefulSet' : 'Deployment';
}
