import { type Condition, isKubeError, type Outcome, Pod, type PodTemplateSpec, ReplicaSet } from '@drey/kube';
import { selects } from '../apiserver/selectors/match-labels.ts';
import { timestamp } from '../node/pod-status.ts';
import { type ControllerContext, controllerReference, objectKey, ownerKeys, startController } from './context.ts';
import { byDeletionRank, countPods, isActive } from './pod-facts.ts';
import { sameJson } from './same.ts';

/** At most this many pods are created or deleted in one pass. */
const BURST = 500;

export interface ReplicaSetPlan {
  readonly create: number;
  readonly remove: readonly Pod[];
}

/** How many pods to make, and which to remove. */
export function planReplicaSet(set: ReplicaSet, pods: readonly Pod[]): ReplicaSetPlan {
  const active = pods.filter(isActive);
  if (set.metadata.deletionTimestamp !== undefined) return { create: 0, remove: [] };
  const missing = (set.spec?.replicas ?? 1) - active.length;
  if (missing >= 0) return { create: Math.min(missing, BURST), remove: [] };
  return { create: 0, remove: [...active].sort(byDeletionRank).slice(0, Math.min(-missing, BURST)) };
}

/** The status as the real controller reports it. */
export function replicaSetStatus(
  set: ReplicaSet,
  pods: readonly Pod[],
  failure: string | undefined,
  now: number,
): NonNullable<ReplicaSet['status']> {
  const active = pods.filter(isActive);
  const counts = countPods(active, set.spec?.minReadySeconds ?? 0, now);
  const labels = set.spec?.template?.metadata?.labels ?? {};
  const full = active.filter((pod) =>
    Object.entries(labels).every(([key, value]) => pod.metadata.labels?.[key] === value),
  );
  const others = (set.status?.conditions ?? []).filter((condition) => condition.type !== 'ReplicaFailure');
  const conditions = failure === undefined ? others : [...others, replicaFailure(set, failure, now)];
  const some = (name: string, value: number) => (value === 0 ? {} : { [name]: value });
  return {
    replicas: active.length,
    ...some('fullyLabeledReplicas', full.length),
    ...some('readyReplicas', counts.ready),
    ...some('availableReplicas', counts.available),
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

function replicaFailure(set: ReplicaSet, message: string, now: number): Condition {
  const before = set.status?.conditions?.find((condition) => condition.type === 'ReplicaFailure');
  const lastTransitionTime = before?.lastTransitionTime ?? timestamp(now);
  return { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message, lastTransitionTime };
}

/** A pod by a template, for its controller. */
export function podFromTemplate(
  template: PodTemplateSpec,
  owner: Parameters<typeof controllerReference>[0],
  name: { readonly name: string } | { readonly generateName: string },
): Pod {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...name,
      namespace: owner.metadata.namespace ?? '',
      ...(labels === undefined ? {} : { labels: { ...labels } }),
      ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [controllerReference(owner)],
    },
    ...(template.spec === undefined ? {} : { spec: structuredClone(template.spec) }),
  };
}

/** Keeps as many pods of a template as asked for. */
export function startReplicaSetController(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const sets = context.informers.of(ReplicaSet);
  const pods = context.informers.of(Pod);
  const events = context.events('replicaset-controller');

  const createPods = async (set: ReplicaSet, count: number): Promise<string | undefined> => {
    const template = set.spec?.template;
    if (count === 0 || template === undefined) return undefined;
    const attempts = await Promise.allSettled(
      Array.from({ length: count }, () =>
        context.client.create(Pod, podFromTemplate(template, set, { generateName: `${set.metadata.name}-` })),
      ),
    );
    let failure: string | undefined;
    for (const attempt of attempts) {
      if (attempt.status === 'fulfilled') {
        events.record(set, {
          type: 'Normal',
          reason: 'SuccessfulCreate',
          message: `Created pod: ${attempt.value.metadata.name}`,
        });
      } else {
        failure = attempt.reason instanceof Error ? attempt.reason.message : String(attempt.reason);
      }
    }
    if (failure !== undefined) {
      events.record(set, { type: 'Warning', reason: 'FailedCreate', message: `Error creating: ${failure}` });
    }
    return failure;
  };

  const removePods = async (set: ReplicaSet, remove: readonly Pod[]): Promise<void> => {
    await Promise.all(
      remove.map(async (pod) => {
        await deletePod(context, pod);
        events.record(set, {
          type: 'Normal',
          reason: 'SuccessfulDelete',
          message: `Deleted pod: ${pod.metadata.name}`,
        });
      }),
    );
  };

  const adopt = async (set: ReplicaSet): Promise<void> => {
    const orphans = pods
      .list(set.metadata.namespace)
      .filter((pod) => isActive(pod) && selects(set.spec?.selector, pod.metadata.labels))
      .filter((pod) => !(pod.metadata.ownerReferences ?? []).some((owner) => owner.controller === true));
    await Promise.all(
      orphans.map((pod) => {
        const references = [...(pod.metadata.ownerReferences ?? []), controllerReference(set)];
        const patch = { metadata: { uid: pod.metadata.uid, ownerReferences: references } };
        return context.client.patch(Pod, pod.metadata.namespace, pod.metadata.name ?? '', 'merge', patch);
      }),
    );
  };

  const reconcile = async (namespace: string, name: string): Promise<Outcome> => {
    const set = sets.get(namespace, name);
    if (set === undefined) return { type: 'gone' };
    if (set.metadata.deletionTimestamp === undefined) await adopt(set);
    const owned = (): Pod[] => pods.ownedBy(set.metadata.uid ?? '');
    const plan = planReplicaSet(set, owned());
    const failure = await createPods(set, plan.create);
    await removePods(set, plan.remove);
    const now = context.clock.now();
    const status = replicaSetStatus(set, owned(), failure, now);
    if (!sameJson(status, set.status)) {
      await context.client.replace(ReplicaSet, { ...set, status }, { subresource: 'status' });
    }
    if (failure !== undefined) return { type: 'failed', error: new Error(failure) };
    const next = countPods(owned().filter(isActive), set.spec?.minReadySeconds ?? 0, now).nextAvailableAt;
    return { type: 'done', ...(next === undefined ? {} : { requeueAfterMs: next - now }) };
  };

  const orphanKeys = (pod: Pod): readonly string[] => {
    const owner = ownerKeys('ReplicaSet')(pod);
    if (owner.length > 0 || (pod.metadata.ownerReferences ?? []).length > 0) return owner;
    return sets
      .list(pod.metadata.namespace)
      .filter((set) => selects(set.spec?.selector, pod.metadata.labels))
      .map(objectKey);
  };
  return startController(
    context,
    {
      name: 'replicaset',
      sources: [sets.source((set) => [objectKey(set)]), pods.source(orphanKeys)],
      reconcile,
    },
    signal,
  );
}

/** Deletes this very pod; one that is gone already is fine. */
export async function deletePod(context: Pick<ControllerContext, 'client'>, pod: Pod): Promise<void> {
  const { namespace, name = '', uid } = pod.metadata;
  try {
    await context.client.delete(Pod, namespace, name, uid === undefined ? {} : { uid });
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) throw error;
  }
}
