import type { Condition, ContainerState, ContainerStatus, Pod, PodStatus } from '@drey/kube';
import {
  type BackoffPolicy,
  type ContainerRecord,
  containerExited,
  decidePod,
  type InstanceState,
  isSidecar,
  type PodRecord,
  type Terminated,
} from './pod-lifecycle.ts';

/** Where a pod runs. */
export interface PodPlace {
  readonly podAddress: string | undefined;
  readonly hostAddress: string;
}

/** The status that a kubelet would report for `record`. Times of conditions change only with their status. */
export function podStatus(pod: Pod, record: PodRecord, place: PodPlace, now: number): PodStatus {
  const phase = podPhase(pod, record, now);
  const old = pod.status?.conditions ?? [];
  const own = ownConditions(pod, record, phase).map((condition) => withTransitionTime(condition, old, now));
  const others = old.filter((condition) => !own.some((c) => c.type === condition.type));
  return {
    phase,
    conditions: [...own, ...others],
    hostIP: place.hostAddress,
    hostIPs: [{ ip: place.hostAddress }],
    ...(place.podAddress === undefined ? {} : { podIP: place.podAddress, podIPs: [{ ip: place.podAddress }] }),
    startTime: timestamp(record.startedAt),
    ...(record.init.length === 0
      ? {}
      : { initContainerStatuses: record.init.map((c) => containerStatus(c, initReady(pod, c))) }),
    containerStatuses: record.main.map((c) => containerStatus(c, isReady(c))),
    ...(record.failure === undefined ? {} : { reason: record.failure.reason, message: record.failure.message }),
  };
}

/** Phase by the kubelet's rules. */
export function podPhase(pod: Pod, record: PodRecord, now: number): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  const decision = decidePod(pod, record, now);
  if (decision.type === 'finished') {
    return decision.stop.length > 0 && record.failure === undefined ? 'Running' : decision.phase;
  }
  const begun = record.main.some((c) => c.state.type !== 'waiting' || c.lastTermination !== undefined);
  return begun ? 'Running' : 'Pending';
}

export function isReady(container: ContainerRecord): boolean {
  return container.state.type === 'running' && container.started && container.ready;
}

function initReady(pod: Pod, container: ContainerRecord): boolean {
  if (isSidecar(pod, container.name)) return isReady(container);
  return container.state.type === 'terminated' && container.state.exitCode === 0;
}

type Unstamped = Omit<Condition, 'lastTransitionTime' | 'lastProbeTime'>;

