import { ConfigMap, Ingress, isKubeError, type KubeObject, type Resource, Secret, Service } from '@drey/kube';
import { StepError } from '../../job/step-error.ts';
import type { Env } from '../../runtime/ports.ts';
import { OPERATION_ANNOTATION } from '../observation/kube-readings.ts';
import type { ClusterToCreate } from '../plan.ts';
import { kindOfTaskManagers, type Workload, workloadOf } from '../task-managers.ts';

const MANAGER = 'drey';
const ACCOMPANYING: readonly Resource<KubeObject>[] = [Service, ConfigMap, Secret];

/**
 * Creates a cluster's objects: its Deployment, marked with the operation, what the Deployment owns, the TaskManagers of a
 * standalone cluster, and its Ingress. Objects that the same operation created before are left as they are, so a repetition
 * completes what is missing.
 * Fails with E_OPERATOR_NAME_TAKEN when an object of that name belongs to something else.
 */
export async function createCluster(env: Env, cluster: ClusterToCreate, signal: AbortSignal): Promise<void> {
  const built = env.clusters(cluster);
  const deployment = await createWorkload(env, marked(built.deployment, cluster.operationId), cluster, signal);
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name: deployment.metadata.name ?? '',
    uid: deployment.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
  const namespace = cluster.deployment.metadata.namespace ?? '';
  // One after the other, in Flink's order: the Services first, so that their addresses exist when the pod asks for them.
  for (const object of built.accompanying) {
    const owned = { ...object, metadata: { ...object.metadata, namespace, ownerReferences: [owner] } };
    await createOwned(env, owned, owner.uid, signal);
  }
  if (built.taskManagers !== undefined) await createTaskManagers(env, cluster, signal);
  if (built.ingress !== undefined) await applyIngress(env, built.ingress, signal);
}

/** Creates the Deployment or StatefulSet of a standalone cluster's TaskManagers, or leaves it as the same operation created it. */
export async function createTaskManagers(env: Env, cluster: ClusterToCreate, signal: AbortSignal): Promise<void> {
  const { taskManagers } = env.clusters(cluster);
  if (taskManagers === undefined) {
    throw new StepError('E_OPERATOR_PLAN', 'Only a standalone cluster has TaskManagers of its own.');
  }
  await createWorkload(env, marked(taskManagers, cluster.operationId), cluster, signal);
}

/** The address of a cluster outlives its processes, so an Ingress that is there is brought in line. */
export async function applyIngress(env: Env, ingress: Ingress, signal: AbortSignal): Promise<void> {
  await env.kube.apply(Ingress, ingress, { fieldManager: MANAGER, force: true, signal });
}

function marked(workload: Workload, operationId: string): Workload {
  const annotations = { ...workload.metadata.annotations, [OPERATION_ANNOTATION]: operationId };
  return { ...workload, metadata: { ...workload.metadata, annotations } };
}

async function createWorkload(
  env: Env,
  workload: Workload,
  cluster: ClusterToCreate,
  signal: AbortSignal,
): Promise<Workload> {
  const { namespace, uid } = cluster.deployment.metadata;
  const { name = '' } = workload.metadata;
  const kind = kindOfTaskManagers(workload);
  const { resource, cache } = workloadOf(kind);
  const placed = { ...workload, metadata: { ...workload.metadata, namespace: namespace ?? '' } };
  try {
    return await env.kube.create(resource, placed, { fieldManager: MANAGER, signal });
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
  }
  const existing = await env.kube.get(resource, namespace, name, { signal });
  const isOurs = existing.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;
  const isSame = existing.metadata.annotations?.[OPERATION_ANNOTATION] === cluster.operationId;
  if (!isOurs) throw taken(kind, namespace, name);
  if (!isSame || existing.metadata.deletionTimestamp !== undefined) {
    throw new StepError('E_OPERATOR_REMAINS', `The ${kind} ${name} of an older cluster is still there.`);
  }
  cache(env.caches).written(existing);
  return existing;
}

async function createOwned(env: Env, object: KubeObject, ownerUid: string, signal: AbortSignal): Promise<void> {
  const resource = ACCOMPANYING.find((one) => one.kind === object.kind);
  if (resource === undefined) {
    throw new StepError('E_OPERATOR_PLAN', `There is no way to create a ${object.kind} with a cluster.`);
  }
  try {
    await env.kube.create<KubeObject>(resource, object, { fieldManager: MANAGER, signal });
    return;
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
  }
  const { namespace, name = '' } = object.metadata;
  const existing = await env.kube.get<KubeObject>(resource, namespace, name, { signal });
  const owners = existing.metadata.ownerReferences ?? [];
  if (owners.some((owner) => owner.uid === ownerUid)) return;
  if (owners.some((owner) => owner.kind === 'Deployment') || existing.metadata.deletionTimestamp !== undefined) {
    throw new StepError('E_OPERATOR_REMAINS', `The ${object.kind} ${name} of an older cluster is still there.`);
  }
  throw taken(object.kind, namespace, name);
}

function taken(kind: string, namespace: string | undefined, name: string): StepError {
  return new StepError(
    'E_OPERATOR_NAME_TAKEN',
    `The ${kind} ${namespace}/${name} exists and is not part of this cluster.`,
  );
}
