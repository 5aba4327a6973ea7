import type { AnyObject } from '@drey/kube';
import { ageOf } from '../age.ts';
import { bool, int, list, orElse, read, text } from '../fields.ts';

interface Progress {
  reason: string;
  ready: number;
  restarts: number;
  /** When a container last ended; empty: never. */
  lastRestart: string;
}

/** Name, Ready, Status, Restarts, Age, IP, Node, Nominated Node, Readiness Gates. */
export function podCells(pod: AnyObject, now: number): unknown[] {
  const progress = podProgress(pod);
  const since =
    progress.restarts > 0 && progress.lastRestart !== '' ? ` (${ageOf(progress.lastRestart, now)} ago)` : '';
  const sidecars = list(pod, 'spec', 'initContainers').filter(isRestartable).length;
  const total = list(pod, 'spec', 'containers').length + sidecars;
  return [
    pod.metadata.name ?? '',
    `${progress.ready}/${total}`,
    progress.reason,
    `${progress.restarts}${since}`,
    ageOf(pod.metadata.creationTimestamp, now),
    orElse(text(pod, 'status', 'podIPs', 0, 'ip'), '<none>'),
    orElse(text(pod, 'spec', 'nodeName'), '<none>'),
    orElse(text(pod, 'status', 'nominatedNodeName'), '<none>'),
    readinessGates(pod),
  ];
}

/** Rows of ended pods say so, for clients that colour them. */
export function podRowConditions(pod: AnyObject): readonly Record<string, string>[] | undefined {
  const completed = { type: 'Completed', status: 'True' };
  switch (text(pod, 'status', 'phase')) {
    case 'Succeeded':
      return [{ ...completed, reason: 'Succeeded', message: 'The pod has completed successfully.' }];
    case 'Failed':
      return [{ ...completed, reason: 'Failed', message: 'The pod failed.' }];
    default:
      return undefined;
  }
}

function podProgress(pod: AnyObject): Progress {
  const phase = text(pod, 'status', 'phase');
  const gated = list(pod, 'status', 'conditions').some(
    (condition) => text(condition, 'type') === 'PodScheduled' && text(condition, 'reason') === 'SchedulingGated',
  );
  const first = gated ? 'SchedulingGated' : orElse(text(pod, 'status', 'reason'), phase);
  const init = initProgress(pod, first);
  const initialized = !init.initializing || hasTrueCondition(pod, 'Initialized');
  const progress = initialized ? mainProgress(pod, init.sidecars, init.all.reason) : init.all;
  if (pod.metadata.deletionTimestamp === undefined) return progress;
  if (text(pod, 'status', 'reason') === 'NodeLost') return { ...progress, reason: 'Unknown' };
  return phase === 'Succeeded' || phase === 'Failed' ? progress : { ...progress, reason: 'Terminating' };
}

function isRestartable(container: unknown): boolean {
  return text(container, 'restartPolicy') === 'Always';
}

function hasTrueCondition(pod: AnyObject, type: string): boolean {
  return list(pod, 'status', 'conditions').some(
    (condition) => text(condition, 'type') === type && text(condition, 'status') === 'True',
  );
}

function countRestart(progress: Progress, status: unknown): void {
  progress.restarts += int(status, 'restartCount');
  const finished = text(status, 'lastState', 'terminated', 'finishedAt');
  if (finished > progress.lastRestart) progress.lastRestart = finished;
}

/** Walks the init containers up to the first that has not done its work. */
function initProgress(pod: AnyObject, reason: string): { initializing: boolean; all: Progress; sidecars: Progress } {
  const all: Progress = { reason, ready: 0, restarts: 0, lastRestart: '' };
  const sidecars: Progress = { reason, ready: 0, restarts: 0, lastRestart: '' };
  const specs = list(pod, 'spec', 'initContainers');
  for (const [index, status] of list(pod, 'status', 'initContainerStatuses').entries()) {
    const spec = specs.find((candidate) => text(candidate, 'name') === text(status, 'name'));
    countRestart(all, status);
    if (isRestartable(spec)) countRestart(sidecars, status);
    if (read(status, 'state', 'terminated') !== undefined && int(status, 'state', 'terminated', 'exitCode') === 0)
      continue;
    if (isRestartable(spec) && bool(status, 'started')) {
      const ready = bool(status, 'ready') ? 1 : 0;
      all.ready += ready;
      sidecars.ready += ready;
      continue;
    }
    all.reason = initReason(status, index, specs.length);
    return { initializing: true, all, sidecars };
  }
  return { initializing: false, all, sidecars };
}

function initReason(status: unknown, index: number, total: number): string {
  if (read(status, 'state', 'terminated') !== undefined) return `Init:${endReason(status)}`;
  const waiting = text(status, 'state', 'waiting', 'reason');
  return waiting !== '' && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${index}/${total}`;
}

function endReason(status: unknown): string {
  const signal = int(status, 'state', 'terminated', 'signal');
  const code = signal === 0 ? `ExitCode:${int(status, 'state', 'terminated', 'exitCode')}` : `Signal:${signal}`;
  return orElse(text(status, 'state', 'terminated', 'reason'), code);
}

/** The first container in trouble gives the reason: later ones are looked at first and overwritten. */
function mainProgress(pod: AnyObject, sidecars: Progress, reason: string): Progress {
  const progress: Progress = { ...sidecars, reason };
  let running = false;
  for (const status of list(pod, 'status', 'containerStatuses').toReversed()) {
    countRestart(progress, status);
    const waiting = text(status, 'state', 'waiting', 'reason');
    if (waiting !== '') progress.reason = waiting;
    else if (read(status, 'state', 'terminated') !== undefined) progress.reason = endReason(status);
    else if (bool(status, 'ready') && read(status, 'state', 'running') !== undefined) {
      running = true;
      progress.ready += 1;
    }
  }
  if (progress.reason === 'Completed' && running)
    progress.reason = hasTrueCondition(pod, 'Ready') ? 'Running' : 'NotReady';
  return progress;
}

function readinessGates(pod: AnyObject): string {
  const gates = list(pod, 'spec', 'readinessGates');
  if (gates.length === 0) return '<none>';
  const met = gates.filter((gate) => hasTrueCondition(pod, text(gate, 'conditionType')));
  return `${met.length}/${gates.length}`;
}
