import { type Clock, isKubeError, type KubeClient, Lease, Node, Pod, type Random } from '@drey/kube';
import {
  type BackoffPolicy,
  type ContainerRecord,
  containerBlocked,
  containerExited,
  containerStarted,
  decidePod,
  KUBELET_BACKOFF,
  newPodRecord,
  type PodRecord,
} from '../node/pod-lifecycle.ts';
import { podStatus, timestamp } from '../node/pod-status.ts';
import { draw, type Range } from './flink/timings.ts';
import type { Program, ProgramFactory } from './program.ts';

export interface SimulatedNodeOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly client: KubeClient;
  readonly programs: ProgramFactory;
  /** Pod bound → containers start: image, volumes. */
  readonly prepareMs: Range;
  /** Container start → startup and readiness probes pass. */
  readonly readyMs: Range;
  /** Termination signal → process gone. */
  readonly terminateMs: Range;
  readonly backoff?: BackoffPolicy;
  /** First two octets of pod addresses, for example `10.1`. */
  readonly podNetwork: string;
}

interface RunningPod {
  pod: Pod;
  record: PodRecord;
  readonly address: string;
  readonly programs: Map<string, Program | undefined>;
  readonly cancels: Set<() => void>;
  terminating: boolean;
  gone: boolean;
  writing: Promise<void>;
}

const PULL_RETRY_MS = 10_000;

/**
 * A node whose pods are simulated processes in virtual time. It follows the same pod state machine as the process node;
 * images exist unless they are said not to, and what a container does is a {@link Program}.
 */
export class SimulatedNode {
  readonly #o: SimulatedNodeOptions;
  readonly #pods = new Map<string, RunningPod>();
  readonly #abort = new AbortController();
  #nextAddress = 1;
  /** False: containers that are to be started wait for their image, as with a registry that does not answer. */
  imagesInReach = true;
  /** Images that no registry has. */
  readonly missingImages = new Set<string>();

  constructor(options: SimulatedNodeOptions) {
    this.#o = options;
  }

