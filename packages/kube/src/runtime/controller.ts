import { type Change, keyOf, type Store } from '../cache/store.ts';
import { isKubeError } from '../client/errors.ts';
import type { KubeObject } from '../client/objects.ts';
import { type Clock, sleep } from './clock.ts';
import { type AddOptions, type KeyedQueue, priority, type Taken } from './queue.ts';

/** What became of one pass over a key. Throwing counts as `failed`. */
export type Outcome =
  /** Settled: back-off ends; comes back on a change, or after `requeueAfterMs` at the latest. */
  | { readonly type: 'done'; readonly requeueAfterMs?: number; readonly priority?: number }
  /** Comes back after the key's back-off, or after the Retry-After of a KubeError where that is longer. */
  | { readonly type: 'failed'; readonly error: unknown }
  /** Trying again cannot help: comes back on a change only. */
  | { readonly type: 'terminal'; readonly error: unknown }
  /** The object is gone: the back-off ends; a namesake that came meanwhile still gets its pass. */
  | { readonly type: 'gone' };

export interface Pass extends Taken {
  /** Aborts when the controller must end now. */
  readonly signal: AbortSignal;
}

export type Enqueue = (key: string, options?: AddOptions) => void;

/** Feeds keys into a controller from `start` on; resolves once everything that exists already has been offered. */
export interface Source {
  start(enqueue: Enqueue, signal: AbortSignal): Promise<void>;
}

export interface ControllerObserver {
  passed?(info: {
    key: string;
    priority: number;
    waitedMs: number;
    durationMs: number;
    outcome: Outcome['type'];
  }): void;
  failed?(key: string, error: unknown, info: { failures: number; retryMs: number | undefined }): void;
  /** Keys still with a worker when the time to stop was over. */
  abandoned?(keys: readonly string[]): void;
}

export interface ControllerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly queue: KeyedQueue;
  readonly sources: readonly Source[];
  readonly reconcile: (pass: Pass) => Promise<Outcome>;
  /** Keys in work at once. Default 10: the work is waiting for answers. */
  readonly workers?: number;
  /** How long running passes may go on after the stop before their signal aborts. Default 20 s. */
  readonly graceMs?: number;
  /** How long passes may take to end after their signal aborted. Default 2 s. */
  readonly abortMs?: number;
  readonly observer?: ControllerObserver;
}

/**
 * Runs passes over keys: sources → queue → workers.
 *
 * Guarantees: no pass starts before every source is synced; one key is never in two passes at once; a pass that throws fails
 * its key and nothing else; after `stop` aborts no pass starts, running ones get `graceMs` and then an aborted signal.
 * Assumptions: the queue belongs to this controller.
 * Failure: rejects when a source cannot start; passes never make it reject.
 */
export async function runController(o: ControllerOptions, stop: AbortSignal): Promise<void> {
  const enqueue: Enqueue = (key, options) => o.queue.add(key, options);
  const hard = new AbortController();
  const inWork = new Set<string>();
  try {
    await Promise.all(o.sources.map((source) => source.start(enqueue, stop)));
  } catch (error) {
    o.queue.close();
    if (stop.aborted) return;
    throw error;
  }
  const workers = Promise.all(Array.from({ length: o.workers ?? 10 }, () => work(o, stop, hard.signal, inWork)));
  await Promise.race([workers, aborted(stop)]);
  const ended = new AbortController();
  const deadline = endAfterGrace(o, hard, ended.signal);
  await Promise.race([workers, deadline]);
  ended.abort();
  o.queue.close();
  if (inWork.size > 0) o.observer?.abandoned?.([...inWork]);
}

