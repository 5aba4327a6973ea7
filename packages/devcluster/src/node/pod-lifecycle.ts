import type { Container, Pod } from '@drey/kube';

/**
 * What happens to the containers of a pod, as a pure state machine: which container to start when, when a pod is done.
 * Nodes of every kind share it; they differ only in what "start" means. Rules are the kubelet's.
 */

export type InstanceState =
  | { readonly type: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly type: 'running'; readonly startedAt: number }
  | Terminated;

export interface Terminated {
  readonly type: 'terminated';
  readonly exitCode: number;
  readonly signal?: number;
  /** `Completed`, `Error`, `OOMKilled`, `StartError`, `Unknown`. */
  readonly reason: string;
  readonly message?: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly containerId?: string;
}

/** One container of a pod over all its instances. Times are milliseconds since the epoch. */
export interface ContainerRecord {
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly containerId: string;
  readonly state: InstanceState;
  readonly lastTermination: Terminated | undefined;
  readonly restartCount: number;
  /** Whether the startup probe has passed (or there is none) in this instance. */
  readonly started: boolean;
  /** What the readiness probe said last (true when there is none). Counts only while running. */
  readonly ready: boolean;
  /** Delay before the restart after the next one; 0 until the first restart. */
  readonly backoffMs: number;
  /** When a waiting container may be tried (again). */
  readonly notBefore: number;
}

export interface PodRecord {
  readonly init: readonly ContainerRecord[];
  readonly main: readonly ContainerRecord[];
  /** When the node accepted the pod. */
  readonly startedAt: number;
  /** Whether address and volumes are there. */
  readonly prepared: boolean;
  /** Set when the node ended the pod by itself. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
}

export interface BackoffPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
  /** A container that ran this long starts over with no back-off. */
  readonly resetAfterMs: number;
}

/** Kubelet's values. */
export const KUBELET_BACKOFF: BackoffPolicy = { initialMs: 10_000, maxMs: 300_000, resetAfterMs: 600_000 };

export type Decision =
  | { readonly type: 'run'; readonly start: readonly string[]; readonly wakeAt: number | undefined }
  /** Every container ended and none will start again. Sidecars still running are to be stopped. */
  | { readonly type: 'finished'; readonly phase: 'Succeeded' | 'Failed'; readonly stop: readonly string[] };

/** The record of a pod that this node sees for the first time. */
export function newPodRecord(pod: Pod, now: number): PodRecord {
  const waiting = (container: Container, reason: string): ContainerRecord => ({
    name: container.name,
    image: container.image ?? '',
    imageId: '',
    containerId: '',
    state: { type: 'waiting', reason },
    lastTermination: undefined,
    restartCount: 0,
    started: false,
    ready: false,
    backoffMs: 0,
    notBefore: 0,
  });
  const init = pod.spec?.initContainers ?? [];
  const reason = init.length > 0 ? 'PodInitializing' : 'ContainerCreating';
  return {
    init: init.map((container) => waiting(container, 'PodInitializing')),
    main: (pod.spec?.containers ?? []).map((container) => waiting(container, reason)),
    startedAt: now,
    prepared: false,
    failure: undefined,
  };
}

/** What to do next. Pure; call it after every change and at `wakeAt`. */
export function decidePod(pod: Pod, record: PodRecord, now: number): Decision {
  if (record.failure !== undefined) return { type: 'finished', phase: 'Failed', stop: running(record) };
  const init = decideInit(pod, record, now);
  if (init !== 'done') return init;
  const start = record.main.filter((container) => container.state.type === 'waiting');
  const open = record.main.some((container) => container.state.type !== 'terminated');
  if (!open) {
    const failed = record.main.some((c) => c.state.type === 'terminated' && c.state.exitCode !== 0);
    return { type: 'finished', phase: failed ? 'Failed' : 'Succeeded', stop: running(record) };
  }
  const sidecars = record.init.filter((c) => isSidecar(pod, c.name) && c.state.type === 'waiting');
  return runDecision([...sidecars, ...start], now);
}