function ownConditions(pod: Pod, record: PodRecord, phase: string): Unstamped[] {
  const ended = phase === 'Succeeded' || phase === 'Failed';
  const completed = phase === 'Succeeded' ? 'PodCompleted' : phase === 'Failed' ? 'PodFailed' : undefined;
  const incomplete = record.init.filter((c) => (isSidecar(pod, c.name) ? !c.started : !initReady(pod, c)));
  const unready = [...record.init.filter((c) => isSidecar(pod, c.name)), ...record.main].filter((c) => !isReady(c));
  const notReady = `containers with unready status: [${unready.map((c) => c.name).join(' ')}]`;
  const readiness: Omit<Unstamped, 'type'> =
    completed !== undefined
      ? { status: 'False', reason: completed }
      : unready.length > 0
        ? { status: 'False', reason: 'ContainersNotReady', message: notReady }
        : { status: 'True' };
  const initialized: Unstamped =
    incomplete.length === 0 || phase === 'Succeeded'
      ? { type: 'Initialized', status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) }
      : {
          type: 'Initialized',
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${incomplete.map((c) => c.name).join(' ')}]`,
        };
  return [
    { type: 'PodReadyToStartContainers', status: record.prepared && !ended ? 'True' : 'False' },
    initialized,
    { type: 'Ready', ...readiness },
    { type: 'ContainersReady', ...readiness },
  ];
}

function withTransitionTime(condition: Unstamped, old: readonly Condition[], now: number): Condition {
  const before = old.find((c) => c.type === condition.type);
  const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
  return { ...condition, lastProbeTime: null, lastTransitionTime: since ?? timestamp(now) };
}

function containerStatus(container: ContainerRecord, ready: boolean): ContainerStatus {
  return {
    name: container.name,
    state: stateOf(container.state),
    lastState: container.lastTermination === undefined ? {} : { terminated: terminatedOf(container.lastTermination) },
    ready,
    started: container.state.type === 'running' && container.started,
    restartCount: container.restartCount,
    image: container.image,
    imageID: container.imageId,
    ...(container.containerId === '' ? {} : { containerID: container.containerId }),
  };
}

function stateOf(state: InstanceState): ContainerState {
  switch (state.type) {
    case 'waiting':
      return {
        waiting: { reason: state.reason, ...(state.message === undefined ? {} : { message: state.message }) },
      };
    case 'running':
      return { running: { startedAt: timestamp(state.startedAt) } };
    case 'terminated':
      return { terminated: terminatedOf(state) };
  }
}

function terminatedOf(end: Terminated): NonNullable<ContainerState['terminated']> {
  return {
    exitCode: end.exitCode,
    reason: end.reason,
    startedAt: timestamp(end.startedAt),
    finishedAt: timestamp(end.finishedAt),
    ...(end.signal === undefined ? {} : { signal: end.signal }),
    ...(end.message === undefined || end.message === '' ? {} : { message: end.message }),
    ...(end.containerId === undefined ? {} : { containerID: end.containerId }),
  };
}

/**
 * The record of a pod that an earlier run of this node started. Its processes are gone, so what ran counts as ended with
 * exit code 255, reason Unknown, as after a reboot of a machine.
 */
export function recordAfterRestart(pod: Pod, fresh: PodRecord, now: number, backoff: BackoffPolicy): PodRecord {
  const status = pod.status;
  const revive = (records: readonly ContainerRecord[], statuses: readonly ContainerStatus[] | undefined) =>
    records.map((record) => {
      const seen = statuses?.find((s) => s.name === record.name);
      if (seen === undefined) return record;
      const revived = reviveContainer(record, seen, now);
      const { state } = revived;
      const ranBefore = seen.state?.running !== undefined && state.type === 'terminated';
      return ranBefore ? containerExited(pod, revived, state, backoff) : revived;
    });
  return {
    ...fresh,
    init: revive(fresh.init, status?.initContainerStatuses),
    main: revive(fresh.main, status?.containerStatuses),
    startedAt: status?.startTime === undefined ? now : Date.parse(status.startTime),
    failure:
      status?.phase === 'Failed' && status.reason !== undefined
        ? { reason: status.reason, message: status.message ?? '' }
        : undefined,
  };
}

function reviveContainer(record: ContainerRecord, seen: ContainerStatus, now: number): ContainerRecord {
  const last = seen.lastState?.terminated;
  const base: ContainerRecord = {
    ...record,
    imageId: seen.imageID,
    containerId: seen.containerID ?? '',
    restartCount: seen.restartCount,
    lastTermination: last === undefined ? undefined : terminatedFrom(last, now),
  };
  if (seen.state?.terminated !== undefined) return { ...base, state: terminatedFrom(seen.state.terminated, now) };
  if (seen.state?.running === undefined) return base;
  const startedAt = Date.parse(seen.state.running.startedAt ?? timestamp(now));
  return { ...base, state: { type: 'terminated', exitCode: 255, reason: 'Unknown', startedAt, finishedAt: now } };
}

function terminatedFrom(end: NonNullable<ContainerState['terminated']>, now: number): Terminated {
  return {
    type: 'terminated',
    exitCode: end.exitCode,
    reason: end.reason ?? 'Error',
    startedAt: Date.parse(end.startedAt ?? timestamp(now)),
    finishedAt: Date.parse(end.finishedAt ?? timestamp(now)),
    ...(end.signal === undefined ? {} : { signal: end.signal }),
    ...(end.message === undefined ? {} : { message: end.message }),
    ...(end.containerID === undefined ? {} : { containerId: end.containerID }),
  };
}

/** Seconds precision, as `metav1.Time`. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
