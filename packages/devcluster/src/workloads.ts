import { type Clock, type KubeClient, Pod, type Random, Service } from '@drey/kube';
import type { ControllerContext } from './controllers/context.ts';
import { startControllers } from './controllers/index.ts';
import { type EventRecorder, eventRecorder } from './event-recorder.ts';
import { Informers } from './informers.ts';
import { AddressPool } from './node/address-pool.ts';
import type { ImageOptions } from './node/images.ts';
import type { Isolation } from './node/isolation.ts';
import { Node } from './node/node.ts';
import { machineCapacity } from './node/node-object.ts';
import { type BackoffPolicy, KUBELET_BACKOFF } from './node/pod-lifecycle.ts';
import { ProcessRuntime } from './node/process-runtime.ts';
import { ServiceProxy } from './node/service-proxy.ts';

export interface WorkloadsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  /** Pods' files, logs and process records. */
  readonly dataDirectory: string;
  /** Where pods reach the API server, and whom they trust. */
  readonly apiServer: { readonly host: string; readonly port: number; readonly authority: string };
  readonly images: ImageOptions;
  /** A block inside 127/8 for pods. Default `127.64.0.0/16`. */
  readonly podRange?: string;
  /** The block that the API server gives Services addresses from. */
  readonly serviceRange: string;
  readonly nodeName?: string;
  /** Default: the kubelet's, 10 s doubling to 5 min. */
  readonly backoff?: BackoffPolicy;
  readonly isolation?: Isolation;
  /** Run Flink's commands as the JVM they end in. Default true; false runs Flink's own scripts. */
  readonly fastStart?: boolean;
  /** Hears of controller passes that failed and will be tried again. */
  readonly failed?: (what: string, key: string, error: unknown) => void;
}

/** What makes workloads run next to an API server: controllers, a process node, Service forwarders. */
export interface Workloads {
  readonly node: Node;
  readonly informers: Informers;
  /** Ends every process (TERM, then KILL after `graceSeconds`) and leaves the objects as they are. */
  stop(graceSeconds?: number): Promise<void>;
}

const NODE_ADDRESS = '127.0.0.1';

/** Starts controllers and a process node against any API server. Resolves when the node takes pods. */
export async function startWorkloads(options: WorkloadsOptions): Promise<Workloads> {
  const { clock, random } = options;
  const stop = new AbortController();
  const informers = new Informers({ client: options.client, clock, random, signal: stop.signal });
  const { client } = informers;
  const recorders: EventRecorder[] = [];
  const recorder = (component: string, host?: string): EventRecorder => {
    const made = eventRecorder(options.client, clock, component, host);
    recorders.push(made);
    return made;
  };
  const failed = options.failed ?? (() => undefined);
  const context: ControllerContext = { client, informers, clock, random, events: recorder, failed };
  const name = options.nodeName ?? 'drey';
  const capacity = machineCapacity();
  const runtime = new ProcessRuntime({
    client: options.client,
    clock,
    images: options.images,
    dataDirectory: options.dataDirectory,
    hostAddress: NODE_ADDRESS,
    apiServer: options.apiServer,
    nodeAllocatable: { ...capacity },
    ...(options.isolation === undefined ? {} : { isolation: options.isolation }),
    ...(options.fastStart === undefined ? {} : { fastStart: options.fastStart }),
  });
  informers.of(Pod);
  informers.of(Service);
  const node = new Node({
    description: { name, address: NODE_ADDRESS, capacity },
    client,
    informers,
    clock,
    runtime,
    addresses: new AddressPool(options.podRange ?? '127.64.0.0/16'),
    events: recorder('kubelet', name),
    backoff: options.backoff ?? KUBELET_BACKOFF,
  });
  const serviceBlock = new AddressPool(options.serviceRange);
  const proxy = new ServiceProxy({
    informers,
    nodeAddress: NODE_ADDRESS,
    isLocal: (address) => serviceBlock.contains(address),
    changed: (services) => runtime.updateServices(services),
    failed: (service, port, error) =>
      failed('service-proxy', `${service.metadata.namespace}/${service.metadata.name}:${port}`, error),
  });
  const controllers = startControllers(context, { authority: options.apiServer.authority }, stop.signal);
  proxy.start();
  await node.start();
  return {
    node,
    informers,
    async stop(graceSeconds = 5) {
      proxy.stop();
      await node.stop(graceSeconds);
      stop.abort();
      await Promise.all([controllers, informers.stopped()]);
      await Promise.all(recorders.map((made) => made.flush()));
    },
  };
}
