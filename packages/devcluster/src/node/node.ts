import {
  type Clock,
  isKubeError,
  type KubeClient,
  Lease,
  Namespace,
  Node as NodeResource,
  PersistentVolumeClaim,
  Pod,
  sleep,
} from '@drey/kube';
import type {
  ContainerTarget,
  DuplexBytes,
  ExecOptions,
  ExecSession,
  LogOptions,
  NodeBackend,
} from '../apiserver/contract.ts';
import type { EventRecorder } from '../event-recorder.ts';
import type { Informers } from '../informers.ts';
import type { AddressPool } from './address-pool.ts';
import type { ContainerLog } from './container-log.ts';
import { NODE_LEASE_NAMESPACE, type NodeDescription, nodeLease, nodeObject, nodeStatus } from './node-object.ts';
import type { BackoffPolicy } from './pod-lifecycle.ts';
import { PodWorker } from './pod-worker.ts';
import type { PodWorkerEnv } from './pod-worker-env.ts';
import type { PodRuntime, PodSandbox } from './runtime.ts';
import { StatusWriter } from './status-writer.ts';

export interface NodeOptions {
  readonly description: NodeDescription;
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly runtime: PodRuntime;
  readonly addresses: AddressPool;
  readonly events: EventRecorder;
  readonly backoff: BackoffPolicy;
}

/** A call on a pod that this node cannot serve; the message is for the user. */
export class NodeCallError extends Error {
  override readonly name = 'NodeCallError';
  readonly reason: 'NotFound' | 'BadRequest';
  constructor(reason: 'NotFound' | 'BadRequest', message: string) {
    super(message);
    this.reason = reason;
  }
}

const HEARTBEAT_MS = 10_000;
const STATUS_EVERY_HEARTBEATS = 30;
const REGISTER_ATTEMPTS = 20;
const REGISTER_RETRY_MS = 500;
/** Set on new nodes by the API server's admission, and taken away by whoever looks after nodes: here, the node itself. */
const NOT_READY_TAINT = 'node.kubernetes.io/not-ready';

/**
 * A node: registers itself, keeps its lease, and runs the pods that the scheduler gives to it on a {@link PodRuntime}.
 * Nodes of every kind are this class; they differ in their runtime.
 */
