import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import { type Cached, Deployment, isKubeError, Pod, Service } from '@drey/kube';
import { taskManagersName } from '@drey/manifests';
import { currentOperation } from '../../job/operation.ts';
import { known, type Reading, unknown } from '../../job/reading.ts';
import { lastReconciled } from '../../job/recorded-spec.ts';
import { CLUSTER_SELECTOR } from '../../runtime/caches.ts';
import type { Env } from '../../runtime/ports.ts';
import { isSessionCluster, isStandalone } from '../context.ts';
import { type Workload, workloadOf } from '../task-managers.ts';
import type { ObservedSessionJob, Remains, TaskManagersKind, TaskManagerWorkload, World } from '../world.ts';
import { OPERATION_ANNOTATION } from './kube-readings.ts';

/** What the readings of one object are made from. */
export interface ReadingScope {
  readonly env: Env;
  readonly deployment: FlinkDeployment;
  readonly namespace: string;
  readonly name: string;
  /** A JobManager Deployment of this name is in the cache. */
  readonly present: boolean;
  /** The user's spec, or what was deployed, asks for a StatefulSet of TaskManagers. Absent: neither does. */
  readonly statefulSet?: NonNullable<World['refusedStatefulSets']> | undefined;
  readonly signal: AbortSignal;
}

/**
 * The Deployment or StatefulSet of TaskManagers, as the caches have it. Where StatefulSets may not be read there are none for a
 * cluster that never asked for one; for one that did it is not known.
 */
export function readTaskManagers(scope: ReadingScope): Reading<TaskManagerWorkload | undefined> {
  const { env, namespace, name, statefulSet } = scope;
  const { deployments, statefulSets } = env.caches;
  if (!deployments.synced) return unknown('the cache of Deployments is not filled yet', env.clock.now());
  const wanted = taskManagersName(name);
  const observed =
    observedTaskManagers('StatefulSet', statefulSets.get(namespace, wanted)) ??
    observedTaskManagers('Deployment', deployments.get(namespace, wanted));
  if (observed === undefined && statefulSet !== undefined && !statefulSets.listed(namespace)) {
    return unknown('StatefulSets may not be read', env.clock.now());
  }
  return known(observed, env.clock.now());
}

/** Who misses the right to read StatefulSets. */
export function refusedStatefulSets({ env, namespace, statefulSet }: ReadingScope): Pick<World, 'refusedStatefulSets'> {
  const refused = statefulSet !== undefined && !env.caches.statefulSets.listed(namespace);
  return refused ? { refusedStatefulSets: statefulSet } : {};
}

/** The session jobs that name a session cluster, as the cache has them. */
export function readSessionJobs(scope: ReadingScope): Reading<readonly ObservedSessionJob[]> {
  const { env, deployment, namespace, name } = scope;
  if (!isSessionCluster(deployment.spec)) return unknown('it is no session cluster', env.clock.now());
  const { sessionJobs } = env.caches;
  if (!sessionJobs.synced) return unknown('the cache of FlinkSessionJobs is not filled yet', env.clock.now());
  const observed = sessionJobs.byIndex('cluster', `${namespace}/${name}`).map(({ metadata, spec, status }) => ({
    name: metadata.name ?? '',
    deleting: metadata.deletionTimestamp !== undefined,
    jobId: status?.jobStatus?.jobId ?? undefined,
    runsWithState: runsWithState(spec, status),
    ...endingSince(spec, status),
  }));
  return known(
    observed.sort((one, other) => (one.name < other.name ? -1 : 1)),
    env.clock.now(),
  );
}

function endingSince(
  { job }: Cached<FlinkSessionJob>['spec'],
  status: Cached<FlinkSessionJob>['status'],
): Pick<ObservedSessionJob, 'endingSince'> {
  const operation = currentOperation(status?.operation);
  const ends = operation?.phase === 'stopping' || operation?.phase === 'cancelling';
  if (!ends || (job?.upgradeMode ?? 'stateless') === 'stateless') return {};
  return { endingSince: Date.parse(operation.startedAt ?? '') };
}

