import { ConfigMap, Ingress, isKubeError, type KubeObject, type Resource, Service } from '@drey/kube';
import { taskManagersName } from '@drey/manifests';
import type { ClusterObjects, Env } from '../../runtime/ports.ts';
import type { ClusterToCreate, Step } from '../plan.ts';
import { applyIngress } from '../start/create-cluster.ts';
import { workloadOf } from '../task-managers.ts';

const MANAGER = 'drey';

/**
 * Brings the objects around a running cluster from one spec to another: labels and annotations of Services, logging files in
 * the ConfigMap, and the Ingress. Each object gets a patch of exactly what differs between the two specs, so whatever others
 * wrote into it stays, and so does the configuration that the processes were started with. Done twice it changes nothing.
 */
export async function changeObjects(
  env: Env,
  { from, to }: Extract<Step, { kind: 'change-objects' }>,
  signal: AbortSignal,
): Promise<void> {
  const [before, after] = [env.clusters(from), env.clusters(to)];
  const { namespace } = to.deployment.metadata;
  for (const { resource, name, patch } of patchesOf(before, after)) {
    await env.kube.patch(resource, namespace, name, 'merge', patch, { fieldManager: MANAGER, signal });
  }
  if (after.ingress !== undefined) await applyIngress(env, after.ingress, signal);
  else if (before.ingress !== undefined) await removeIngress(env, to, before.ingress, signal);
}

/** Sets the number of TaskManagers of a standalone cluster. */
export async function scaleTaskManagers(
  env: Env,
  cluster: { readonly namespace: string | undefined; readonly name: string },
  { workload, replicas }: Pick<Extract<Step, { kind: 'scale-task-managers' }>, 'workload' | 'replicas'>,
  signal: AbortSignal,
): Promise<void> {
  const { resource } = workloadOf(workload);
  const options = { fieldManager: MANAGER, signal };
  await env.kube.patch(
    resource,
    cluster.namespace,
    taskManagersName(cluster.name),
    'merge',
    { spec: { replicas } },
    options,
  );
}

/** A patch of one object. */
export interface ObjectPatch {
  readonly resource: Resource<KubeObject>;
  readonly name: string;
  /** A JSON merge patch. */
  readonly patch: Readonly<Record<string, unknown>>;
}

/** What has to be patched for the objects of one spec to become those of the other; pure. */
export function patchesOf(
  before: Pick<ClusterObjects, 'accompanying'>,
  after: Pick<ClusterObjects, 'accompanying'>,
): readonly ObjectPatch[] {
  return after.accompanying.flatMap((object): ObjectPatch[] => {
    const { name = '' } = object.metadata;
    const old = before.accompanying.find((one) => one.kind === object.kind && one.metadata.name === name);
    if (old === undefined) return [];
    if (object.kind === Service.kind) return wrapped(Service, name, metadataPatch(old, object));
    if (object.kind === ConfigMap.kind)
      return wrapped(ConfigMap, name, loggingPatch(old as ConfigMap, object as ConfigMap));
    return [];
  });
}

function wrapped<T extends KubeObject>(
  resource: Resource<T>,
  name: string,
  patch: Readonly<Record<string, unknown>> | undefined,
): ObjectPatch[] {
  return patch === undefined ? [] : [{ resource: resource as Resource<KubeObject>, name, patch }];
}

type Texts = Readonly<Record<string, string>> | undefined;

function metadataPatch(old: KubeObject, object: KubeObject): Record<string, unknown> | undefined {
  const labels = textPatch(old.metadata.labels, object.metadata.labels);
  const annotations = textPatch(old.metadata.annotations, object.metadata.annotations);
  if (labels === undefined && annotations === undefined) return undefined;
  return { metadata: { ...(labels && { labels }), ...(annotations && { annotations }) } };
}

/** Only logging files: the configuration file holds ids of the deployment that runs. */
function loggingPatch(old: ConfigMap, object: ConfigMap): Record<string, unknown> | undefined {
  const files = (map: ConfigMap): Texts =>
    Object.fromEntries(Object.entries(map.data ?? {}).filter(([name]) => /^(?:log4j|logback)/.test(name)));
  const data = textPatch(files(old), files(object));
  return data === undefined ? undefined : { data };
}

/** Entries that differ, and null for those that go. */
function textPatch(before: Texts = {}, after: Texts = {}): Record<string, string | null> | undefined {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (one) => before[one] !== after[one],
  );
  return names.length === 0 ? undefined : Object.fromEntries(names.map((name) => [name, after[name] ?? null]));
}

/** Only an Ingress of this deployment goes; another one of the same name is somebody else's. */
async function removeIngress(env: Env, cluster: ClusterToCreate, ingress: Ingress, signal: AbortSignal): Promise<void> {
  const { namespace, uid } = cluster.deployment.metadata;
  const { name = '' } = ingress.metadata;
  try {
    const live = await env.kube.get(Ingress, namespace, name, { signal });
    const ours = live.metadata.ownerReferences?.some((owner) => owner.uid === uid) === true;
    if (ours) await env.kube.delete(Ingress, namespace, name, { uid: live.metadata.uid ?? '', signal });
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
  }
}
