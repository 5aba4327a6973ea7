import type { Pod } from '@drey/kube';

/** Neither ended nor on its way out. */
export function isActive(pod: Pod): boolean {
  return !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined;
}

export function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function isPodReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true;
}

/** When the pod becomes available (ready for `minReadySeconds`); undefined when it is not ready. */
export function availableAt(pod: Pod, minReadySeconds: number): number | undefined {
  const ready = pod.status?.conditions?.find((c) => c.type === 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  return Date.parse(ready.lastTransitionTime ?? '') + minReadySeconds * 1000;
}

export interface PodCounts {
  readonly ready: number;
  readonly available: number;
  /** When the next ready pod becomes available. */
  readonly nextAvailableAt: number | undefined;
}

export function countPods(pods: readonly Pod[], minReadySeconds: number, now: number): PodCounts {
  const times = pods.map((pod) => availableAt(pod, minReadySeconds)).filter((at) => at !== undefined);
  const later = times.filter((at) => at > now);
  return {
    ready: times.length,
    available: times.length - later.length,
    nextAvailableAt: later.length === 0 ? undefined : Math.min(...later),
  };
}

/** Pods that are least missed first: unscheduled, not running, not ready, youngest. */
export function byDeletionRank(a: Pod, b: Pod): number {
  const rank = (pod: Pod): number =>
    (pod.spec?.nodeName ? 4 : 0) + (pod.status?.phase === 'Running' ? 2 : 0) + (isPodReady(pod) ? 1 : 0);
  return (
    rank(a) - rank(b) || createdAt(b) - createdAt(a) || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1)
  );
}

function createdAt(pod: Pod): number {
  return Date.parse(pod.metadata.creationTimestamp ?? '') || 0;
}