  /** Registers the node and follows its pods until `stop`. */
  async start(): Promise<void> {
    const { client, name, clock } = this.#o;
    const room = { cpu: '64', memory: '256Gi', 'ephemeral-storage': '1Ti', pods: '5000' };
    const ready = {
      type: 'Ready',
      status: 'True' as const,
      reason: 'KubeletReady',
      lastTransitionTime: timestamp(clock.now()),
    };
    await this.#once(() =>
      client.create(Node, {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name, labels: { 'kubernetes.io/hostname': name } },
      }),
    );
    await client.patch(
      Node,
      undefined,
      name,
      'merge',
      { status: { capacity: room, allocatable: room, conditions: [ready] } },
      { subresource: 'status' },
    );
    await this.#once(() =>
      client.create(Lease, {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace: 'kube-node-lease' },
        spec: { holderIdentity: name },
      }),
    );
    void this.#follow();
  }

  stop(): void {
    this.#abort.abort();
    for (const one of this.#pods.values()) this.#kill(one);
  }

  /** Names of pods whose main container runs, with their labels, for faults. */
  running(): readonly {
    readonly namespace: string;
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
  }[] {
    return [...this.#pods.values()]
      .filter((one) => one.record.main.some((c) => c.state.type === 'running'))
      .map(({ pod: { metadata: m } }) => ({
        namespace: m.namespace ?? '',
        name: m.name ?? '',
        labels: m.labels ?? {},
      }));
  }

  /** How often the main container of the pod with these labels was restarted; undefined when there is no such pod. */
  restartsOf(namespace: string, app: string, component: string): number | undefined {
    const found = [...this.#pods.values()].find(
      ({ pod: { metadata: m } }) =>
        m.namespace === namespace && m.labels?.app === app && m.labels?.component === component,
    );
    return found?.record.main[0]?.restartCount;
  }

  /** kill -9 of a pod's main process. */
  killContainer(namespace: string, name: string, exitCode = 137): void {
    const one = [...this.#pods.values()].find(
      (p) => p.pod.metadata.namespace === namespace && p.pod.metadata.name === name,
    );
    const main = one?.record.main[0];
    if (one === undefined || main?.state.type !== 'running') return;
    one.programs.get(main.name)?.kill();
    this.#exited(one, main.name, exitCode);
  }

  async #once(create: () => Promise<unknown>): Promise<void> {
    try {
      await create();
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
    }
  }

  async #follow(): Promise<void> {
    const { client, name, clock } = this.#o;
    const fieldSelector = `spec.nodeName=${name}`;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const list = await client.list(Pod, { fieldSelector });
        const present = new Set(list.items.map((pod) => pod.metadata.uid));
        for (const [uid, one] of this.#pods) if (!present.has(uid)) this.#kill(one);
        for (const pod of list.items) this.#seen(pod);
        const watch = client.watch(Pod, {
          fieldSelector,
          signal,
          ...(list.metadata.resourceVersion ? { resourceVersion: list.metadata.resourceVersion } : {}),
        });
        for await (const event of watch) {
          if (event.type === 'DELETED') this.#deleted(event.object);
          else if (event.type !== 'BOOKMARK') this.#seen(event.object);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (!isKubeError(error)) throw error;
      }
      await new Promise<void>((resolve) => clock.after(200, resolve));
    }
  }

  #seen(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    let one = this.#pods.get(uid);
    if (one === undefined) {
      if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return;
      const number = this.#nextAddress++;
      const address = `${this.#o.podNetwork}.${Math.floor(number / 250) % 250}.${(number % 250) + 1}`;
      const record = newPodRecord(pod, this.#o.clock.now());
      one = {
        pod,
        record,
        address,
        programs: new Map(),
        cancels: new Set(),
        terminating: false,
        gone: false,
        writing: Promise.resolve(),
      };
      this.#pods.set(uid, one);
      const added = one;
      this.#after(one, this.#o.prepareMs, () => {
        added.record = { ...added.record, prepared: true };
        this.#step(added);
      });
      this.#report(one);
    }
    one.pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined && !one.terminating) this.#terminate(one);
  }

  #deleted(pod: Pod): void {
    const one = this.#pods.get(pod.metadata.uid ?? '');
    if (one) this.#kill(one);
  }

  #terminate(one: RunningPod): void {
    one.terminating = true;
    this.#after(one, this.#o.terminateMs, () => {
      this.#kill(one);
      const { namespace, name, uid } = one.pod.metadata;
      void this.#finalDelete(namespace, name ?? '', uid ?? '');
    });
  }

  async #finalDelete(namespace: string | undefined, name: string, uid: string): Promise<void> {
    try {
      await this.#o.client.delete(Pod, namespace, name, { gracePeriodSeconds: 0, uid });
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) throw error;
    }
  }

  #step(one: RunningPod): void {
    if (one.gone || one.terminating || !one.record.prepared) return;
    const now = this.#o.clock.now();
    const decision = decidePod(one.pod, one.record, now);
    if (decision.type === 'run') {
      for (const name of decision.start) this.#startContainer(one, name);
      if (decision.wakeAt !== undefined) this.#at(one, decision.wakeAt - now, () => this.#step(one));
    }
    this.#report(one);
  }

  #startContainer(one: RunningPod, name: string): void {
    const { clock, random, client } = this.#o;
    const spec = [...(one.pod.spec?.initContainers ?? []), ...(one.pod.spec?.containers ?? [])].find(
      (c) => c.name === name,
    );
    if (spec === undefined) return;
    const isMissing = this.missingImages.has(spec.image ?? '');
    if (!this.imagesInReach || isMissing) {
      const message = `Failed to pull image "${spec.image}": ${isMissing ? 'not found' : 'dial tcp: i/o timeout'}`;
      const why = { reason: 'ErrImagePull', message };
      this.#update(one, name, (c) => containerBlocked(c, why, clock.now() + PULL_RETRY_MS));
      this.#at(one, PULL_RETRY_MS, () => this.#step(one));
      return;
    }
    const started = {
      at: clock.now(),
      containerId: `sim://${one.pod.metadata.uid}/${name}/${clock.now()}`,
      imageId: `sim://${spec.image}`,
    };
    this.#update(one, name, (c) => containerStarted(c, started, spec));
    const isInit = one.record.init.some((c) => c.name === name);
    if (isInit && spec.restartPolicy !== 'Always') {
      this.#after(one, [10, 100], () => this.#exited(one, name, 0));
      return;
    }
    let alive = true;
    const exit = (code: number): void => {
      if (alive && !one.gone) this.#exited(one, name, code);
      alive = false;
    };
    const program = this.#o.programs({
      clock,
      random,
      client,
      pod: one.pod,
      container: spec,
      address: one.address,
      exit,
    });
    one.programs.set(name, program);
    this.#after(one, this.#o.readyMs, () => {
      if (!alive || one.programs.get(name) !== program) return;
      this.#update(one, name, (c) => (c.state.type === 'running' ? { ...c, started: true, ready: true } : c));
      this.#report(one);
    });
  }

  #exited(one: RunningPod, name: string, exitCode: number): void {
    one.programs.delete(name);
    const now = this.#o.clock.now();
    this.#update(one, name, (c) => {
      if (c.state.type !== 'running') return c;
      const reason = exitCode === 0 ? 'Completed' : 'Error';
      return containerExited(
        one.pod,
        c,
        { type: 'terminated', exitCode, reason, startedAt: c.state.startedAt, finishedAt: now },
        this.#o.backoff ?? KUBELET_BACKOFF,
      );
    });
    this.#step(one);
  }

  #update(one: RunningPod, name: string, change: (c: ContainerRecord) => ContainerRecord): void {
    const apply = (list: readonly ContainerRecord[]): ContainerRecord[] =>
      list.map((c) => (c.name === name ? change(c) : c));
    one.record = { ...one.record, init: apply(one.record.init), main: apply(one.record.main) };
  }

  /** Writes the status; one write at a time for a pod, always of the newest record. */
  #report(one: RunningPod): void {
    one.writing = one.writing.then(async () => {
      if (one.gone) return;
      const status = podStatus(
        one.pod,
        one.record,
        { podAddress: one.record.prepared ? one.address : undefined, hostAddress: '10.0.0.1' },
        this.#o.clock.now(),
      );
      if (JSON.stringify(status) === JSON.stringify(one.pod.status)) return;
      const { namespace, name } = one.pod.metadata;
      try {
        one.pod = await this.#o.client.patch(
          Pod,
          namespace,
          name ?? '',
          'merge',
          { metadata: { uid: one.pod.metadata.uid }, status },
          { subresource: 'status' },
        );
      } catch (error) {
        if (isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT', 'E_KUBE_INVALID')) return;
        if (!isKubeError(error)) throw error;
        this.#at(one, 500, () => this.#report(one));
      }
    });
  }

  #kill(one: RunningPod): void {
    if (one.gone) return;
    one.gone = true;
    for (const cancel of one.cancels) cancel();
    for (const program of one.programs.values()) program?.kill();
    this.#pods.delete(one.pod.metadata.uid ?? '');
  }

  #after(one: RunningPod, range: Range, fn: () => void): void {
    this.#at(one, draw(this.#o.random, range), fn);
  }

  #at(one: RunningPod, ms: number, fn: () => void): void {
    const cancel = this.#o.clock.after(ms, () => {
      one.cancels.delete(cancel);
      fn();
    });
    one.cancels.add(cancel);
  }
}
