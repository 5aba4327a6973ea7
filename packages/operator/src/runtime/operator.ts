import { FlinkDeployments } from '@drey/api';
import { type ConfigEntries, type FlinkTransport, operatorOptions } from '@drey/flink';
import {
  type Clock,
  Deployment,
  KeyedQueue,
  type KubeClient,
  type KubeObject,
  keyOf,
  Pod,
  priority,
  type Random,
  Reflector,
  type Resource,
  runController,
  Service,
  type Store,
  showOwnWrites,
  storeSource,
} from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import type { Logger } from 'pino';
import { reconcile } from '../deployment/reconcile.ts';
import { type Caches, clusterOf, createCaches, NATIVE_CLUSTER_SELECTOR } from './caches.ts';
import { nativeClusterBuilder } from './cluster-builder.ts';
import { serviceEndpoint } from './endpoints.ts';
import { eventRecorder } from './event-recorder.ts';
import { flinkPort } from './flink-port.ts';
import { JobPulse } from './job-pulse.ts';
import { type OperatorMetrics, operatorMetrics } from './metrics.ts';
import { operatorPolicy } from './policy.ts';
import type { ClusterBuilder, EndpointResolver, Env, FlinkPort } from './ports.ts';

/** What an operator is made from; everything it touches comes in here. */
export interface OperatorEnv {
  readonly clock: Clock;
  readonly random: Random;
  readonly kube: KubeClient;
  /** The way to Flink's REST API: a transport, or a port of one's own. */
  readonly flink: FlinkTransport | { readonly port: FlinkPort };
  readonly log: Logger;
  /** Default: the cluster address of the REST Service, else the pod's, else the Service's name. */
  readonly endpoints?: EndpointResolver;
  readonly metrics?: OperatorMetrics;
}

export interface OperatorOptions {
  /** The operator's configuration: `kubernetes.operator.*` keys and defaults for all clusters. Default: Drey's own. */
  readonly config?: ConfigEntries;
  /** Namespaces to watch; absent or empty: what the configuration says, else all. */
  readonly namespaces?: readonly string[];
  /** Logging files for clusters that bring none. */
  readonly logging?: Readonly<Record<string, string>>;
  /** Leadership epoch; absent: no election. */
  readonly epoch?: () => number;
  /** How clusters are built; default: native ones. */
  readonly clusters?: ClusterBuilder;
}

export interface Operator {
  /** Starts watching and working; resolves when the caches are filled. Rejects when `stop` comes first. */
  start(): Promise<void>;
  /** Lets running passes end, sends what events are waiting, and resolves when nothing of the operator runs any more. */
  stop(): Promise<void>;
  /** True from the end of {@link Operator.start} until {@link Operator.stop}. */
  readonly ready: boolean;
  readonly metrics: OperatorMetrics;
}

/** How long running passes may take to end when the operator stops. */
const GRACE_MS = 10_000;

/** An operator. It holds no global state: several may run in one process. */
export function createOperator(env: OperatorEnv, options: OperatorOptions = {}): Operator {
  const config = options.config ?? DEFAULT_OPERATOR_CONFIG;
  const policy = operatorPolicy(config);
  const metrics = env.metrics ?? operatorMetrics();
  const stopped = new AbortController();
  const finished = new AbortController();
  const caches = createCaches((error) => env.log.error({ err: error }, 'a listener of a cache failed'));
  const kube = showOwnWrites(env.kube, storeOf(caches));
  const recorder = eventRecorder({ kube: env.kube, clock: env.clock, log: env.log, signal: finished.signal });
  const queue = new KeyedQueue({ clock: env.clock, random: env.random, backoff: { firstMs: 500, capMs: 60_000 } });
  const wake = (key: string): void => queue.add(key, { priority: priority.transition });
  const pulse = new JobPulse({ clock: env.clock, random: env.random, wake, signal: stopped.signal });
  const inner: Env = {
    clock: env.clock,
    random: env.random,
    kube,
    caches,
    metrics,
    log: env.log,
    events: recorder.send,
    flink: 'port' in env.flink ? env.flink.port : flinkPort(env.flink),
    endpoints: env.endpoints ?? serviceEndpoint,
    clusters: options.clusters ?? nativeClusterBuilder(config, options.logging),
  };
  const scope = { env: inner, policy, pulse, epoch: options.epoch ?? (() => 0) };
  const namespaces = watchedNamespaces(options, policy.options.get(operatorOptions.watchedNamespaces));
  let running: Promise<unknown> | undefined;
  let ready = false;
  return {
    metrics,
    get ready() {
      return ready && !stopped.signal.aborted;
    },
    async start() {
      const reflectors = reflect(
        env,
        caches,
        namespaces,
        policy.options.get(operatorOptions.labelSelector),
        stopped.signal,
      );
      const controller = runController(
        {
          name: 'flinkdeployments',
          clock: env.clock,
          queue,
          workers: Math.max(1, policy.options.get(operatorOptions.reconcileParallelism)),
          sources: sourcesOf(caches),
          reconcile: (pass) => reconcile(scope, pass),
          graceMs: GRACE_MS,
          observer: observerOf(env, metrics, queue, pulse),
        },
        stopped.signal,
      );
      running = Promise.allSettled([controller, ...reflectors]);
      await Promise.race([synced(caches, stopped.signal), controller]);
      ready = true;
      env.log.info({ namespaces }, 'operator started');
    },
    async stop() {
      stopped.abort(new Error('the operator was stopped'));
      await running;
      await recorder.flush();
      finished.abort(new Error('the operator was stopped'));
      env.log.info('operator stopped');
    },
  };
}

