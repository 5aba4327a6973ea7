import { FlinkDeployments, FlinkSessionJobs } from '@drey/api';
import { type ConfigEntries, type FlinkTransport, operatorOptions } from '@drey/flink';
import {
  type Clock,
  KeyedQueue,
  type KubeClient,
  type KubeObject,
  keyOf,
  type Outcome,
  type Pass,
  priority,
  type Random,
  type Resource,
  runController,
  type Store,
  showOwnWrites,
} from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import type { Logger } from 'pino';
import type { ArtifactFetcher } from '../artifact/artifact.ts';
import { deploymentController } from '../deployment/controller.ts';
import { sessionJobController } from '../sessionjob/controller.ts';
import { snapshotController } from '../snapshot/controller.ts';
import { type ZooKeeperPort, zooKeeperPort } from '../zookeeper/client.ts';
import { type Caches, createCaches, watchedBy } from './caches.ts';
import { Canaries, isCanary } from './canaries.ts';
import { clusterBuilder } from './cluster-builder.ts';
import type { DecisionSource } from './debug-endpoint.ts';
import { type DecidedWith, exportDecisions } from './decision-export.ts';
import { DecisionRing } from './decision-ring.ts';
import { serviceEndpoint } from './endpoints.ts';
import { eventRecorder } from './event-recorder.ts';
import { fencedClient, fencedTransport } from './fence.ts';
import { flinkPort } from './flink-port.ts';
import type { KindController, KindFactory, KindScope } from './kind-controller.ts';
import { type OperatorMetrics, operatorMetrics } from './metrics.ts';
import { NamespaceWatch } from './namespace-watch.ts';
import { type OperatorPolicy, operatorPolicy } from './policy.ts';
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
  /** The way to ZooKeeper; default: over the network. */
  readonly zooKeeper?: ZooKeeperPort;
  /** Where jars of session jobs come from; default: from where their addresses say. */
  readonly artifacts?: ArtifactFetcher;
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
  /** Called before everything that only a leader may do; throws when this process no longer leads. Absent: no election. */
  readonly permit?: () => void;
  /** How clusters are built; default: native ones. */
  readonly clusters?: ClusterBuilder;
}

/** What of an operator's configuration can change while it runs. */
export interface OperatorSettings {
  readonly config: ConfigEntries;
  readonly logging?: Readonly<Record<string, string>> | undefined;
}

/** Why an operator ended. */
export type OperatorEnd = { readonly kind: 'stopped' } | { readonly kind: 'fault'; readonly error: unknown };

export interface Operator {
  /** Starts watching and working; resolves when the caches are filled. Rejects when `stop` or a fault comes first. */
  start(): Promise<void>;
  /**
   * Lets running passes end, for as long as the configuration says or `graceMs`, sends what events are waiting, and resolves
   * when nothing of the operator runs any more.
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
  /**
   * Takes another configuration, for all passes from now on. What only a start reads stays as it was. Throws
   * `E_FLINK_CONFIG_VALUE` for a value that cannot be read; everything stays as it was then.
   */
  reconfigure(settings: OperatorSettings): void;
  /** Resolves when the operator has ended: as it was told to, or because a part of it failed in a way that nothing mends. */
  readonly ended: Promise<OperatorEnd>;
  /** True from the end of {@link Operator.start} until {@link Operator.stop}, but for times when a canary is overdue. */
  readonly ready: boolean;
  readonly metrics: OperatorMetrics;
  /** The last decisions, redacted, as `drey replay` reads them. */
  readonly decisions: DecisionSource;
}

/** Every kind the operator reconciles. */
const KINDS: readonly KindFactory[] = [deploymentController, sessionJobController, snapshotController];

