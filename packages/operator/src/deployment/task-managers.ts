import { type FlinkConfig, taskManagerStatefulSetOptions } from '@drey/flink';
import { Deployment, type KubeObject, type Resource, StatefulSet, type Store } from '@drey/kube';
import type { Caches } from '../runtime/caches.ts';
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

/** What the TaskManagers of a standalone cluster with this configuration are made as. */
export function taskManagersKind(options: FlinkConfig): TaskManagersKind {
  return options.get(taskManagerStatefulSetOptions.enabled) ? 'StatefulSet' : 'Deployment';
}