function runsWithState(
  { job }: Cached<FlinkSessionJob>['spec'],
  status: Cached<FlinkSessionJob>['status'],
): boolean | undefined {
  if ((job?.upgradeMode ?? 'stateless') === 'stateless') return false;
  const phase = currentOperation(status?.operation)?.phase;
  if (phase === 'stopping' || phase === 'cancelling' || status?.jobStatus?.state === 'RUNNING') return true;
  return status?.jobStatus?.state === 'RECONCILING' && phase === undefined ? undefined : false;
}

/** Asked of the API server itself, and only when the cache says that everything is gone: the cache may be behind. */
export async function readRemains(scope: ReadingScope): Promise<Reading<Remains>> {
  const { env, deployment, namespace, name, signal, statefulSet } = scope;
  const phase = currentOperation(deployment.status?.operation)?.phase;
  const asked = deployment.metadata.deletionTimestamp !== undefined || phase === 'removing' || phase === 'deploying';
  if (!asked || scope.present) return unknown('not read in this pass', env.clock.now());
  const labelSelector = `${CLUSTER_SELECTOR},app=${name}`;
  return attempt(env, async () => {
    const isReadable = env.caches.statefulSets.listed(namespace);
    const hasOwn = isStandalone(lastReconciled(deployment.status ?? {})?.spec ?? deployment.spec);
    const workload = (kind: TaskManagersKind) =>
      found(env.kube.get(workloadOf(kind).resource, namespace, taskManagersName(name), { signal }));
    const services = [`${name}-rest`, name, ...(statefulSet === undefined ? [] : [taskManagersName(name)])];
    const [live, taskManagers, statefulTaskManagers, pods, ...others] = await Promise.all([
      found(env.kube.get(Deployment, namespace, name, { signal })),
      hasOwn ? workload('Deployment') : undefined,
      // Without the right to read them, who never asked for one has none, and for others this reading fails.
      hasOwn && (isReadable || statefulSet !== undefined) ? workload('StatefulSet') : undefined,
      env.kube.list(Pod, { namespace, labelSelector, signal }),
      ...services.map((service) => found(env.kube.get(Service, namespace, service, { signal }))),
    ]);
    const jobManagers = pods.items.filter((pod) => pod.metadata.labels?.component === 'jobmanager');
    return {
      deployment: live !== undefined,
      // One after the other, should there be both.
      taskManagers:
        observedTaskManagers('Deployment', taskManagers) ?? observedTaskManagers('StatefulSet', statefulTaskManagers),
      pods: pods.items.map(nameOf),
      jobManagerPods: jobManagers.map(nameOf),
      services: others.filter((one) => one !== undefined).map(nameOf),
    };
  });
}

/** A reading of the API server; unknown when it did not answer. */
export async function attempt<T>(env: Env, read: () => Promise<T>): Promise<Reading<T>> {
  try {
    return known(await read(), env.clock.now());
  } catch (error) {
    if (!isKubeError(error)) throw error;
    return unknown(`the API server did not answer (${error.code})`, env.clock.now());
  }
}

function observedTaskManagers(
  kind: TaskManagersKind,
  workload: Cached<Workload> | undefined,
): TaskManagerWorkload | undefined {
  if (workload === undefined) return undefined;
  const { metadata, spec } = workload;
  return {
    kind,
    uid: metadata.uid ?? '',
    deleting: metadata.deletionTimestamp !== undefined,
    ownerUid: metadata.ownerReferences?.find((one) => one.kind === 'FlinkDeployment')?.uid,
    operationId: metadata.annotations?.[OPERATION_ANNOTATION],
    replicas: spec?.replicas ?? 1,
  };
}

/** undefined: there is no such object. */
export async function found<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}

function nameOf({ metadata }: { readonly metadata: { readonly name?: string } }): string {
  return metadata.name ?? '';
}
