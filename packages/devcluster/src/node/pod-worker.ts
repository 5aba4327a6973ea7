import type { Container, Pod, Probe } from '@drey/kube';
import { ContainerConfigError } from './container-env.ts';
import { postStart, stopContainer } from './container-hooks.ts';
import { containerRecord, containerSpec, deadlineOf, graceSeconds, podLabel, withContainer } from './pod-containers.ts';
import {
  type ContainerRecord,
  containerBlocked,
  containerExited,
  containerStarted,
  decidePod,
  isSidecar,
  newPodRecord,
  type PodRecord,
  type Terminated,
} from './pod-lifecycle.ts';
import { podStatus, recordAfterRestart } from './pod-status.ts';
import type { PodWorkerEnv } from './pod-worker-env.ts';
import type { ProbeEffect } from './probe.ts';
import { Prober } from './prober.ts';
import { ImageRetry, VolumeRetry } from './retries.ts';
import { type ContainerExit, type PodSandbox, type RunningContainer, StartError } from './runtime.ts';
import { VolumeError } from './volume-files.ts';

interface Running {
  readonly container: Container;
  readonly handle: RunningContainer;
  readonly startedAt: number;
  readonly prober: Prober;
  stopping: Promise<void> | undefined;
}

const CONFIG_RETRY_MS = 1000;

/**
 * Runs one pod from its assignment to this node until it is gone.
 *
 * Guarantees: one step at a time; every change (object, exit, probe, timer) leads to a step; the object is removed only
 * after every container ended.
 */
export class PodWorker {
  readonly #env: PodWorkerEnv;
  #pod: Pod;
  #record: PodRecord;
  #address: string | undefined;
  #sandbox: PodSandbox | undefined;
  readonly #running = new Map<string, Running>();
  readonly #abort = new AbortController();
  readonly #volumeRetry = new VolumeRetry();
  readonly #imageRetry = new ImageRetry();
  #busy = false;
  #again = false;
  #gone = false;
  #finished = false;
  #cancelWake: (() => void) | undefined;
  #killAt = Number.POSITIVE_INFINITY;
  #cancelKill: (() => void) | undefined;

  constructor(pod: Pod, env: PodWorkerEnv) {
    this.#env = env;
    this.#pod = pod;
    const now = env.clock.now();
    const fresh = newPodRecord(pod, now);
    this.#record = pod.status?.startTime === undefined ? fresh : recordAfterRestart(pod, fresh, now, env.backoff);
  }
  get sandbox(): PodSandbox | undefined {
    return this.#sandbox;
  }
  get pod(): Pod {
    return this.#pod;
  }
  start(): void {
    this.#kick();
  }

  /** A newer version of the object. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) this.#limitTermination();
    this.#kick();
  }

  /** The object is gone from the server: what runs is ended at once. */
  removed(): void {
    this.#gone = true;
    this.#killAll();
    this.#kick();
  }

