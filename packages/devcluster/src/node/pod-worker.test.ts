import type { Container, Pod, PodSpec, PodStatus } from '@drey/kube';
import { VirtualClock } from '@drey/kube/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { KUBELET_BACKOFF } from './pod-lifecycle.ts';
import { PodWorker } from './pod-worker.ts';
import type { ContainerExit, PodSandbox, RunningContainer } from './runtime.ts';
import { StartError } from './runtime.ts';
import { VolumeError } from './volume-files.ts';

/** A sandbox whose containers do what the test says. */
class FakeSandbox {
  readonly calls: string[] = [];
  missingVolumes = 0;
  images = new Set(['ok']);
  failStart: Error | undefined;
  healthy = true;
  ignoreTerm = false;
  readonly ends = new Map<string, (exit: ContainerExit) => void>();

  async prepare(): Promise<void> {
    this.calls.push('prepare');
    if (this.missingVolumes-- > 0) throw new VolumeError('conf', 'configmap "conf" not found');
  }
  async image(container: Container) {
    return this.images.has(container.image ?? '')
      ? { ok: true as const, imageId: 'id' }
      : { ok: false as const, message: 'unknown' };
  }
  async start(container: Container, instance: number): Promise<RunningContainer> {
    this.calls.push(`start ${container.name} ${instance}`);
    if (this.failStart !== undefined) throw this.failStart;
    let end: (exit: ContainerExit) => void = () => undefined;
    const exited = new Promise<ContainerExit>((resolve) => {
      end = resolve;
    });
    this.ends.set(container.name, end);
    return {
      id: `fake://${container.name}/${instance}`,
      exited,
      kill: (signal) => {
        this.calls.push(`${signal} ${container.name}`);
        if (signal === 'SIGKILL') this.exit(container.name, 137);
        else if (!this.ignoreTerm) this.exit(container.name, 143);
      },
    };
  }
  async probe() {
    this.calls.push('probe');
    return this.healthy ? { ok: true as const } : { ok: false as const, message: 'refused' };
  }
  exit(name: string, exitCode: number): void {
    this.ends.get(name)?.({ exitCode, signal: undefined, oomKilled: false, message: '' });
  }
  async destroy(): Promise<void> {
    this.calls.push('destroy');
  }
}

let clock: VirtualClock;
let sandbox: FakeSandbox;
let status: PodStatus | undefined;
let events: string[];
let removed: boolean;
let ended: boolean;

beforeEach(() => {
  clock = new VirtualClock();
  sandbox = new FakeSandbox();
  status = undefined;
  events = [];
  removed = false;
  ended = false;
});

const podOf = (spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: { containers: [{ name: 'main', image: 'ok' }], ...spec },
});

async function start(pod: Pod): Promise<PodWorker> {
  const worker = new PodWorker(pod, {
    clock,
    backoff: KUBELET_BACKOFF,
    hostAddress: '127.0.0.1',
    takeAddress: (wanted) => wanted ?? '127.64.0.1',
    releaseAddress: () => undefined,
    sandbox: () => sandbox as unknown as PodSandbox,
    publish: (_pod, next) => {
      status = next;
    },
    remove: async () => {
      removed = true;
    },
    event: (_pod, event) => events.push(`${event.reason}: ${event.message}`),
    ended: () => {
      ended = true;
    },
  });
  worker.start();
  await clock.settle();
  return worker;
}
const main = () => status?.containerStatuses?.[0];
const deleted = (pod: Pod, grace: number): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: grace },
});