function decideInit(pod: Pod, record: PodRecord, now: number): Decision | 'done' {
  for (const container of record.init) {
    if (isSidecar(pod, container.name)) {
      if (container.state.type === 'waiting' && !mainsStarted(record)) return runDecision([container], now);
      if (!container.started && !mainsStarted(record)) return runDecision([], now);
      continue;
    }
    if (container.state.type === 'waiting') return runDecision([container], now);
    if (container.state.type === 'running') return runDecision([], now);
    if (container.state.exitCode !== 0) return { type: 'finished', phase: 'Failed', stop: running(record) };
  }
  return 'done';
}

/** Once main containers ran, a sidecar that restarts does not hold them up any more. */
function mainsStarted(record: PodRecord): boolean {
  return record.main.some((c) => c.state.type !== 'waiting' || c.lastTermination !== undefined);
}

function runDecision(waiting: readonly ContainerRecord[], now: number): Decision {
  const due = waiting.filter((container) => container.notBefore <= now);
  const later = waiting.filter((container) => container.notBefore > now).map((container) => container.notBefore);
  return {
    type: 'run',
    start: due.map((container) => container.name),
    wakeAt: later.length === 0 ? undefined : Math.min(...later),
  };
}

function running(record: PodRecord): string[] {
  return [...record.main, ...record.init].filter((c) => c.state.type === 'running').map((c) => c.name);
}

/** Whether an init container keeps running beside the main ones. */
export function isSidecar(pod: Pod, name: string): boolean {
  return pod.spec?.initContainers?.find((container) => container.name === name)?.restartPolicy === 'Always';
}

/** A container instance started. */
export function containerStarted(
  record: ContainerRecord,
  started: { readonly at: number; readonly containerId: string; readonly imageId: string },
  spec: Container,
): ContainerRecord {
  const restarted = record.lastTermination !== undefined;
  const noStartupProbe = spec.startupProbe === undefined;
  return {
    ...record,
    containerId: started.containerId,
    imageId: started.imageId,
    state: { type: 'running', startedAt: started.at },
    restartCount: restarted ? record.restartCount + 1 : record.restartCount,
    started: noStartupProbe,
    ready: noStartupProbe && spec.readinessProbe === undefined,
    notBefore: 0,
  };
}

/**
 * A container instance ended: it stays ended, or waits for its restart by the pod's restart policy. The first restart is
 * immediate, then the delay doubles.
 */
export function containerExited(
  pod: Pod,
  record: ContainerRecord,
  end: Terminated,
  backoff: BackoffPolicy,
): ContainerRecord {
  const ended: ContainerRecord = { ...record, state: end, started: false, ready: false };
  if (!restarts(pod, record.name, end.exitCode)) return ended;
  const ranLong = end.finishedAt - end.startedAt >= backoff.resetAfterMs;
  const delay = ranLong ? 0 : record.backoffMs;
  const next = delay === 0 ? backoff.initialMs : Math.min(delay * 2, backoff.maxMs);
  const message = `back-off ${formatSeconds(delay)} restarting failed container=${record.name} pod=${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
  return {
    ...ended,
    state:
      delay === 0
        ? { type: 'waiting', reason: 'ContainerCreating' }
        : { type: 'waiting', reason: 'CrashLoopBackOff', message },
    lastTermination: end,
    backoffMs: next,
    notBefore: end.finishedAt + delay,
  };
}

/** A container that cannot be started now: image, configuration. It is tried again after the delay. */
export function containerBlocked(
  record: ContainerRecord,
  why: { readonly reason: string; readonly message: string },
  notBefore: number,
): ContainerRecord {
  return { ...record, state: { type: 'waiting', ...why }, started: false, ready: false, notBefore };
}

function restarts(pod: Pod, name: string, exitCode: number): boolean {
  if (isSidecar(pod, name)) return true;
  const policy = pod.spec?.restartPolicy ?? 'Always';
  const isInit = pod.spec?.initContainers?.some((container) => container.name === name) === true;
  if (isInit) return exitCode !== 0 && policy !== 'Never';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

/** As Go prints durations: `10s`, `1m20s`, `5m0s`. */
function formatSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${ms < 1000 ? ms / 1000 : seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
