import type { PersistentVolumeClaim, Pod, StatefulSet } from '@drey/kube';
import { controllerReference } from './context.ts';
import { templateHash } from './deployment-plan.ts';
import { hasEnded, isPodReady } from './pod-facts.ts';
import { podFromTemplate } from './replica-set.ts';

/** What a StatefulSet does with its pods next, as pure functions with the real controller's order. */

export const REVISION_LABEL = 'controller-revision-hash';

export interface StatefulPlan {
  /** Ordinals to create, in order. */
  readonly create: readonly number[];
  readonly remove: readonly Pod[];
}

/** The name of the revision that pods of the template as it is now belong to. */
export function revisionName(set: StatefulSet): string {
  return `${set.metadata.name}-${templateHash(set.spec?.template ?? {}, set.status?.collisionCount ?? 0)}`;
}

export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const name = pod.metadata.name ?? '';
  const text = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * Ordered: a pod is made when all before it are ready; the highest goes first when there are too many; an update replaces
 * one pod at a time from the highest ordinal down to the partition, each after the one above it is ready again.
 */
export function planStatefulSet(set: StatefulSet, pods: readonly Pod[]): StatefulPlan {
  if (set.metadata.deletionTimestamp !== undefined) return { create: [], remove: [] };
  const start = set.spec?.ordinals?.start ?? 0;
  const end = start + (set.spec?.replicas ?? 1);
  const parallel = set.spec?.podManagementPolicy === 'Parallel';
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(set, pod), pod]));
  const create: number[] = [];
  const remove: Pod[] = [];
  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) create.push(ordinal);
    else if (hasEnded(pod) && pod.metadata.deletionTimestamp === undefined) remove.push(pod);
    const healthy = pod !== undefined && pod.metadata.deletionTimestamp === undefined && isPodReady(pod);
    if (!parallel && !healthy) return { create, remove };
  }
  const excess = pods
    .filter((pod) => {
      const ordinal = ordinalOf(set, pod);
      return ordinal !== undefined && (ordinal < start || ordinal >= end);
    })
    .sort((a, b) => (ordinalOf(set, b) ?? 0) - (ordinalOf(set, a) ?? 0));
  if (excess.length > 0) {
    const [highest] = excess;
    const leaving = excess.filter((pod) => pod.metadata.deletionTimestamp === undefined);
    if (parallel) return { create, remove: [...remove, ...leaving] };
    return {
      create,
      remove: highest !== undefined && highest.metadata.deletionTimestamp === undefined ? [highest] : [],
    };
  }
  if (create.length > 0 || remove.length > 0) return { create, remove };
  return { create, remove: nextToUpdate(set, byOrdinal, start, end) };
}

function nextToUpdate(set: StatefulSet, pods: ReadonlyMap<number | undefined, Pod>, start: number, end: number): Pod[] {
  if (set.spec?.updateStrategy?.type === 'OnDelete') return [];
  const partition = Math.max(start, set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0);
  const revision = revisionName(set);
  for (let ordinal = end - 1; ordinal >= partition; ordinal--) {
    const pod = pods.get(ordinal);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return [];
    if (pod.metadata.labels?.[REVISION_LABEL] !== revision) return [pod];
    if (!isPodReady(pod)) return [];
  }
  return [];
}

/** The pod of an ordinal, with its stable name and its claims. */
export function statefulPod(set: StatefulSet, ordinal: number): Pod {
  const name = `${set.metadata.name}-${ordinal}`;
  const pod = podFromTemplate(set.spec?.template ?? {}, set, { name });
  pod.metadata.labels = {
    ...pod.metadata.labels,
    [REVISION_LABEL]: revisionName(set),
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
  };
  if (pod.spec === undefined) return pod;
  pod.spec.hostname = name;
  if (set.spec?.serviceName) pod.spec.subdomain = set.spec.serviceName;
  const claims = (set.spec?.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name ?? '');
  const own = (pod.spec.volumes ?? []).filter((volume) => !claims.includes(volume.name));
  const volumes = [
    ...own,
    ...claims.map((claim) => ({ name: claim, persistentVolumeClaim: { claimName: `${claim}-${name}` } })),
  ];
  if (volumes.length > 0) pod.spec.volumes = volumes;
  return pod;
}

export function claimsOf(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    ...structuredClone(template),
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...template.metadata,
      name: `${template.metadata.name}-${set.metadata.name}-${ordinal}`,
      namespace: set.metadata.namespace ?? '',
      labels: { ...set.spec?.selector.matchLabels, ...template.metadata.labels },
      ...(set.spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete'
        ? { ownerReferences: [controllerReference(set)] }
        : {}),
    },
  }));
}

export function statefulStatus(set: StatefulSet, pods: readonly Pod[]): NonNullable<StatefulSet['status']> {
  const alive = pods.filter((pod) => ordinalOf(set, pod) !== undefined && !hasEnded(pod));
  const revision = revisionName(set);
  const updated = alive.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === revision);
  const complete = updated.length === alive.length && alive.length === (set.spec?.replicas ?? 1);
  const current = complete ? revision : (set.status?.currentRevision ?? revision);
  const ready = alive.filter(isPodReady).length;
  const some = (name: string, value: number) => (value === 0 ? {} : { [name]: value });
  return {
    replicas: alive.length,
    ...some('readyReplicas', ready),
    availableReplicas: ready,
    ...some('currentReplicas', alive.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === current).length),
    ...some('updatedReplicas', updated.length),
    currentRevision: current,
    updateRevision: revision,
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    collisionCount: set.status?.collisionCount ?? 0,
    ...(set.status?.conditions === undefined ? {} : { conditions: set.status.conditions }),
  };
}
