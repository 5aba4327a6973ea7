import { type BackoffOptions, backoffMs } from './backoff.ts';
import type { Clock, Random } from './clock.ts';
import { Heap } from './heap.ts';

/** Why a key is due; a higher number goes first. */
export const priority = {
  userChange: 40,
  deletion: 30,
  transition: 20,
  health: 10,
  startUp: 0,
} as const;

export interface AddOptions {
  /** Default {@link priority}.userChange. */
  readonly priority?: number;
  /** Not before this many milliseconds from now. Default 0. */
  readonly delayMs?: number;
}

/** A key handed to a worker. */
export interface Taken {
  readonly key: string;
  readonly priority: number;
  /** Failures in a row before this attempt. */
  readonly failures: number;
  /** How long the key was ready before it was taken. */
  readonly waitedMs: number;
}

export interface QueueSnapshot {
  /** Keys ready to be taken, by priority. */
  readonly ready: Readonly<Record<number, number>>;
  /** Keys whose time has not come. */
  readonly waiting: number;
  readonly processing: number;
  /** How long the slowest key in work has been with its worker. */
  readonly longestRunningMs: number;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Pauses after failures. Default 1 s doubling to 5 min, with jitter. */
  readonly backoff?: BackoffOptions;
  /** Keys of one tenant share turns. Default: the part before the first `/`. */
  readonly tenantOf?: (key: string) => string;
}

interface Due {
  priority: number;
  readyAt: number;
}

interface Waiting extends Due {
  readonly key: string;
  /** Changes when the entry is moved, so that its old place in the heap is recognised. */
  ticket: number;
}

interface Working {
  readonly since: number;
  /** What was added while the key was with its worker. */
  again: Due | undefined;
}

const DEFAULT_BACKOFF: BackoffOptions = { firstMs: 1000, capMs: 300_000 };

/**
 * Keys that need work, each at most once.
 *
 * Guarantees: a key is with at most one worker at a time; a key added while it is with its worker is taken once more
 * afterwards; adding again keeps the highest priority and the earliest time; among ready keys the highest priority goes first,
 * within a priority the tenants take turns, within a tenant first come, first served; failures of a key space its attempts out
 * until {@link KeyedQueue.forget}. One timer is armed at most. Every operation is logarithmic in the number of keys or better.
 * Assumptions: whoever takes a key calls {@link KeyedQueue.done}.
 * Failure: none; a closed queue ignores additions and {@link KeyedQueue.take} resolves to undefined.
 */
