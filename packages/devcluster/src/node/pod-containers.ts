import type { Container, Pod } from '@drey/kube';
import type { ContainerRecord, PodRecord } from './pod-lifecycle.ts';

/** A pod's specification and record by container name. */

export function containerSpec(pod: Pod, name: string): Container | undefined {
  const { initContainers = [], containers = [] } = pod.spec ?? {};
  return [...initContainers, ...containers].find((container) => container.name === name);
}

export function containerRecord(record: PodRecord, name: string): ContainerRecord | undefined {
  return [...record.init, ...record.main].find((container) => container.name === name);
}

export function withContainer(
  record: PodRecord,
  name: string,
  change: (container: ContainerRecord) => ContainerRecord,
): PodRecord {
  const map = (all: readonly ContainerRecord[]) => all.map((c) => (c.name === name ? change(c) : c));
  return { ...record, init: map(record.init), main: map(record.main) };
}

/** `name_namespace(uid)`, as kubelets name pods in messages. */
export function podLabel(pod: Pod): string {
  return `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
}

/** How long containers get to end: the deletion's own grace period, else the pod's. */
export function graceSeconds(pod: Pod): number {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (deletionTimestamp !== undefined && deletionGracePeriodSeconds !== undefined) return deletionGracePeriodSeconds;
  return pod.spec?.terminationGracePeriodSeconds ?? 30;
}

/** When the pod will have been active for too long; infinity without a limit. */
export function deadlineOf(pod: Pod, record: PodRecord): number {
  const seconds = pod.spec?.activeDeadlineSeconds;
  return seconds === undefined ? Number.POSITIVE_INFINITY : record.startedAt + seconds * 1000;
}
