import { type Cached, ConfigMap, Ingress, isKubeError, type KubeObject, type Resource, Service } from '@drey/kube';
import { MANAGER } from '../../job/primary-writes.ts';
import type { Env } from '../../runtime/ports.ts';
import type { ClusterToCreate } from '../plan.ts';
import { type Workload, workloadOf } from '../task-managers.ts';
import type { DriftedObject } from '../world.ts';

/** Objects of a running cluster that are to be put back. */
export interface Repair {
  /** What the cluster was made from. */
  readonly cluster: ClusterToCreate;
  readonly objects: readonly DriftedObject[];
}

/**
 * Puts objects back as the cluster was made, by server-side apply: only fields that the operator means are written, and
 * those of others stay. Of a Deployment or StatefulSet only the number of replicas is written.
 */
export async function repair(env: Env, { cluster, objects }: Repair, signal: AbortSignal): Promise<void> {
  const built = env.clusters(cluster);
  const { namespace = '', name = '' } = cluster.deployment.metadata;
  const jobManager = env.caches.deployments.get(namespace, name);
  if (jobManager === undefined) return; // It has gone meanwhile, and what it owned goes with it.
  const owner = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    name,
    uid: jobManager.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
  const options = { fieldManager: MANAGER, force: true, signal };
  const apply = <T extends KubeObject>(r: Resource<T>, intent: T) => env.kube.apply(r, intent, options);
  const ownedBy = <T extends KubeObject>(object: T): T => ({
    ...object,
    metadata: { ...object.metadata, namespace, ownerReferences: [owner] },
  });
  for (const { kind, name: wanted } of objects) {
    const object = [...built.accompanying].find((one) => one.kind === kind && one.metadata.name === wanted);
    if (kind === 'Service' && object !== undefined) {
      await apply(Service, ownedBy(object as Service));
    } else if (kind === 'ConfigMap' && object !== undefined) {
      await apply(ConfigMap, ownedBy(object as ConfigMap));
    } else if (kind === 'Ingress' && built.ingress !== undefined) {
      await apply(Ingress, built.ingress);
    } else if (kind === 'Deployment' || kind === 'StatefulSet') {
      const workloads: readonly (Workload | undefined)[] = [built.deployment, built.taskManagers];
      const intent = workloads.find((one) => one?.kind === kind && one.metadata.name === wanted);
      const { resource, cache } = workloadOf(kind);
      const live = cache(env.caches).get(namespace, wanted);
      if (intent !== undefined && live !== undefined) await apply(resource, replicasOf(intent, live, namespace));
    }
  }
}

/** Applies to exactly this workload, and never creates one. */
function replicasOf({ kind, spec }: Workload, live: Cached<Workload>, namespace: string): Workload {
  const { name = '', uid = '' } = live.metadata;
  const replicas = { replicas: spec?.replicas ?? 1 } as NonNullable<Workload['spec']>;
  return { apiVersion: 'apps/v1', kind, metadata: { name, namespace, uid }, spec: replicas };
}

/** Deletes the Ingress with this uid, if it is still there. */
export async function deleteIngress(
  env: Env,
  namespace: string | undefined,
  { name, uid }: { readonly name: string; readonly uid: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    await env.kube.delete(Ingress, namespace, name, { uid, signal });
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) throw error;
  }
}
