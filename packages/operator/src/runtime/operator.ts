import { type ConfigEntries, type FlinkTransport, operatorOptions } from '@drey/flink';
import {
  type Clock,
  KeyedQueue,
  type KubeClient,
  type KubeObject,
  priority,
  type Random,
  Reflector,
  type Resource,
  runController,
  type Store,
  showOwnWrites,
} from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import type { Logger } from 'pino';
import { deploymentController } from '../deployment/controller.ts';
import { type Caches, createCaches, type Watched, watchedBy } from './caches.ts';
import { nativeClusterBuilder } from './cluster-builder.ts';
import { serviceEndpoint } from './endpoints.ts';
import { eventRecorder } from './event-recorder.ts';
import { flinkPort } from './flink-port.ts';
import type { KindController, KindFactory, KindScope } from './kind-controller.ts';
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

/** Every kind the operator reconciles. */
const KINDS: readonly KindFactory[] = [deploymentController];

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
  const scope: KindScope = { env: inner, policy, epoch: options.epoch ?? (() => 0), signal: stopped.signal };
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
      const controllers = KINDS.map((make) => runKind(env, make, scope, metrics));
      running = Promise.allSettled([...controllers, ...reflectors]);
      await Promise.race([synced(caches, stopped.signal), ...controllers]);
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

/** The queue and the workers of one kind. */
function runKind(env: OperatorEnv, make: KindFactory, scope: KindScope, metrics: OperatorMetrics): Promise<void> {
  const queue = new KeyedQueue({ clock: env.clock, random: env.random, backoff: { firstMs: 500, capMs: 60_000 } });
  const controller = make(scope, (key) => queue.add(key, { priority: priority.transition }));
  return runController(
    {
      name: controller.kind,
      clock: env.clock,
      queue,
      workers: Math.max(1, scope.policy.options.get(operatorOptions.reconcileParallelism)),
      sources: controller.sources,
      reconcile: controller.reconcile,
      graceMs: GRACE_MS,
      observer: observerOf(env, metrics, queue, controller),
    },
    scope.signal,
  );
}

function watchedNamespaces(options: OperatorOptions, configured: string): readonly (string | undefined)[] {
  const named = (options.namespaces ?? []).filter((name) => name !== '');
  if (named.length > 0) return named;
  const list = configured.split(/[,;]/).map((name) => name.trim());
  return configured === '' || list.includes('JOSDK_ALL_NAMESPACES') ? [undefined] : list;
}

function storeOf(caches: Caches) {
  const stores = new Map(watchedBy(caches).map(({ resource, store }) => [resource.plural, store]));
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
  const run = ({ resource, store, selector, primary }: Watched): Promise<void>[] => {
    const labels = primary ? labelSelector : selector;
    return namespaces.map((namespace) =>
      new Reflector({
        client: env.kube,
        resource,
        feed: store.feed(namespace),
        clock: env.clock,
        random: env.random,
        ...(namespace === undefined ? {} : { namespace }),
        ...(labels === undefined ? {} : { labelSelector: labels }),
        observer: {
          failed: (error, retryMs) =>
            env.log.warn({ resource: resource.plural, ns: namespace, retryMs, err: error }, 'watch failed'),
        },
      }).run(signal),
    );
  };
  return watchedBy(caches).flatMap(run);
}

async function synced(caches: Caches, signal: AbortSignal): Promise<void> {
  await Promise.all(watchedBy(caches).map(({ store }) => store.whenSynced(signal)));
}

function observerOf(env: OperatorEnv, metrics: OperatorMetrics, queue: KeyedQueue, controller: KindController) {
  const { kind } = controller;
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
      if (controller.watchedJobs !== undefined) metrics.watchedJobs.set({ kind }, controller.watchedJobs());
    },
    failed: (key: string, error: unknown, info: { failures: number; retryMs: number | undefined }): void => {
      env.log.debug({ kind, key, failures: info.failures, retryMs: info.retryMs, err: error }, 'pass will be repeated');
    },
    abandoned: (keys: readonly string[]): void => {
      env.log.warn({ kind, keys }, 'passes did not end in time');
    },
  };
}
