import type { Clock, Container, Pod, PodStatus, Probe } from '@drey/kube';
import { ContainerConfigError } from './container-env.ts';
import {
  type BackoffPolicy,
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
import { activeProbes, initialProbes, type ProbeKind, type ProbeStates, probeOf, probeStep } from './probe.ts';
import { type ContainerExit, type PodSandbox, type RunningContainer, StartError } from './runtime.ts';
import { VolumeError } from './volume-files.ts';

/** What a worker needs from its node. */
export interface PodWorkerEnv {
  readonly clock: Clock;
  readonly backoff: BackoffPolicy;
  readonly hostAddress: string;
  /** Takes an address, or the one the pod had before a restart of the node when it is free. */
  takeAddress(wanted: string | undefined): string;
  releaseAddress(address: string): void;
  sandbox(pod: Pod, address: string): PodSandbox;
  /** Writes a status; later calls for a pod win. Never rejects. */
  publish(pod: Pod, status: PodStatus): void;
  /** Resolves when the status written last is on the server, then removes the object for good. Never rejects. */
  remove(pod: Pod): Promise<void>;
  event(pod: Pod, event: PodEvent): void;
  /** The pod is gone from this node. */
  ended(pod: Pod): void;
}

export interface PodEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

interface Running {
  readonly container: Container;
  readonly handle: RunningContainer;
  readonly startedAt: number;
  probes: ProbeStates;
  readonly probing: Set<ProbeKind>;
  stopping: Promise<void> | undefined;
}

const VOLUME_RETRY = { firstMs: 20, maxMs: 1000, eventAfterMs: 1000 } as const;
const IMAGE_RETRY = { firstMs: 10_000, maxMs: 300_000 } as const;
const CONFIG_RETRY_MS = 1000;
const DEFAULT_GRACE_SECONDS = 30;

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
  #volumeFailures = { count: 0, since: 0, reported: '' };
  readonly #imageFailures = new Map<string, number>();
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
    this.#abort.abort();
    this.#cancelWake?.();
    await Promise.all([...this.#running.values()].map((running) => this.#stopContainer(running, graceSeconds)));
    await this.#sandbox?.destroy();
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
        if (running !== undefined) void this.#stopContainer(running, this.#grace());
      }
      this.#publish();
      return;
    }
    for (const name of decision.start) await this.#startContainer(name);
    this.#publish();
    this.#runProbes();
    this.#wakeAt(Math.min(decision.wakeAt ?? Number.POSITIVE_INFINITY, this.#nextProbe(), this.#deadline()));
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

  /** What is missing is usually about to be created, so the first attempts follow closely and make no event. */
  #volumeFailed(message: string, isVolume: boolean): void {
    const now = this.#env.clock.now();
    const failures = this.#volumeFailures;
    if (failures.count === 0) failures.since = now;
    const delay = Math.min(VOLUME_RETRY.maxMs, VOLUME_RETRY.firstMs * 2 ** Math.min(failures.count, 10));
    failures.count++;
    if (now - failures.since >= VOLUME_RETRY.eventAfterMs && failures.reported !== message) {
      failures.reported = message;
      const reason = isVolume ? 'FailedMount' : 'FailedCreatePodSandBox';
      this.#env.event(this.#pod, { type: 'Warning', reason, message });
    }
    this.#wakeAt(now + delay);
  }

  async #startContainer(name: string): Promise<void> {
    const container = this.#specOf(name);
    const sandbox = this.#sandbox;
    const record = this.#recordOf(name);
    if (container === undefined || sandbox === undefined || record === undefined) return;
    const image = await sandbox.image(container);
    if (!image.ok) {
      this.#imageFailed(container, image.message);
      return;
    }
    this.#imageFailures.delete(name);
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
    const running: Running = {
      container,
      handle,
      startedAt: at,
      probes: initialProbes(container, at),
      probing: new Set(),
      stopping: undefined,
    };
    this.#running.set(name, running);
    void handle.exited.then((exit) => this.#exited(running, exit));
    const image = `Container image "${container.image}" already present on machine`;
    this.#event('Normal', 'Pulled', image);
    this.#event('Normal', 'Created', `Created container: ${name}`);
    this.#event('Normal', 'Started', `Started container ${name}`);
    if (container.lifecycle?.postStart !== undefined) void this.#postStart(running);
  }

  async #postStart(running: Running): Promise<void> {
    const hook = running.container.lifecycle?.postStart;
    if (hook === undefined || this.#sandbox === undefined || hook.sleep !== undefined) return;
    const outcome = await this.#sandbox.probe(running.container, hook, this.#grace() * 1000);
    if (outcome.ok || this.#running.get(running.container.name) !== running) return;
    this.#event('Warning', 'FailedPostStartHook', outcome.message);
    await this.#stopContainer(running, this.#grace());
  }

  #exited(running: Running, exit: ContainerExit): void {
    const { name } = running.container;
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
      const pod = `${this.#pod.metadata.name}_${this.#pod.metadata.namespace}(${this.#pod.metadata.uid})`;
      this.#event('Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${pod}`);
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
    const failures = this.#imageFailures.get(name) ?? 0;
    this.#imageFailures.set(name, failures + 1);
    const now = this.#env.clock.now();
    const delay = Math.min(IMAGE_RETRY.maxMs, IMAGE_RETRY.firstMs * 2 ** failures);
    const reason = failures === 0 ? 'ErrImagePull' : 'ImagePullBackOff';
    this.#event('Warning', 'Failed', `Failed to pull image "${container.image}": ${message}`);
    if (failures > 0) this.#event('Normal', 'BackOff', `Back-off pulling image "${container.image}"`);
    this.#change(name, (record) => containerBlocked(record, { reason, message }, now + delay));
    this.#again = true;
  }

  #runProbes(): void {
    const now = this.#env.clock.now();
    for (const running of this.#running.values()) {
      const started = this.#recordOf(running.container.name)?.started === true;
      for (const kind of activeProbes(running.probes, started)) {
        const state = running.probes[kind];
        const probe = probeOf(running.container, kind);
        if (state === undefined || probe === undefined || state.dueAt > now || running.stopping !== undefined) continue;
        if (!running.probing.has(kind)) void this.#probe(running, kind, probe);
      }
    }
  }

  async #probe(running: Running, kind: ProbeKind, probe: Probe): Promise<void> {
    const { container } = running;
    running.probing.add(kind);
    const outcome = await this.#sandbox?.probe(container, probe, (probe.timeoutSeconds ?? 1) * 1000);
    running.probing.delete(kind);
    const state = running.probes[kind];
    if (outcome === undefined || state === undefined || this.#running.get(container.name) !== running) return;
    const step = probeStep(kind, state, probe, outcome, this.#env.clock.now());
    running.probes = { ...running.probes, [kind]: step.state };
    if (!outcome.ok) {
      const title = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
      this.#event('Warning', 'Unhealthy', `${title} probe failed: ${outcome.message}`);
    }
    this.#probeEffect(running, step.effect, probe);
    this.#kick();
  }

  #probeEffect(running: Running, effect: ReturnType<typeof probeStep>['effect'], probe: Probe): void {
    const { name } = running.container;
    switch (effect.type) {
      case 'none':
        return;
      case 'started':
        this.#change(name, (r) => ({ ...r, started: true, ready: running.container.readinessProbe === undefined }));
        running.probes = { ...initialProbes(running.container, this.#env.clock.now()), startup: undefined };
        return;
      case 'ready':
        this.#change(name, (record) => ({ ...record, ready: effect.ready }));
        return;
      case 'kill':
        this.#event('Normal', 'Killing', `Container ${name} ${effect.message}, will be restarted`);
        void this.#stopContainer(running, probe.terminationGracePeriodSeconds ?? this.#grace());
    }
  }

  #nextProbe(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const running of this.#running.values()) {
      const started = this.#recordOf(running.container.name)?.started === true;
      for (const kind of activeProbes(running.probes, started)) {
        if (!running.probing.has(kind)) next = Math.min(next, running.probes[kind]?.dueAt ?? next);
      }
    }
    return next;
  }

  async #terminate(): Promise<void> {
    this.#finished = true;
    this.#abort.abort();
    this.#limitTermination();
    const grace = this.#gone ? 0 : this.#grace();
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
    await this.#sandbox?.destroy();
    if (this.#address !== undefined) this.#env.releaseAddress(this.#address);
    this.#env.ended(this.#pod);
  }

  /** Sets, or brings forward, the moment at which everything is killed. */
  #limitTermination(): void {
    const killAt = this.#env.clock.now() + this.#grace() * 1000;
    if (killAt >= this.#killAt) return;
    this.#killAt = killAt;
    this.#cancelKill?.();
    this.#cancelKill = this.#env.clock.after(this.#grace() * 1000, () => this.#killAll());
  }

  #killAll(): void {
    for (const running of this.#running.values()) running.handle.kill('SIGKILL');
  }

  /** preStop, TERM, and KILL when the grace period is over. Resolves when the container ended. */
  #stopContainer(running: Running, graceSeconds: number): Promise<void> {
    running.stopping ??= this.#stopOnce(running, graceSeconds);
    return running.stopping;
  }

  async #stopOnce(running: Running, graceSeconds: number): Promise<void> {
    const cancel = this.#env.clock.after(graceSeconds * 1000, () => running.handle.kill('SIGKILL'));
    const hook = running.container.lifecycle?.preStop;
    if (hook !== undefined && graceSeconds > 0 && this.#sandbox !== undefined) {
      const ran =
        hook.sleep === undefined
          ? this.#sandbox.probe(running.container, hook, graceSeconds * 1000).then(() => undefined)
          : new Promise<void>((resolve) => this.#env.clock.after((hook.sleep?.seconds ?? 0) * 1000, resolve));
      await Promise.race([ran, running.handle.exited]);
    }
    running.handle.kill('SIGTERM');
    await running.handle.exited;
    cancel();
  }

  #checkDeadline(): void {
    if (this.#record.failure !== undefined || this.#deadline() > this.#env.clock.now()) return;
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#record = { ...this.#record, failure: { reason: 'DeadlineExceeded', message } };
    this.#env.event(this.#pod, { type: 'Normal', reason: 'DeadlineExceeded', message });
  }

  #deadline(): number {
    const seconds = this.#pod.spec?.activeDeadlineSeconds;
    return seconds === undefined ? Number.POSITIVE_INFINITY : this.#record.startedAt + seconds * 1000;
  }

  #grace(): number {
    const { deletionTimestamp, deletionGracePeriodSeconds } = this.#pod.metadata;
    if (deletionTimestamp !== undefined && deletionGracePeriodSeconds !== undefined) return deletionGracePeriodSeconds;
    return this.#pod.spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
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
    const map = (records: readonly ContainerRecord[]) => records.map((r) => (r.name === name ? change(r) : r));
    this.#record = { ...this.#record, init: map(this.#record.init), main: map(this.#record.main) };
  }

  #recordOf(name: string): ContainerRecord | undefined {
    return [...this.#record.init, ...this.#record.main].find((record) => record.name === name);
  }

  #specOf(name: string): Container | undefined {
    const { initContainers = [], containers = [] } = this.#pod.spec ?? {};
    return [...initContainers, ...containers].find((container) => container.name === name);
  }
}
