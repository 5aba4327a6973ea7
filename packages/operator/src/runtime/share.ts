import { FlinkDeployments, FlinkSessionJobs } from '@drey/api';
import { operatorOptions } from '@drey/flink';
import {
  KeyedQueue,
  type KubeObject,
  keyOf,
  type Outcome,
  type Pass,
  priority,
  type Resource,
  runController,
  type Store,
  showOwnWrites,
} from '@drey/kube';
import { deploymentController } from '../deployment/controller.ts';
import { sessionJobController } from '../sessionjob/controller.ts';
import { snapshotController } from '../snapshot/controller.ts';
import { zooKeeperPort } from '../zookeeper/client.ts';
import { type Caches, watchedBy } from './caches.ts';
import { type Canaries, isCanary } from './canaries.ts';
import type { DecisionRing } from './decision-ring.ts';
import { serviceEndpoint } from './endpoints.ts';
import { eventRecorder } from './event-recorder.ts';
import { fencedClient, fencedTransport, fencedZooKeeper } from './fence.ts';
import { flinkPort } from './flink-port.ts';
import type { KindController, KindFactory, KindScope } from './kind-controller.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { NamespaceWatch } from './namespace-watch.ts';
import type { OperatorEnv } from './operator.ts';
import type { OperatorPolicy } from './policy.ts';
import type { ClusterBuilder, Env } from './ports.ts';
import type { WorkGauges } from './work-gauges.ts';

/** A part of all objects, and the right to work on it. */
export interface Share {
  /** Whether the objects of that key (`namespace/name`), of every kind, are a part of it. */
  readonly owns: (key: string) => boolean;
  /** Leadership epoch; 0 without leader election. */
  readonly epoch: () => number;
  /** Called before everything that only a leader may do; throws when this process may no longer. */
  readonly permit: () => void;
  /** Aborts when the work on it is to end. */
  readonly signal: AbortSignal;
  /** How long running passes may take to end then, in milliseconds. */
  readonly graceMs: () => number;
}

/** What all shares of one operator have in common. */
export interface ShareParts {
  readonly env: OperatorEnv;
  readonly metrics: OperatorMetrics;
  readonly gauges: WorkGauges;
  readonly caches: Caches;
  readonly watch: NamespaceWatch;
  readonly canaries: Canaries;
  readonly ring: DecisionRing;
  readonly policy: () => OperatorPolicy;
  readonly clusters: ClusterBuilder;
  /** Takes what asks for a pass over every object. */
  readonly wakes: Set<() => void>;
}

/** Every kind the operator reconciles. */
const KINDS: readonly KindFactory[] = [deploymentController, sessionJobController, snapshotController];

/**
 * Works on a share until its signal aborts: a queue and workers for each kind, over the caches that all shares read. Resolves when
 * its passes have ended and its events are sent. Rejects when a controller fails in a way that nothing mends.
 */