export class Node implements NodeBackend {
  readonly #options: NodeOptions;
  readonly #workers = new Map<string, PodWorker>();
  readonly #statuses: StatusWriter;
  readonly #stop = new AbortController();

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#statuses = new StatusWriter(options.client, options.clock, this.#stop.signal);
  }

  /** Resolves when the node is registered and takes pods. Pods it had before a restart are taken up again. */
  async start(): Promise<void> {
    const { informers, runtime, addresses, description } = this.#options;
    const pods = informers.of(Pod);
    const claims = informers.of(PersistentVolumeClaim);
    await Promise.all([runtime.start(), this.#register(), informers.synced()]);
    for (const pod of pods.list()) {
      const address = pod.status?.podIP;
      if (pod.spec?.nodeName === description.name && address !== undefined) addresses.reserve(address);
    }
    const known = new Set(pods.list().map((pod) => pod.metadata.uid));
    for (const uid of runtime.remembered()) if (!known.has(uid)) runtime.forget(uid);
    pods.onChange((pod, _old, deleted) => this.#changed(pod, deleted));
    claims.onChange(({ metadata: { namespace = '', name = '' } }, _old, deleted) => {
      if (deleted) runtime.releaseClaim(namespace, name);
    });
    void this.#heartbeat();
  }

  /** Ends every container, leaves the objects: a later start takes the pods up again. */
  async stop(graceSeconds: number): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop(graceSeconds)));
    await this.#options.runtime.stop();
  }

  async *logs(target: ContainerTarget, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const log = this.#logOf(target, options.previous);
    if (log === undefined) {
      const which = options.previous ? 'previous terminated container' : 'container';
      throw new NodeCallError('BadRequest', `${which} "${target.container}" in pod "${target.pod}" not found`);
    }
    yield* log.read(options, signal);
  }

  async exec(target: ContainerTarget, command: readonly string[], io: ExecOptions): Promise<ExecSession> {
    return this.#sandboxOf(target.namespace, target.pod).exec(target.container, command, io);
  }

  async dial(namespace: string, pod: string, port: number): Promise<DuplexBytes> {
    return this.#sandboxOf(namespace, pod).dial(port);
  }

  #logOf({ namespace, pod: name, container }: ContainerTarget, previous: boolean): ContainerLog | undefined {
    const pod = this.#options.informers.of(Pod).get(namespace, name);
    if (pod === undefined || this.#workers.has(pod.metadata.uid ?? '')) {
      return this.#sandboxOf(namespace, name).log(container, previous);
    }
    return this.#options.runtime.endedLog(pod, container, previous);
  }

  #sandboxOf(namespace: string, name: string): PodSandbox {
    const worker = [...this.#workers.values()].find(
      ({ pod }) => pod.metadata.namespace === namespace && pod.metadata.name === name,
    );
    if (worker?.sandbox === undefined) {
      throw new NodeCallError('NotFound', `pod "${name}" does not run on node "${this.#options.description.name}" yet`);
    }
    return worker.sandbox;
  }

  #changed(pod: Pod, deleted: boolean): void {
    const uid = pod.metadata.uid ?? '';
    const worker = this.#workers.get(uid);
    if (deleted) {
      if (worker === undefined) this.#options.runtime.forget(uid);
      else worker.removed();
    } else if (worker !== undefined) {
      worker.update(pod);
    } else if (pod.spec?.nodeName === this.#options.description.name && !this.#stop.signal.aborted) {
      this.#accept(pod, uid);
    }
  }

  #accept(pod: Pod, uid: string): void {
    const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (ended && pod.metadata.deletionTimestamp === undefined) return;
    const worker = new PodWorker(pod, this.#workerEnv());
    this.#workers.set(uid, worker);
    worker.start();
  }

  #workerEnv(): PodWorkerEnv {
    const { clock, backoff, addresses, runtime, description } = this.#options;
    return {
      clock,
      backoff,
      hostAddress: description.address,
      // An address a pod had before was reserved at start, so that nobody else got it.
      takeAddress: (wanted) => (wanted !== undefined && addresses.contains(wanted) ? wanted : addresses.take()),
      releaseAddress: (address) => addresses.release(address),
      sandbox: (pod, address) => runtime.sandbox(pod, address),
      publish: (pod, status) => this.#statuses.publish(pod, status),
      remove: (pod) => this.#remove(pod),
      event: (pod, event) => this.#options.events.record(pod, event),
      ended: (pod) => {
        this.#workers.delete(pod.metadata.uid ?? '');
        this.#statuses.forget(pod);
      },
    };
  }

  /** Kubelets delete with no grace once everything ended; the uid keeps a namesake safe. */
  async #remove(pod: Pod): Promise<void> {
    const { client, clock } = this.#options;
    await this.#statuses.settled(pod);
    const { namespace, name = '', uid } = pod.metadata;
    while (!this.#stop.signal.aborted) {
      try {
        await client.delete(Pod, namespace, name, { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { uid }) });
        return;
      } catch (error) {
        if (isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) return;
        await sleep(clock, 1000, this.#stop.signal).catch(() => undefined);
      }
    }
  }

  async #register(): Promise<void> {
    const { client, clock, description } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        await client.apply(NodeResource, nodeObject(description), { fieldManager: 'drey-node' });
        await this.#reportStatus();
        await ensureNamespace(client, NODE_LEASE_NAMESPACE);
        await this.#renewLease();
        return;
      } catch (error) {
        if (attempt >= REGISTER_ATTEMPTS || !isKubeError(error)) throw error;
        await sleep(clock, REGISTER_RETRY_MS, this.#stop.signal);
      }
    }
  }

  async #reportStatus(): Promise<void> {
    const { client, clock, description } = this.#options;
    const old = await client.get(NodeResource, undefined, description.name);
    const status = nodeStatus(description, old.status, clock.now());
    await client.patch(NodeResource, undefined, description.name, 'strategic', { status }, { subresource: 'status' });
    const taints = old.spec?.taints ?? [];
    const kept = taints.filter((taint) => taint.key !== NOT_READY_TAINT);
    if (kept.length === taints.length) return;
    await client.patch(NodeResource, undefined, description.name, 'merge', { spec: { taints: kept } });
  }

  async #renewLease(): Promise<void> {
    const { client, clock, description } = this.#options;
    await client.apply(Lease, nodeLease(description.name, clock.now()), { fieldManager: 'drey-node' });
  }

  async #heartbeat(): Promise<void> {
    const { signal } = this.#stop;
    for (let beat = 1; !signal.aborted; beat++) {
      try {
        await sleep(this.#options.clock, HEARTBEAT_MS, signal);
        await this.#renewLease();
        if (beat % STATUS_EVERY_HEARTBEATS === 0) await this.#reportStatus();
      } catch (error) {
        if (!signal.aborted && !isKubeError(error)) throw error;
      }
    }
  }
}

async function ensureNamespace(client: KubeClient, name: string): Promise<void> {
  try {
    await client.create(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
  }
}