/** A source that offers the keys which `keysOf` names for each change of a store. */
export function storeSource<T extends KubeObject>(
  store: Pick<Store<T>, 'subscribe' | 'whenSynced'>,
  keysOf: (change: Change<T>) => readonly string[],
  options: {
    /** The priority of a change. Default: deletions before other changes, and what was there at the start last. */
    readonly priorityOf?: (change: Change<T>) => number;
    /** Leaves out what an own write brought. Default false. */
    readonly ignoreOwn?: boolean;
  } = {},
): Source {
  return {
    async start(enqueue, signal) {
      let synced = false;
      const unsubscribe = store.subscribe(
        (change) => {
          if (options.ignoreOwn && change.own) return;
          const due = { priority: synced ? (options.priorityOf ?? usualPriority)(change) : priority.startUp };
          for (const key of keysOf(change)) enqueue(key, due);
        },
        { replay: true },
      );
      signal.addEventListener('abort', unsubscribe, { once: true });
      await store.whenSynced(signal);
      synced = true;
    },
  };
}

/** The key of the changed object itself. */
export function ownKey(change: Change<KubeObject>): readonly string[] {
  return [keyOf(change.object)];
}

/** The key of the controlling owner, when it is of `kind`. */
export function ownerKey(kind: string): (change: Change<KubeObject>) => readonly string[] {
  return ({ object }) => {
    const owner = object.metadata.ownerReferences?.find((r) => r.controller === true && r.kind === kind);
    if (owner === undefined) return [];
    const { namespace } = object.metadata;
    return [namespace === undefined ? owner.name : `${namespace}/${owner.name}`];
  };
}

function usualPriority<T extends KubeObject>(change: Change<T>): number {
  const deleting = change.type === 'deleted' || change.object.metadata.deletionTimestamp !== undefined;
  return deleting ? priority.deletion : priority.userChange;
}

async function work(o: ControllerOptions, stop: AbortSignal, hard: AbortSignal, inWork: Set<string>): Promise<void> {
  for (let taken = await o.queue.take(stop); taken !== undefined; taken = await o.queue.take(stop)) {
    inWork.add(taken.key);
    const started = o.clock.monotonic();
    const outcome = await pass(o, { ...taken, signal: hard });
    inWork.delete(taken.key);
    settle(o, taken, outcome);
    const { key, waitedMs } = taken;
    const durationMs = o.clock.monotonic() - started;
    o.observer?.passed?.({ key, priority: taken.priority, waitedMs, durationMs, outcome: outcome.type });
  }
}

async function pass(o: ControllerOptions, p: Pass): Promise<Outcome> {
  try {
    return await o.reconcile(p);
  } catch (error) {
    return { type: 'failed', error };
  }
}

function settle(o: ControllerOptions, taken: Taken, outcome: Outcome): void {
  const { key } = taken;
  const report = (error: unknown, retryMs: number | undefined): void =>
    o.observer?.failed?.(key, error, { failures: taken.failures + 1, retryMs });
  switch (outcome.type) {
    case 'done':
      o.queue.forget(key);
      if (outcome.requeueAfterMs !== undefined) {
        o.queue.add(key, { delayMs: outcome.requeueAfterMs, priority: outcome.priority ?? priority.health });
      }
      break;
    case 'failed': {
      const { error } = outcome;
      const atLeastMs = isKubeError(error) ? (error.retryAfterMs ?? 0) : 0;
      const due = { priority: Math.min(taken.priority, priority.transition), atLeastMs };
      report(error, o.queue.addFailed(key, due));
      break;
    }
    case 'terminal':
      o.queue.forget(key);
      report(outcome.error, undefined);
      break;
    case 'gone':
      o.queue.forget(key);
      break;
  }
  o.queue.done(key);
}

async function endAfterGrace(o: ControllerOptions, hard: AbortController, ended: AbortSignal): Promise<void> {
  try {
    await sleep(o.clock, o.graceMs ?? 20_000, ended);
    hard.abort(new Error(`${o.name} is stopping`));
    await sleep(o.clock, o.abortMs ?? 2000, ended);
  } catch {
    // All passes have ended.
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