export async function runShare(parts: ShareParts, share: Share): Promise<void> {
  const { env, caches, canaries, policy } = parts;
  const finished = new AbortController();
  const fenced = fencedClient(env.kube, share.permit);
  const kube = showOwnWrites(fenced, storeOf(caches));
  const recorder = eventRecorder({ kube, clock: env.clock, log: env.log, signal: finished.signal });
  const failed = new AbortController();
  const scope: KindScope = {
    env: {
      decisions: parts.ring.record,
      clock: env.clock,
      random: env.random,
      kube,
      caches,
      metrics: parts.metrics,
      log: env.log,
      events: recorder.send,
      flink: 'port' in env.flink ? env.flink.port : flinkPort(fencedTransport(env.flink, share.permit)),
      endpoints: env.endpoints ?? serviceEndpoint,
      zooKeeper: fencedZooKeeper(env.zooKeeper ?? zooKeeperPort(env.clock), share.permit),
      clusters: parts.clusters,
      ...(env.artifacts === undefined ? {} : { artifacts: env.artifacts }),
    } satisfies Env,
    get policy() {
      return policy();
    },
    epoch: share.epoch,
    signal: AbortSignal.any([share.signal, failed.signal]),
  };
  const canaryPass = canaryPasses(canaries, fenced, caches);
  const results = await Promise.allSettled(
    KINDS.map((make) =>
      runKind(parts, share, scope, canaryPass, make).catch((error: unknown) => {
        // One that failed takes the others with it.
        failed.abort(error);
        throw error;
      }),
    ),
  );
  await recorder.flush();
  finished.abort(new Error('the work on this share has ended'));
  canaries.release(share.owns);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** The queue and the workers of one kind. */
async function runKind(
  { env, metrics, gauges, caches, watch, wakes }: ShareParts,
  share: Share,
  scope: KindScope,
  canaryPass: CanaryPass,
  make: KindFactory,
): Promise<void> {
  const queue = new KeyedQueue({ clock: env.clock, random: env.random, backoff: { firstMs: 500, capMs: 60_000 } });
  const wake = (key: string): void => {
    if (share.owns(key)) queue.add(key, { priority: priority.transition });
  };
  const controller = make(scope, wake);
  const { kind } = controller;
  const wakeAll = (): void => {
    for (const key of keysOf(caches, kind)) if (share.owns(key)) queue.add(key, { priority: priority.health });
  };
  wakes.add(wakeAll);
  const counted = gauges.add(kind, { queue, watchedJobs: controller.watchedJobs });
  try {
    await runController(
      {
        name: kind,
        clock: env.clock,
        queue,
        workers: Math.max(1, scope.policy.options.get(operatorOptions.reconcileParallelism)),
        sources: controller.sources.map((source) => ({
          start: (enqueue, signal) =>
            source.start((key, options) => {
              if (share.owns(key)) enqueue(key, options);
            }, signal),
        })),
        reconcile: async (pass) => {
          const outcome = await watch.pass(
            { kind, key: pass.key },
            () => canaryPass(kind, pass) ?? controller.reconcile(pass),
            () => wake(pass.key),
          );
          return outcome ?? { type: 'done' };
        },
        get graceMs() {
          return share.graceMs();
        },
        observer: observerOf(env, metrics, controller, counted.update),
      },
      scope.signal,
    );
  } finally {
    wakes.delete(wakeAll);
    counted.remove();
  }
}

/** A pass over a canary; undefined: the object is none. */
type CanaryPass = (kind: string, pass: Pass) => Promise<Outcome> | undefined;

function canaryPasses(canaries: Canaries, kube: OperatorEnv['kube'], caches: Caches): CanaryPass {
  return (kind, { key, signal }) => {
    const deployment = kind === 'FlinkDeployment' ? caches.flinkDeployments.getByKey(key) : undefined;
    if (deployment !== undefined && isCanary(deployment))
      return canaries.pass(kube, FlinkDeployments, key, deployment, signal);
    const sessionJob = kind === 'FlinkSessionJob' ? caches.sessionJobs.getByKey(key) : undefined;
    if (sessionJob !== undefined && isCanary(sessionJob))
      return canaries.pass(kube, FlinkSessionJobs, key, sessionJob, signal);
    canaries.forget(kind, key);
    return undefined;
  };
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

function observerOf(env: OperatorEnv, metrics: OperatorMetrics, { kind }: KindController, update: () => void) {
  return {
    passed: (info: { durationMs: number; waitedMs: number; outcome: string }): void => {
      metrics.reconciles.inc({ kind, result: info.outcome });
      metrics.reconcileSeconds.observe({ kind }, info.durationMs / 1000);
      metrics.queueSeconds.observe({ kind }, info.waitedMs / 1000);
      update();
    },
    failed: (key: string, error: unknown, info: { failures: number; retryMs: number | undefined }): void => {
      env.log.debug({ kind, key, failures: info.failures, retryMs: info.retryMs, err: error }, 'pass will be repeated');
    },
    abandoned: (keys: readonly string[]): void => {
      env.log.warn({ kind, keys }, 'passes did not end in time');
    },
  };
}
