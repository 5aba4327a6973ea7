import { type ConfigEntries, type FlinkTransport, operatorOptions } from '@drey/flink';
import type { Clock, KubeClient, Random } from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import type { Logger } from 'pino';
import type { ArtifactFetcher } from '../artifact/artifact.ts';
import type { ZooKeeperPort } from '../zookeeper/client.ts';
import { createCaches } from './caches.ts';
import { Canaries } from './canaries.ts';
import { clusterBuilder } from './cluster-builder.ts';
import type { DecisionSource } from './debug-endpoint.ts';
import { type DecidedWith, exportDecisions } from './decision-export.ts';
import { DecisionRing } from './decision-ring.ts';
import { type OperatorMetrics, operatorMetrics } from './metrics.ts';
import { NamespaceWatch } from './namespace-watch.ts';
import { type OperatorPolicy, operatorPolicy } from './policy.ts';
import type { ClusterBuilder, EndpointResolver, FlinkPort } from './ports.ts';
import { runShare, type Share, type ShareParts } from './share.ts';
import { WorkGauges } from './work-gauges.ts';

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
  /** Starts by watching only: what there is to work on is given by {@link Operator.work}. Default: everything, from the start. */
  readonly standby?: boolean;
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
   * Works on a share until its signal aborts, the operator is stopped, or a part of it fails; resolves when the passes have
   * ended. For an operator on standby.
   */
  work(share: WorkShare): Promise<void>;
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

/** A share as it is given from outside; how long running passes may take to end is at most what the configuration says. */
export type WorkShare = Omit<Share, 'graceMs'> & { readonly graceMs?: () => number };

/** An operator. It holds no global state: several may run in one process. */
export function createOperator(env: OperatorEnv, options: OperatorOptions = {}): Operator {
  let current = settingsOf(options, {
    config: options.config ?? DEFAULT_OPERATOR_CONFIG,
    logging: options.logging,
  });
  const metrics = env.metrics ?? operatorMetrics();
  const stopped = new AbortController();
  const caches = createCaches((error) => env.log.error({ err: error }, 'a listener of a cache failed'), {
    ingresses: current.policy.options.get(operatorOptions.ingressManage),
  });
  const canaries = new Canaries({
    clock: env.clock,
    timeoutMs: () => current.policy.options.get(operatorOptions.canaryResourceTimeout),
  });
  const ring = new DecisionRing();
  const end = Promise.withResolvers<OperatorEnd>();
  const fault = (what: string, error: unknown): void => {
    env.log.fatal({ err: error }, `${what} failed; the operator ends`);
    stopped.abort(error);
    end.resolve({ kind: 'fault', error });
  };
  const labelSelector = current.policy.options.get(operatorOptions.labelSelector);
  const watch = new NamespaceWatch({ ...env, metrics, fault }, caches, labelSelector, stopped.signal);
  const parts: ShareParts = {
    ...{ env, metrics, caches, watch, canaries, ring },
    gauges: new WorkGauges(metrics),
    policy: () => current.policy,
    clusters: (cluster) => current.clusters(cluster),
    wakes: new Set(),
  };
  let graceMs: number | undefined;
  const shares = new Map<WorkShare, Promise<void>>();
  const work = (share: WorkShare): Promise<void> => {
    const grace = (): number => graceMs ?? Math.min(current.graceMs, share.graceMs?.() ?? current.graceMs);
    const signal = AbortSignal.any([share.signal, stopped.signal]);
    const running = runShare(parts, { ...share, signal, graceMs: grace })
      .catch((error) => fault('a controller', error))
      .finally(() => shares.delete(share));
    shares.set(share, running);
    return running;
  };
  if (current.policy.options.get(operatorOptions.resourceMetricsEnabled))
    metrics.resources.count(caches, (key) => [...shares.keys()].some(({ owns }) => owns(key)), stopped.signal);
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
    work,
    async start() {
      watch.set(current.namespaces);
      if (options.standby !== true) void work({ ...EVERYTHING, signal: stopped.signal });
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
      for (const wakeAll of parts.wakes) wakeAll();
    },
    async stop(how = {}) {
      graceMs = how.graceMs;
      stopped.abort(new Error('the operator was stopped'));
      await Promise.all(shares.values());
      await watch.ended();
      end.resolve({ kind: 'stopped' });
      env.log.info('operator stopped');
    },
  };
}

/** The share of an operator that no other one works beside. */
const EVERYTHING = { owns: () => true, epoch: () => 0, permit: () => undefined };

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