  /** The node stops: ends the containers and leaves the object as it is. */
  async stop(graceSeconds: number): Promise<void> {
    this.#finished = true;
    this.#killAt = Number.NEGATIVE_INFINITY; // a deletion from now on sets no limit: nobody would cancel it
    this.#abort.abort();
    this.#cancelWake?.();
    await Promise.all([...this.#running.values()].map((running) => this.#stopContainer(running, graceSeconds)));
    await this.#sandbox?.destroy({ keepFiles: true });
  }

  #kick(): void {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    void this.#loop();
  }

  async #loop(): Promise<void> {
    do {
      this.#again = false;
      if (!this.#finished) await this.#step();
    } while (this.#again);
    this.#busy = false;
  }

  async #step(): Promise<void> {
    this.#cancelWake?.();
    if (this.#gone || this.#pod.metadata.deletionTimestamp !== undefined) {
      await this.#terminate();
      return;
    }
    this.#checkDeadline();
    if (!this.#record.prepared && !(await this.#prepare())) {
      this.#publish();
      return;
    }
    const now = this.#env.clock.now();
    const decision = decidePod(this.#pod, this.#record, now);
    if (decision.type === 'finished') {
      for (const name of decision.stop) {
        const running = this.#running.get(name);
        if (running !== undefined) void this.#stopContainer(running, graceSeconds(this.#pod));
      }
      this.#publish();
      return;
    }
    for (const name of decision.start) await this.#startContainer(name);
    this.#publish();
    const probers = [...this.#running.values()].map((running) => running.prober);
    for (const prober of probers) prober.step();
    this.#wakeAt(
      Math.min(
        decision.wakeAt ?? Number.POSITIVE_INFINITY,
        deadlineOf(this.#pod, this.#record),
        ...probers.map((p) => p.nextDue()),
      ),
    );
  }

  /** Address and volumes. False while something is missing; the step comes again then. */
  async #prepare(): Promise<boolean> {
    this.#address ??= this.#env.takeAddress(this.#pod.status?.podIP);
    this.#sandbox ??= this.#env.sandbox(this.#pod, this.#address);
    try {
      await this.#sandbox.prepare(this.#abort.signal);
      this.#record = { ...this.#record, prepared: true };
      return true;
    } catch (error) {
      if (this.#abort.signal.aborted) return false;
      this.#volumeFailed(error instanceof Error ? error.message : String(error), error instanceof VolumeError);
      return false;
    }
  }

  #volumeFailed(message: string, isVolume: boolean): void {
    const now = this.#env.clock.now();
    const { delayMs, report } = this.#volumeRetry.failed(message, now);
    if (report) this.#event('Warning', isVolume ? 'FailedMount' : 'FailedCreatePodSandBox', message);
    this.#wakeAt(now + delayMs);
  }

  async #startContainer(name: string): Promise<void> {
    const container = containerSpec(this.#pod, name);
    const sandbox = this.#sandbox;
    const record = this.#recordOf(name);
    if (container === undefined || sandbox === undefined || record === undefined) return;
    const image = await sandbox.image(container);
    if (!image.ok) {
      this.#imageFailed(container, image.message);
      return;
    }
    this.#imageRetry.found(name);
    const instance = record.lastTermination === undefined ? 0 : record.restartCount + 1;
    const at = this.#env.clock.now();
    try {
      const handle = await sandbox.start(container, instance);
      this.#started(container, handle, image.imageId, at);
    } catch (error) {
      this.#startFailed(container, error, at);
    }
  }

  #started(container: Container, handle: RunningContainer, imageId: string, at: number): void {
    const { name } = container;
    this.#change(name, (record) => containerStarted(record, { at, containerId: handle.id, imageId }, container));
    const running: Running = { container, handle, startedAt: at, prober: this.#prober(container), stopping: undefined };
    this.#running.set(name, running);
    void handle.exited.then((exit) => this.#exited(running, exit));
    this.#event('Normal', 'Pulled', `Container image "${container.image}" already present on machine`);
    this.#event('Normal', 'Created', `Created container: ${name}`);
    this.#event('Normal', 'Started', `Started container ${name}`);
    void this.#postStart(running);
  }

  async #postStart(running: Running): Promise<void> {
    const message = await postStart(running.container, this.#sandbox, graceSeconds(this.#pod));
    if (message === undefined || this.#running.get(running.container.name) !== running) return;
    this.#event('Warning', 'FailedPostStartHook', message);
    await this.#stopContainer(running, graceSeconds(this.#pod));
  }

  #exited(running: Running, exit: ContainerExit): void {
    const { name } = running.container;
    running.prober.end();
    if (this.#running.get(name) === running) this.#running.delete(name);
    const failed = exit.exitCode !== 0;
    const end: Terminated = {
      type: 'terminated',
      exitCode: exit.exitCode,
      reason: exit.oomKilled ? 'OOMKilled' : failed ? 'Error' : 'Completed',
      startedAt: running.startedAt,
      finishedAt: this.#env.clock.now(),
      containerId: running.handle.id,
      ...(exit.signal === undefined ? {} : { signal: exit.signal }),
      ...(exit.message === '' ? {} : { message: exit.message }),
    };
    this.#ended(name, end);
    this.#kick();
  }

  #ended(name: string, end: Terminated): void {
    const stays =
      this.#gone || this.#pod.metadata.deletionTimestamp !== undefined || this.#record.failure !== undefined;
    this.#change(name, (record) =>
      stays
        ? { ...record, state: end, started: false, ready: false }
        : containerExited(this.#pod, record, end, this.#env.backoff),
    );
    const state = this.#recordOf(name)?.state;
    if (state?.type === 'waiting' && state.reason === 'CrashLoopBackOff') {
      this.#event('Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${podLabel(this.#pod)}`);
    }
  }

  #startFailed(container: Container, error: unknown, at: number): void {
    const { name } = container;
    const message = error instanceof Error ? error.message : String(error);
    const now = this.#env.clock.now();
    if (error instanceof StartError) {
      this.#event('Warning', 'Failed', `Error: failed to start container "${name}": ${message}`);
      this.#ended(name, {
        type: 'terminated',
        exitCode: 128,
        reason: 'StartError',
        message,
        startedAt: at,
        finishedAt: now,
      });
    } else {
      const reason = error instanceof ContainerConfigError ? 'CreateContainerConfigError' : 'CreateContainerError';
      const before = this.#recordOf(name)?.state;
      if (before?.type !== 'waiting' || before.message !== message) {
        this.#event('Warning', 'Failed', `Error: ${message}`);
      }
      this.#change(name, (record) => containerBlocked(record, { reason, message }, now + CONFIG_RETRY_MS));
    }
    this.#again = true;
  }