/** An operator. It holds no global state: several may run in one process. */
export function createOperator(env: OperatorEnv, options: OperatorOptions = {}): Operator {
  let current = settingsOf(options, {
    config: options.config ?? DEFAULT_OPERATOR_CONFIG,
    logging: options.logging,
  });
  const metrics = env.metrics ?? operatorMetrics();
  const stopped = new AbortController();
  const finished = new AbortController();
  const caches = createCaches((error) => env.log.error({ err: error }, 'a listener of a cache failed'), {
    ingresses: current.policy.options.get(operatorOptions.ingressManage),
  });
  if (current.policy.options.get(operatorOptions.resourceMetricsEnabled))
    metrics.resources.count(caches, stopped.signal);
  const permit = options.permit ?? (() => undefined);
  const fenced = fencedClient(env.kube, permit);
  const kube = showOwnWrites(fenced, storeOf(caches));
  const canaries = new Canaries({
    kube: fenced,
    clock: env.clock,
    timeoutMs: () => current.policy.options.get(operatorOptions.canaryResourceTimeout),
  });
  const recorder = eventRecorder({ kube, clock: env.clock, log: env.log, signal: finished.signal });
  const ring = new DecisionRing();
  const inner: Env = {
    decisions: ring.record,
    clock: env.clock,
    random: env.random,
    kube,
    caches,
    metrics,
    log: env.log,
    events: recorder.send,
    flink: 'port' in env.flink ? env.flink.port : flinkPort(fencedTransport(env.flink, permit)),
    endpoints: env.endpoints ?? serviceEndpoint,
    zooKeeper: env.zooKeeper ?? zooKeeperPort(env.clock),
    clusters: (cluster) => current.clusters(cluster),
    ...(env.artifacts === undefined ? {} : { artifacts: env.artifacts }),
  };
  const scope: KindScope = {
    env: inner,
    get policy() {
      return current.policy;
    },
    epoch: options.epoch ?? (() => 0),
    signal: stopped.signal,
  };
  const end = Promise.withResolvers<OperatorEnd>();
  const fault = (what: string, error: unknown): void => {
    env.log.fatal({ err: error }, `${what} failed; the operator ends`);
    stopped.abort(error);
    end.resolve({ kind: 'fault', error });
  };
  const labelSelector = current.policy.options.get(operatorOptions.labelSelector);
  const watch = new NamespaceWatch({ ...env, metrics, fault }, caches, labelSelector, stopped.signal);
  const wakes: (() => void)[] = [];
  let graceMs: number | undefined;
  const grace = (): number => graceMs ?? current.graceMs;
  let running: Promise<unknown> | undefined;
  let ready = false;
  return {
    metrics,
    decisions: {
      objects: () => ring.objects(),
      file: (kind, key) => {
        const kept = ring.of(kind, key);
        return kept.length === 0 ? undefined : exportDecisions(kept, current.decidedWith);
      },
    },
    ended: end.promise,
    get ready() {
      return ready && !stopped.signal.aborted && canaries.healthy;
    },
    async start() {
      watch.set(current.namespaces);
      running = Promise.all(
        KINDS.map((make) =>
          runKind({ env, metrics, scope, watch, canaries, grace, wakes }, make).catch((error) =>
            fault('a controller', error),
          ),
        ),
      );
      await watch.whenListed();
      stopped.signal.throwIfAborted();
      ready = true;
      env.log.info({ namespaces: current.namespaces }, 'operator started');
    },
    reconfigure(settings) {
      const next = settingsOf(options, settings);
      current = { ...next, namespaces: next.followsNamespaces ? next.namespaces : current.namespaces };
      if (!ready) return;
      watch.set(current.namespaces);
      // What rested until a change may be judged otherwise now.
      for (const wakeAll of wakes) wakeAll();
    },
    async stop(how = {}) {
      graceMs = how.graceMs;
      stopped.abort(new Error('the operator was stopped'));
      await running;
      await watch.ended();
      await recorder.flush();
      finished.abort(new Error('the operator was stopped'));
      end.resolve({ kind: 'stopped' });
      env.log.info('operator stopped');
    },
  };
}

/** What follows from a configuration. */
interface Settings {
  readonly decidedWith: DecidedWith;
  readonly policy: OperatorPolicy;
  readonly clusters: ClusterBuilder;
  readonly namespaces: readonly (string | undefined)[];
  /** Whether the namespaces change with the configuration. */
  readonly followsNamespaces: boolean;
  readonly graceMs: number;
}