function watchedNamespaces(options: OperatorOptions, configured: string): readonly (string | undefined)[] {
  const named = (options.namespaces ?? []).filter((name) => name !== '');
  if (named.length > 0) return named;
  const list = configured.split(/[,;]/).map((name) => name.trim());
  return configured === '' || list.includes('JOSDK_ALL_NAMESPACES') ? [undefined] : list;
}

function storeOf(caches: Caches) {
  const stores = new Map<string, unknown>([
    [FlinkDeployments.plural, caches.flinkDeployments],
    [Deployment.plural, caches.deployments],
    [Pod.plural, caches.pods],
    [Service.plural, caches.services],
  ]);
  return <T extends KubeObject>(r: Resource<T>): Pick<Store<T>, 'written'> | undefined =>
    stores.get(r.plural) as Pick<Store<T>, 'written'> | undefined;
}

function reflect(
  env: OperatorEnv,
  caches: Caches,
  namespaces: readonly (string | undefined)[],
  labelSelector: string | undefined,
  signal: AbortSignal,
): Promise<void>[] {
  const run = <T extends KubeObject>(
    resource: Resource<T>,
    store: { feed: Store<T>['feed'] },
    selector: string | undefined,
  ): Promise<void>[] =>
    namespaces.map((namespace) =>
      new Reflector<T>({
        client: env.kube,
        resource,
        feed: store.feed(namespace),
        clock: env.clock,
        random: env.random,
        ...(namespace === undefined ? {} : { namespace }),
        ...(selector === undefined ? {} : { labelSelector: selector }),
        observer: {
          failed: (error, retryMs) =>
            env.log.warn({ resource: resource.plural, ns: namespace, retryMs, err: error }, 'watch failed'),
        },
      }).run(signal),
    );
  return [
    ...run(FlinkDeployments, caches.flinkDeployments, labelSelector),
    ...run(Deployment, caches.deployments, NATIVE_CLUSTER_SELECTOR),
    ...run(Pod, caches.pods, NATIVE_CLUSTER_SELECTOR),
    ...run(Service, caches.services, NATIVE_CLUSTER_SELECTOR),
  ];
}

function sourcesOf(caches: Caches) {
  const toCluster = (change: { readonly object: { readonly metadata: KubeObject['metadata'] } }): string[] =>
    clusterOf(change.object as KubeObject).filter((key) => caches.flinkDeployments.getByKey(key) !== undefined);
  const inTransition = { priorityOf: () => priority.transition, ignoreOwn: true };
  return [
    storeSource(caches.flinkDeployments, (change) => [keyOf(change.object)], { ignoreOwn: true }),
    storeSource(caches.deployments, (change) => toCluster(change as never), inTransition),
    storeSource(caches.pods as never as Store<Pod>, (change) => toCluster(change as never), inTransition),
    storeSource(caches.services, (change) => toCluster(change as never), inTransition),
  ];
}

async function synced(caches: Caches, signal: AbortSignal): Promise<void> {
  await Promise.all(
    [caches.flinkDeployments, caches.deployments, caches.pods, caches.services].map((store) =>
      store.whenSynced(signal),
    ),
  );
}

function observerOf(env: OperatorEnv, metrics: OperatorMetrics, queue: KeyedQueue, pulse: JobPulse) {
  const kind = 'FlinkDeployment';
  return {
    passed: (info: { durationMs: number; waitedMs: number; outcome: string }): void => {
      metrics.reconciles.inc({ kind, result: info.outcome });
      metrics.reconcileSeconds.observe({ kind }, info.durationMs / 1000);
      metrics.queueSeconds.observe({ kind }, info.waitedMs / 1000);
      const { ready, waiting, processing } = queue.snapshot();
      metrics.queueDepth.set(
        { kind, state: 'ready' },
        Object.values(ready).reduce((sum, count) => sum + count, 0),
      );
      metrics.queueDepth.set({ kind, state: 'waiting' }, waiting);
      metrics.queueDepth.set({ kind, state: 'processing' }, processing);
      metrics.watchedJobs.set(pulse.size);
    },
    failed: (key: string, error: unknown, info: { failures: number; retryMs: number | undefined }): void => {
      env.log.debug({ key, failures: info.failures, retryMs: info.retryMs, err: error }, 'pass will be repeated');
    },
    abandoned: (keys: readonly string[]): void => {
      env.log.warn({ keys }, 'passes did not end in time');
    },
  };
}