  #imageFailed(container: Container, message: string): void {
    const { name } = container;
    const { delayMs, first } = this.#imageRetry.failed(name);
    const notBefore = this.#env.clock.now() + delayMs;
    const reason = first ? 'ErrImagePull' : 'ImagePullBackOff';
    this.#event('Warning', 'Failed', `Failed to pull image "${container.image}": ${message}`);
    if (!first) this.#event('Normal', 'BackOff', `Back-off pulling image "${container.image}"`);
    this.#change(name, (record) => containerBlocked(record, { reason, message }, notBefore));
    this.#again = true;
  }

  #prober(container: Container): Prober {
    const { name } = container;
    return new Prober({
      clock: this.#env.clock,
      container,
      run: async (probe, timeoutMs) =>
        (await this.#sandbox?.probe(container, probe, timeoutMs)) ?? { ok: false, message: 'the pod has no sandbox' },
      started: () => this.#recordOf(name)?.started === true,
      unhealthy: (kind, message) => {
        const title = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
        this.#event('Warning', 'Unhealthy', `${title} probe failed: ${message}`);
      },
      effect: (effect, probe) => this.#probeEffect(container, effect, probe),
      done: () => this.#kick(),
    });
  }

  #probeEffect(container: Container, effect: ProbeEffect, probe: Probe): void {
    const { name } = container;
    switch (effect.type) {
      case 'none':
        return;
      case 'started':
        this.#change(name, (r) => ({ ...r, started: true, ready: container.readinessProbe === undefined }));
        return;
      case 'ready':
        this.#change(name, (record) => ({ ...record, ready: effect.ready }));
        return;
      case 'kill': {
        this.#event('Normal', 'Killing', `Container ${name} ${effect.message}, will be restarted`);
        const running = this.#running.get(name);
        if (running !== undefined)
          void this.#stopContainer(running, probe.terminationGracePeriodSeconds ?? graceSeconds(this.#pod));
      }
    }
  }

  async #terminate(): Promise<void> {
    this.#finished = true;
    this.#abort.abort();
    this.#limitTermination();
    const grace = this.#gone ? 0 : graceSeconds(this.#pod);
    const stop = (all: readonly Running[]): Promise<unknown> =>
      Promise.all(
        all.map((running) => {
          if (!this.#gone) this.#event('Normal', 'Killing', `Stopping container ${running.container.name}`);
          return this.#stopContainer(running, grace);
        }),
      );
    const sidecar = (running: Running): boolean => isSidecar(this.#pod, running.container.name);
    const all = [...this.#running.values()];
    await stop(all.filter((running) => !sidecar(running)));
    await stop(all.filter(sidecar));
    this.#cancelKill?.();
    if (!this.#gone) {
      this.#publish();
      await this.#env.remove(this.#pod);
    }
    await this.#sandbox?.destroy({ keepFiles: false });
    if (this.#address !== undefined) this.#env.releaseAddress(this.#address);
    this.#env.ended(this.#pod);
  }

  /** Sets, or brings forward, the moment at which everything is killed. */
  #limitTermination(): void {
    const killAt = this.#env.clock.now() + graceSeconds(this.#pod) * 1000;
    if (killAt >= this.#killAt) return;
    this.#killAt = killAt;
    this.#cancelKill?.();
    this.#cancelKill = this.#env.clock.after(graceSeconds(this.#pod) * 1000, () => this.#killAll());
  }

  #killAll(): void {
    for (const running of this.#running.values()) running.handle.kill('SIGKILL');
  }

  #stopContainer(running: Running, graceSeconds: number): Promise<void> {
    running.prober.end();
    const { container, handle } = running;
    running.stopping ??= stopContainer({
      clock: this.#env.clock,
      container,
      handle,
      sandbox: this.#sandbox,
      graceSeconds,
    });
    return running.stopping;
  }

  #checkDeadline(): void {
    if (this.#record.failure !== undefined || deadlineOf(this.#pod, this.#record) > this.#env.clock.now()) return;
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#record = { ...this.#record, failure: { reason: 'DeadlineExceeded', message } };
    this.#env.event(this.#pod, { type: 'Normal', reason: 'DeadlineExceeded', message });
  }

  #publish(): void {
    if (this.#gone) return;
    const place = { podAddress: this.#address, hostAddress: this.#env.hostAddress };
    this.#env.publish(this.#pod, podStatus(this.#pod, this.#record, place, this.#env.clock.now()));
  }

  #wakeAt(at: number): void {
    this.#cancelWake?.();
    if (at === Number.POSITIVE_INFINITY || this.#finished) return;
    this.#cancelWake = this.#env.clock.after(at - this.#env.clock.now(), () => this.#kick());
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#env.event(this.#pod, { type, reason, message });
  }

  #change(name: string, change: (record: ContainerRecord) => ContainerRecord): void {
    this.#record = withContainer(this.#record, name, change);
  }

  #recordOf(name: string): ContainerRecord | undefined {
    return containerRecord(this.#record, name);
  }
}