function settingsOf(options: OperatorOptions, { config, logging }: OperatorSettings): Settings {
  const policy = operatorPolicy(config, logging);
  return {
    decidedWith: { config, logging },
    policy,
    clusters: options.clusters ?? clusterBuilder(config, logging),
    namespaces: watchedNamespaces(options, policy.options.get(operatorOptions.watchedNamespaces)),
    followsNamespaces: policy.options.get(operatorOptions.dynamicNamespacesEnabled),
    graceMs: policy.options.get(operatorOptions.terminationTimeout),
  };
}

/** What the controllers of all kinds run with. */
interface KindRun {
  readonly env: OperatorEnv;
  readonly metrics: OperatorMetrics;
  readonly scope: KindScope;
  readonly watch: NamespaceWatch;
  readonly canaries: Canaries;
  /** How long running passes may take to end when the operator stops, in milliseconds. */
  readonly grace: () => number;
  /** Takes what asks for a pass over every object of the kind. */
  readonly wakes: (() => void)[];
}

/** The queue and the workers of one kind. */
async function runKind(
  { env, metrics, scope, watch, canaries, grace, wakes }: KindRun,
  make: KindFactory,
): Promise<void> {
  const queue = new KeyedQueue({ clock: env.clock, random: env.random, backoff: { firstMs: 500, capMs: 60_000 } });
  const wake = (key: string): void => queue.add(key, { priority: priority.transition });
  const controller = make(scope, wake);
  wakes.push(() => {
    for (const key of keysOf(scope.env.caches, controller.kind)) queue.add(key, { priority: priority.health });
  });
  await runController(
    {
      name: controller.kind,
      clock: env.clock,
      queue,
      workers: Math.max(1, scope.policy.options.get(operatorOptions.reconcileParallelism)),
      sources: controller.sources,
      reconcile: async (pass) => {
        const outcome = await watch.pass(
          pass.key,
          () => canaryPass(canaries, scope.env.caches, controller.kind, pass) ?? controller.reconcile(pass),
          () => wake(pass.key),
        );
        return outcome ?? { type: 'done' };
      },
      get graceMs() {
        return grace();
      },
      observer: observerOf(env, metrics, queue, controller),
    },
    scope.signal,
  );
}

/** A pass over a canary; undefined: the object is none. */
function canaryPass(
  canaries: Canaries,
  caches: Caches,
  kind: string,
  { key, signal }: Pass,
): Promise<Outcome> | undefined {
  const deployment = kind === 'FlinkDeployment' ? caches.flinkDeployments.getByKey(key) : undefined;
  if (deployment !== undefined && isCanary(deployment)) return canaries.pass(FlinkDeployments, key, deployment, signal);
  const sessionJob = kind === 'FlinkSessionJob' ? caches.sessionJobs.getByKey(key) : undefined;
  if (sessionJob !== undefined && isCanary(sessionJob)) return canaries.pass(FlinkSessionJobs, key, sessionJob, signal);
  canaries.forget(kind, key);
  return undefined;
}

/** The namespaces to watch; undefined stands for all. Blank names are none. */
export function watchedNamespaces(
  options: Pick<OperatorOptions, 'namespaces'>,
  configured: string,
): readonly (string | undefined)[] {
  const named = (names: readonly string[]): string[] =>
    [...new Set(names.map((name) => name.trim()))].filter((n) => n !== '');
  const list = named(options.namespaces ?? []);
  const watched = list.length > 0 ? list : named(configured.split(/[,;]/));
  return watched.length === 0 || watched.includes('JOSDK_ALL_NAMESPACES') ? [undefined] : watched;
}

/** The objects of a kind that there are. */
function keysOf(caches: Caches, kind: string): string[] {
  const watched = watchedBy(caches).find(({ resource, primary }) => primary && resource.kind === kind);
  return (watched?.store.list() ?? []).map(keyOf);
}

function storeOf(caches: Caches) {
  const stores = new Map(watchedBy(caches).map(({ resource, store }) => [resource.plural, store]));
  return <T extends KubeObject>(r: Resource<T>): Pick<Store<T>, 'written'> | undefined =>
    stores.get(r.plural) as Pick<Store<T>, 'written'> | undefined;
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