export class KeyedQueue {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: BackoffOptions;
  readonly #tenantOf: (key: string) => string;
  readonly #waiting = new Map<string, Waiting>();
  readonly #heap = new Heap<{ readonly key: string; readonly at: number; readonly ticket: number }>((a, b) =>
    a.at !== b.at ? a.at < b.at : a.ticket < b.ticket,
  );
  readonly #ready = new Map<string, Due>();
  /** Ready keys by priority, then by tenant in the order of their turns. */
  readonly #levels = new Map<number, Map<string, Set<string>>>();
  readonly #working = new Map<string, Working>();
  readonly #failures = new Map<string, number>();
  readonly #takers = new Set<(taken: Taken | undefined) => void>();
  #ticket = 0;
  #closed = false;
  #cancelTimer: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(options: QueueOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF;
    this.#tenantOf = options.tenantOf ?? ((key) => key.slice(0, Math.max(0, key.indexOf('/'))));
  }

  add(key: string, options: AddOptions = {}): void {
    if (this.#closed) return;
    this.#place(key, {
      priority: options.priority ?? priority.userChange,
      readyAt: this.#clock.monotonic() + Math.max(0, options.delayMs ?? 0),
    });
    this.#wake();
  }

  /** Adds the key again after its back-off, but not before `atLeastMs`, and returns that pause. An earlier {@link KeyedQueue.add} still comes first. */
  addFailed(key: string, options: { readonly priority?: number; readonly atLeastMs?: number } = {}): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const delayMs = Math.max(options.atLeastMs ?? 0, backoffMs(this.#backoff, failures, this.#random));
    this.add(key, { ...(options.priority !== undefined && { priority: options.priority }), delayMs });
    return delayMs;
  }

  /** Ends the key's back-off: its next failure counts as the first. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Drops the key and its back-off; a worker that has it finishes, and what was added meanwhile is dropped, too. */
  remove(key: string): void {
    this.forget(key);
    this.#waiting.delete(key);
    this.#unready(key);
    const working = this.#working.get(key);
    if (working) working.again = undefined;
  }

  /** The next key, now or when there is one; undefined once the queue is closed or the signal aborted. */
  take(signal?: AbortSignal): Promise<Taken | undefined> {
    if (this.#closed || signal?.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const taker = (taken: Taken | undefined): void => {
        this.#takers.delete(taker);
        signal?.removeEventListener('abort', onAbort);
        resolve(taken);
      };
      const onAbort = (): void => taker(undefined);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#takers.add(taker);
      this.#wake();
    });
  }

  /** Gives the key back; what was added meanwhile becomes due. */
  done(key: string): void {
    const working = this.#working.get(key);
    if (working === undefined) return;
    this.#working.delete(key);
    if (working.again && !this.#closed) this.#place(key, working.again);
    this.#wake();
  }

  /** Drops everything that waits; takers get undefined. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer?.();
    this.#waiting.clear();
    this.#ready.clear();
    this.#levels.clear();
    this.#failures.clear();
    for (const taker of [...this.#takers]) taker(undefined);
  }

  snapshot(): QueueSnapshot {
    const ready: Record<number, number> = {};
    for (const [level, tenants] of this.#levels) {
      let keys = 0;
      for (const tenant of tenants.values()) keys += tenant.size;
      ready[level] = keys;
    }
    const now = this.#clock.monotonic();
    let longestRunningMs = 0;
    for (const { since } of this.#working.values()) longestRunningMs = Math.max(longestRunningMs, now - since);
    return { ready, waiting: this.#waiting.size, processing: this.#working.size, longestRunningMs };
  }

  #place(key: string, due: Due): void {
    const working = this.#working.get(key);
    if (working) {
      working.again = merged(working.again, due);
      return;
    }
    const ready = this.#ready.get(key);
    if (ready) {
      if (due.priority > ready.priority) {
        this.#unready(key);
        this.#makeReady(key, { ...ready, priority: due.priority });
      }
      return;
    }
    const waiting = this.#waiting.get(key);
    const next = merged(waiting, due);
    if (next.readyAt <= this.#clock.monotonic()) {
      this.#waiting.delete(key);
      this.#makeReady(key, next);
    } else if (waiting === undefined || next.readyAt < waiting.readyAt) {
      const ticket = ++this.#ticket;
      this.#waiting.set(key, { key, ticket, ...next });
      this.#heap.push({ key, at: next.readyAt, ticket });
      if (this.#heap.size > 2 * this.#waiting.size + 64) this.#heap.retain((h) => this.#isCurrent(h));
    } else {
      waiting.priority = next.priority;
    }
  }

  /** Moves what has become due, hands keys to takers, and arms the timer for the next. */
  #wake(): void {
    const now = this.#clock.monotonic();
    for (let head = this.#heap.peek(); head !== undefined && head.at <= now; head = this.#heap.peek()) {
      this.#heap.pop();
      const waiting = this.#waiting.get(head.key);
      if (waiting === undefined || waiting.ticket !== head.ticket) continue;
      this.#waiting.delete(head.key);
      this.#makeReady(head.key, waiting);
    }
    for (const taker of this.#takers) {
      const taken = this.#next(now);
      if (taken === undefined) break;
      taker(taken);
    }
    this.#arm(now);
  }

  #next(now: number): Taken | undefined {
    if (this.#ready.size === 0) return undefined;
    const level = Math.max(...this.#levels.keys());
    const tenants = this.#levels.get(level);
    const turn = tenants?.entries().next().value;
    const key = turn?.[1].values().next().value;
    if (tenants === undefined || turn === undefined || key === undefined) return undefined;
    const due = this.#ready.get(key);
    this.#unready(key);
    // The tenant goes to the end of the line.
    if (turn[1].size > 0) {
      tenants.delete(turn[0]);
      tenants.set(turn[0], turn[1]);
    }
    this.#working.set(key, { since: now, again: undefined });
    const waitedMs = Math.max(0, now - (due?.readyAt ?? now));
    return { key, priority: level, failures: this.#failures.get(key) ?? 0, waitedMs };
  }

  #makeReady(key: string, due: Due): void {
    this.#ready.set(key, { priority: due.priority, readyAt: due.readyAt });
    const tenants = this.#levels.get(due.priority) ?? new Map<string, Set<string>>();
    this.#levels.set(due.priority, tenants);
    const tenant = this.#tenantOf(key);
    const keys = tenants.get(tenant);
    if (keys === undefined) tenants.set(tenant, new Set([key]));
    else keys.add(key);
  }

  #unready(key: string): void {
    const due = this.#ready.get(key);
    if (due === undefined) return;
    this.#ready.delete(key);
    const tenants = this.#levels.get(due.priority);
    const tenant = this.#tenantOf(key);
    const keys = tenants?.get(tenant);
    keys?.delete(key);
    if (keys?.size === 0) tenants?.delete(tenant);
    if (tenants?.size === 0) this.#levels.delete(due.priority);
  }

  #isCurrent(held: { readonly key: string; readonly ticket: number }): boolean {
    return this.#waiting.get(held.key)?.ticket === held.ticket;
  }

  #arm(now: number): void {
    let head = this.#heap.peek();
    while (head !== undefined && !this.#isCurrent(head)) {
      this.#heap.pop();
      head = this.#heap.peek();
    }
    const at = head?.at ?? Number.POSITIVE_INFINITY;
    if (at === this.#timerAt) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer =
      head &&
      this.#clock.after(at - now, () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.#wake();
      });
  }
}

function merged(a: Due | undefined, b: Due): Due {
  if (a === undefined) return b;
  return { priority: Math.max(a.priority, b.priority), readyAt: Math.min(a.readyAt, b.readyAt) };
}
