import type { Container, Pod, PodSpec } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import {
  type ContainerRecord,
  containerBlocked,
  containerExited,
  containerStarted,
  decidePod,
  KUBELET_BACKOFF,
  newPodRecord,
  type PodRecord,
  type Terminated,
} from './pod-lifecycle.ts';
import { podPhase, podStatus, recordAfterRestart } from './pod-status.ts';

const podOf = (spec: Partial<PodSpec>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [{ name: 'main' }], ...spec },
});
const T0 = Date.UTC(2026, 0, 1);
const place = { podAddress: '127.64.0.1', hostAddress: '127.0.0.1' };

/** Drives a pod by hand. */
function drive(pod: Pod) {
  let record: PodRecord = { ...newPodRecord(pod, T0), prepared: true };
  const change = (name: string, fn: (c: ContainerRecord) => ContainerRecord) => {
    const map = (list: readonly ContainerRecord[]) => list.map((c) => (c.name === name ? fn(c) : c));
    record = { ...record, init: map(record.init), main: map(record.main) };
  };
  const specOf = (name: string): Container =>
    [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find((c) => c.name === name) ?? { name };
  return {
    get record() {
      return record;
    },
    change,
    start: (name: string, at = T0) =>
      change(name, (c) => containerStarted(c, { at, containerId: 'drey://1', imageId: 'i' }, specOf(name))),
    exit: (name: string, exitCode: number, at = T0) =>
      change(name, (c) => {
        const startedAt = c.state.type === 'running' ? c.state.startedAt : at;
        const end: Terminated = {
          type: 'terminated',
          exitCode,
          reason: exitCode === 0 ? 'Completed' : 'Error',
          startedAt,
          finishedAt: at,
        };
        return containerExited(pod, c, end, KUBELET_BACKOFF);
      }),
    next: (at = T0) => decidePod(pod, record, at),
    phase: (at = T0) => podPhase(pod, record, at),
    fail: (reason: string) => {
      record = { ...record, failure: { reason, message: 'm' } };
    },
  };
}
const run = (start: string[], wakeAt?: number) => ({ type: 'run', start, wakeAt });

describe('pod life cycle', () => {
  it('starts init containers one after the other, then all main containers', () => {
    const pod = drive(
      podOf({ initContainers: [{ name: 'a' }, { name: 'b' }], containers: [{ name: 'x' }, { name: 'y' }] }),
    );
    expect(pod.next()).toEqual(run(['a']));
    pod.start('a');
    expect(pod.next()).toEqual(run([]));
    pod.exit('a', 0);
    expect(pod.next()).toEqual(run(['b']));
    pod.start('b');
    pod.exit('b', 0);
    expect(pod.phase()).toBe('Pending');
    expect(pod.next()).toEqual(run(['x', 'y']));
    pod.start('x');
    expect(pod.phase()).toBe('Running');
  });

  it('restarts at once the first time, then after 10, 20, … seconds up to five minutes', () => {
    const pod = drive(podOf({}));
    const delays: number[] = [];
    let at = T0;
    for (let i = 0; i < 8; i++) {
      pod.start('main', at);
      pod.exit('main', 1, at);
      const decision = pod.next(at);
      const wakeAt =
        decision.type === 'run' && decision.start.length > 0 ? at : (decision as { wakeAt: number }).wakeAt;
      delays.push((wakeAt - at) / 1000);
      at = wakeAt;
    }
    expect(delays).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    expect(pod.record.main[0]?.restartCount).toBe(7);
    expect(pod.record.main[0]?.state).toEqual({
      type: 'waiting',
      reason: 'CrashLoopBackOff',
      message: 'back-off 5m0s restarting failed container=main pod=p_ns(u)',
    });
    pod.start('main', at);
    pod.exit('main', 1, at + 600_000);
    expect(pod.next(at + 600_000)).toEqual(run(['main']));
  });

  it('follows the restart policy', () => {
    const never = drive(podOf({ restartPolicy: 'Never' }));
    never.start('main');
    never.exit('main', 3);
    expect(never.next()).toEqual({ type: 'finished', phase: 'Failed', stop: [] });
    const onFailure = drive(podOf({ restartPolicy: 'OnFailure' }));
    onFailure.start('main');
    onFailure.exit('main', 3);
    expect(onFailure.next()).toEqual(run(['main']));
    onFailure.start('main');
    onFailure.exit('main', 0);
    expect(onFailure.next()).toEqual({ type: 'finished', phase: 'Succeeded', stop: [] });
  });

  it('fails the pod when an init container fails and nothing restarts', () => {
    const pod = drive(podOf({ restartPolicy: 'Never', initContainers: [{ name: 'a' }] }));
    pod.start('a');
    pod.exit('a', 1);
    expect(pod.next()).toEqual({ type: 'finished', phase: 'Failed', stop: [] });
  });

  it('waits for a sidecar to have started, restarts it, and stops it after the main containers', () => {
    const probe = { tcpSocket: { port: 1 } };
    const spec: Partial<PodSpec> = {
      restartPolicy: 'Never',
      initContainers: [{ name: 'side', restartPolicy: 'Always', startupProbe: probe }],
    };
    const pod = drive(podOf(spec));
    expect(pod.next()).toEqual(run(['side']));
    pod.start('side');
    expect(pod.next()).toEqual(run([]));
    pod.change('side', (c) => ({ ...c, started: true, ready: true }));
    expect(pod.next()).toEqual(run(['main']));
    pod.start('main');
    pod.exit('side', 0);
    expect(pod.next()).toEqual(run(['side']));
    pod.start('side');
    pod.exit('main', 0);
    expect(pod.next()).toEqual({ type: 'finished', phase: 'Succeeded', stop: ['side'] });
    expect(pod.phase()).toBe('Running');
    pod.change('side', (c) => ({ ...c, state: { type: 'waiting', reason: 'x' } }));
    expect(pod.phase()).toBe('Succeeded');
  });

  it('tries a blocked container again when its time has come', () => {
    const pod = drive(podOf({}));
    pod.change('main', (c) => containerBlocked(c, { reason: 'ErrImagePull', message: 'no' }, T0 + 5000));
    expect(pod.next()).toEqual(run([], T0 + 5000));
    expect(pod.next(T0 + 5000)).toEqual(run(['main']));
  });

  it('stops everything when the node failed the pod', () => {
    const pod = drive(podOf({}));
    pod.start('main');
    pod.fail('Evicted');
    expect(pod.next()).toEqual({ type: 'finished', phase: 'Failed', stop: ['main'] });
    expect(pod.phase()).toBe('Failed');
  });
});

describe('pod status', () => {
  const conditionsOf = (pod: Pod, record: PodRecord) =>
    podStatus(pod, record, place, T0).conditions?.map((c) => `${c.type}=${c.status}${c.reason ? ` ${c.reason}` : ''}`);

  it('reports conditions as a kubelet does', () => {
    const spec: Partial<PodSpec> = { containers: [{ name: 'main', readinessProbe: { tcpSocket: { port: 1 } } }] };
    const pod = drive(podOf(spec));
    pod.start('main');
    expect(conditionsOf(podOf(spec), pod.record)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=False ContainersNotReady',
      'ContainersReady=False ContainersNotReady',
    ]);
    pod.change('main', (c) => ({ ...c, ready: true }));
    expect(conditionsOf(podOf(spec), pod.record)?.slice(2)).toEqual(['Ready=True', 'ContainersReady=True']);
  });

  it('keeps foreign conditions, and transition times while the status stays', () => {
    const pod = podOf({});
    pod.status = {
      conditions: [
        { type: 'PodScheduled', status: 'True', lastTransitionTime: '2025-01-01T00:00:00Z' },
        { type: 'Initialized', status: 'True', lastTransitionTime: '2025-01-02T00:00:00Z' },
      ],
    };
    const status = podStatus(pod, newPodRecord(pod, T0), place, T0);
    expect(status.conditions?.find((c) => c.type === 'PodScheduled')).toEqual(pod.status.conditions?.[0]);
    expect(status.conditions?.find((c) => c.type === 'Initialized')?.lastTransitionTime).toBe('2025-01-02T00:00:00Z');
    expect(status.conditions?.find((c) => c.type === 'Ready')?.lastTransitionTime).toBe('2026-01-01T00:00:00Z');
  });

  it('shows the last termination of a restarted container', () => {
    const pod = drive(podOf({}));
    pod.start('main');
    pod.exit('main', 137);
    pod.start('main', T0 + 1000);
    expect(podStatus(podOf({}), pod.record, place, T0).containerStatuses?.[0]).toMatchObject({
      state: { running: { startedAt: '2026-01-01T00:00:01Z' } },
      lastState: { terminated: { exitCode: 137, reason: 'Error' } },
      restartCount: 1,
      ready: true,
      started: true,
    });
  });

  it('counts what ran before a restart of the node as ended, with exit code 255', () => {
    const before = drive(podOf({ restartPolicy: 'Never' }));
    before.start('main');
    const pod = podOf({ restartPolicy: 'Never' });
    pod.status = podStatus(pod, before.record, place, T0);
    const record = recordAfterRestart(pod, newPodRecord(pod, T0), T0 + 5000, KUBELET_BACKOFF);
    expect(record.main[0]?.state).toMatchObject({ type: 'terminated', exitCode: 255, reason: 'Unknown' });
    expect(podPhase(pod, record, T0)).toBe('Failed');
    const always = podOf({});
    always.status = pod.status;
    const again = recordAfterRestart(always, newPodRecord(always, T0), T0 + 5000, KUBELET_BACKOFF);
    expect(decidePod(always, again, T0 + 5000)).toEqual(run(['main']));
    expect(again.main[0]?.lastTermination).toMatchObject({ exitCode: 255 });
  });
});