describe('pod worker', () => {
  it('runs a pod, and says so with address, conditions and events', async () => {
    await start(podOf());
    expect(status).toMatchObject({ phase: 'Running', podIP: '127.64.0.1', hostIP: '127.0.0.1' });
    expect(main()).toMatchObject({ ready: true, started: true, restartCount: 0, imageID: 'id' });
    expect(events.map((event) => event.split(':')[0])).toEqual(['Pulled', 'Created', 'Started']);
  });

  it('tries a missing ConfigMap again at once, without an event while it is fresh', async () => {
    sandbox.missingVolumes = 3;
    await start(podOf());
    expect(main()?.state?.waiting?.reason).toBe('ContainerCreating');
    await clock.advance(200);
    expect(status?.phase).toBe('Running');
    expect(events.filter((event) => event.startsWith('FailedMount'))).toEqual([]);
  });

  it('reports a ConfigMap that stays missing once', async () => {
    sandbox.missingVolumes = 1000;
    await start(podOf());
    await clock.advance(20_000);
    expect(events).toEqual(['FailedMount: MountVolume.SetUp failed for volume "conf" : configmap "conf" not found']);
  });

  it('restarts with back-off and counts', async () => {
    await start(podOf());
    sandbox.exit('main', 1);
    await clock.settle();
    expect(main()).toMatchObject({
      restartCount: 1,
      state: { running: {} },
      lastState: { terminated: { exitCode: 1 } },
    });
    sandbox.exit('main', 1);
    await clock.settle();
    expect(main()?.state?.waiting?.reason).toBe('CrashLoopBackOff');
    expect(main()?.ready).toBe(false);
    await clock.advance(9_999);
    expect(main()?.restartCount).toBe(1);
    await clock.advance(2);
    expect(main()).toMatchObject({ restartCount: 2, state: { running: {} } });
    expect(sandbox.calls.filter((call) => call.startsWith('start'))).toEqual([
      'start main 0',
      'start main 1',
      'start main 2',
    ]);
  });

  it('reports an unknown image and tries it again', async () => {
    await start(podOf({ containers: [{ name: 'main', image: 'nginx' }] }));
    expect(main()?.state?.waiting).toEqual({ reason: 'ErrImagePull', message: 'unknown' });
    await clock.advance(10_001);
    expect(main()?.state?.waiting?.reason).toBe('ImagePullBackOff');
    sandbox.images.add('nginx');
    await clock.advance(20_001);
    expect(status?.phase).toBe('Running');
  });

  it('counts a command that cannot be run as a failed start', async () => {
    sandbox.failStart = new StartError('exec: "x": executable file not found in $PATH');
    await start(podOf({ restartPolicy: 'Never' }));
    expect(status?.phase).toBe('Failed');
    expect(main()?.state?.terminated).toMatchObject({ exitCode: 128, reason: 'StartError' });
  });

  it('becomes ready by its probes, and restarts when it is not alive', async () => {
    const probe = { tcpSocket: { port: 1 }, periodSeconds: 1, failureThreshold: 2 };
    const container: Container = {
      name: 'main',
      image: 'ok',
      startupProbe: probe,
      readinessProbe: probe,
      livenessProbe: probe,
    };
    sandbox.healthy = false;
    await start(podOf({ containers: [container] }));
    expect(main()).toMatchObject({ ready: false, started: false });
    sandbox.healthy = true;
    await clock.advance(1_100);
    expect(main()).toMatchObject({ ready: true, started: true });
    sandbox.healthy = false;
    await clock.advance(2_500);
    expect(main()).toMatchObject({ restartCount: 1, ready: false });
    expect(sandbox.calls).toContain('SIGTERM main');
    expect(events.some((event) => event === 'Killing: Container main failed liveness probe, will be restarted')).toBe(
      true,
    );
  });

  it('ends gracefully on deletion: TERM, then KILL after the grace period, then the object goes', async () => {
    sandbox.ignoreTerm = true;
    const pod = podOf();
    const worker = await start(pod);
    worker.update(deleted(pod, 5));
    await clock.settle();
    expect(sandbox.calls).toContain('SIGTERM main');
    await clock.advance(4_900);
    expect(removed).toBe(false);
    await clock.advance(200);
    expect(main()?.state?.terminated?.exitCode).toBe(137);
    expect([removed, ended]).toEqual([true, true]);
    expect(sandbox.calls.at(-1)).toBe('destroy');
  });

  it('follows a grace period that is shortened while it ends', async () => {
    sandbox.ignoreTerm = true;
    const pod = podOf();
    const worker = await start(pod);
    worker.update(deleted(pod, 30));
    await clock.advance(1_000);
    worker.update(deleted(pod, 1));
    await clock.advance(1_100);
    expect(removed).toBe(true);
  });

  it('kills at once when the object is gone', async () => {
    sandbox.ignoreTerm = true;
    const worker = await start(podOf());
    worker.removed();
    await clock.advance(1);
    expect([removed, ended]).toEqual([false, true]);
    expect(sandbox.calls).toContain('SIGKILL main');
  });

  it('takes a pod up again after a restart of the node: same address, one restart more', async () => {
    await start(podOf());
    const again = podOf();
    again.status = { ...status, podIP: '127.64.0.9' } as PodStatus;
    sandbox = new FakeSandbox();
    await start(again);
    expect(status?.podIP).toBe('127.64.0.9');
    expect(main()).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 255, reason: 'Unknown' } } });
  });

  it('fails a pod that is active for longer than it may be', async () => {
    await start(podOf({ activeDeadlineSeconds: 60 }));
    await clock.advance(60_001);
    expect(status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(sandbox.calls).toContain('SIGTERM main');
  });

  it('leaves nothing to wait for when its pod is deleted while the node stops', async () => {
    const worker = await start(podOf());
    const stopped = worker.stop(5);
    worker.update(deleted(podOf(), 30));
    await stopped;
    await clock.settle();
    expect(clock.pending).toBe(0);
  });
});
