import type { KubeClient, WatchEvent } from '../client/client.ts';
import { KubeError, type KubeErrorCode } from '../client/errors.ts';
import type { KubeObject, Resource } from '../client/objects.ts';
import { PAGE_LIMIT } from '../client/paging.ts';
import { backoffMs } from '../runtime/backoff.ts';
import { type Clock, type Random, sleep } from '../runtime/clock.ts';
import type { Feed } from './feed.ts';
import { compareVersions } from './version.ts';

/** The API server closes a watch after this many seconds, drawn evenly, so that reconnects spread out. */
const WATCH_SECONDS = { low: 290, high: 600 } as const;
/** A watch still open this long after the server should have closed it is a dead connection. */
const WATCH_MARGIN_MS = 30_000;
/** A server that ignores `sendInitialEvents` never ends the initial list; longer than any list takes. */
const INITIAL_EVENTS_MS = 120_000;
const BACKOFF = { firstMs: 800, capMs: 30_000 } as const;
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/** Why a complete list was made: the beginning, history that the server no longer keeps, or an answer that made no sense. */
export type ListReason = 'start' | 'expired' | 'failed';

/** Hears what a reflector does, for metrics and logs. */
export interface ReflectorObserver {
  /** A complete list was delivered. */
  listed?(info: { reason: ListReason; objects: number; durationMs: number }): void;
  /** A watch was opened. */
  watching?(): void;
  /** An event arrived, `delayMs` after the second in which the object was last changed (undefined when it does not say). */
  event?(type: 'ADDED' | 'MODIFIED' | 'DELETED', delayMs: number | undefined): void;
  /** A list or watch failed; the next attempt comes after `retryMs`. */
  failed?(error: KubeError, retryMs: number): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly resource: Resource<T>;
  readonly feed: Feed<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /**
   * `pages` lists in pages, `stream` has the initial list streamed by the watch (less memory on both sides) and falls back to
   * pages where the server does not offer it. Default `pages`.
   */
  readonly initial?: 'pages' | 'stream';
  /** Objects a page. Default 500. */
  readonly pageLimit?: number;
  readonly observer?: ReflectorObserver;
}

/**
 * Keeps one feed of a store equal to the server's content: list, then watch, for as long as it runs.
 *
 * Guarantees: the store changes in one step on a list, and event by event in between; a watch that ends, breaks or falls
 * silent is resumed from the last version seen (bookmarks included); E_KUBE_EXPIRED and an event that makes no sense lead to a new list, nothing else does; a new
 * list is never older than what was delivered, unless the server itself went back; attempts that bring nothing are spaced by
 * 0.8 s doubling to 30 s with jitter, or by Retry-After where that is longer.
 * Assumptions: one reflector per feed.
 * Failure: none stops it; failures go to the observer and are tried again until the signal aborts.
 */
export class Reflector<T extends KubeObject> {
  readonly #o: ReflectorOptions<T>;
  #streaming: boolean;
  #version: string | undefined;
  #failures = 0;
  #unpaged = false;
  #delivered = false;

  constructor(options: ReflectorOptions<T>) {
    this.#o = options;
    this.#streaming = options.initial === 'stream';
  }

  /** Runs until `signal` aborts, then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    let relist: ListReason | undefined = 'start';
    while (!signal.aborted) {
      try {
        if (relist !== undefined && !this.#streaming) {
          await this.#listPages(relist, signal);
          relist = undefined;
        }
        await this.#watch(relist, signal);
        relist = undefined;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof KubeError)) throw error;
        // A streamed list may have been delivered before its watch broke.
        if (this.#delivered) relist = undefined;
        this.#delivered = false;
        if (relist !== undefined && this.#streaming && refusesStreaming(error)) {
          this.#streaming = false;
          continue;
        }
        relist = relist === undefined ? reasonToList(error) : this.#loosen(relist, error);
        await this.#pause(error, signal);
      }
    }
  }

  /** After a list that failed: asks for less the next time where the server could not give what was asked for. */
  #loosen(relist: ListReason, error: KubeError): ListReason {
    if (error.code === 'E_KUBE_EXPIRED') this.#unpaged = true;
    if (error.code === 'E_KUBE_EXPIRED' || isTooNew(error) || error.code === 'E_KUBE_BAD_ANSWER') {
      this.#version = undefined;
      return relist === 'start' ? 'failed' : relist;
    }
    return relist;
  }

  async #listPages(reason: ListReason, signal: AbortSignal): Promise<void> {
    const started = this.#o.clock.monotonic();
    const items: T[] = [];
    const scope = this.#scope();
    // One answer cannot expire half-way, so it is the way out when pages did.
    const limit = this.#unpaged ? {} : { limit: this.#o.pageLimit ?? PAGE_LIMIT };
    // '0' is answered from the server's cache, which is cheap; later lists must not be older than what was delivered.
    const first = reason === 'start' ? '0' : (this.#version ?? '');
    const match = this.#version === undefined ? {} : { resourceVersionMatch: 'NotOlderThan' as const };
    const { client, resource } = this.#o;
    let page = await client.list(resource, { ...scope, ...limit, resourceVersion: first, ...match, signal });
    for (const item of page.items) items.push(item);
    while (page.metadata.continue) {
      page = await client.list(resource, { ...scope, ...limit, continue: page.metadata.continue, signal });
      for (const item of page.items) items.push(item);
    }
    this.#unpaged = false;
    const version = page.metadata.resourceVersion;
    if ((compareVersions(this.#version, version) ?? 0) > 0) {
      throw new KubeError('E_KUBE_BAD_ANSWER', `list ${this.#o.resource.plural}: older than what was seen before`);
    }
    this.#replace(reason, items, version, started);
  }

  /** One watch from its opening to its end. With `initial` it brings the list, too. */
  async #watch(initial: ListReason | undefined, signal: AbortSignal): Promise<void> {
    const { clock, random, client, resource } = this.#o;
    const timeoutSeconds = WATCH_SECONDS.low + Math.floor(random.next() * (WATCH_SECONDS.high - WATCH_SECONDS.low + 1));
    const guard = new WatchGuard(clock, resource.plural);
    const opened = clock.monotonic();
    let gathered: T[] | undefined = initial === undefined ? undefined : [];
    let events = 0;
    this.#delivered = false;
    if (initial === undefined) guard.expectEnd(timeoutSeconds);
    else guard.expectInitialEvents();
    try {
      const stream = client.watch(resource, {
        ...this.#scope(),
        timeoutSeconds,
        ...(initial === undefined && { resourceVersion: this.#version ?? '' }),
        ...(initial !== undefined && { sendInitialEvents: true }),
        ...(initial !== undefined && this.#version !== undefined && { resourceVersion: this.#version }),
        signal: AbortSignal.any([signal, guard.signal]),
      });
      this.#o.observer?.watching?.();
      for await (const event of stream) {
        events++;
        if (gathered === undefined) {
          this.#deliver(event);
        } else if (event.type !== 'BOOKMARK') {
          merge(gathered, event.type, event.object);
        } else if (event.object.metadata.annotations?.[INITIAL_EVENTS_END] === 'true') {
          guard.expectEnd(timeoutSeconds);
          this.#delivered = true;
          this.#replace(initial ?? 'start', gathered, event.object.metadata.resourceVersion, opened);
          gathered = undefined;
        }
        this.#failures = 0;
      }
    } catch (error) {
      throw guard.signal.aborted && !signal.aborted ? guard.signal.reason : error;
    } finally {
      guard.clear();
    }
    if (gathered !== undefined) {
      throw new KubeError('E_KUBE_BAD_ANSWER', `watch ${resource.plural}: ended before the initial events did`);
    }
    // A server that closes each watch at once must not be asked again without a pause.
    if (events === 0 && clock.monotonic() - opened < 1000) {
      throw new KubeError('E_KUBE_UNREACHABLE', `watch ${resource.plural}: closed as soon as it was open`);
    }
    this.#failures = 0;
  }

  #deliver(event: WatchEvent<T>): void {
    const { feed, observer, clock } = this.#o;
    const version = event.object.metadata.resourceVersion;
    if (event.type === 'BOOKMARK') {
      if (version !== undefined) feed.progress(version);
    } else {
      observer?.event?.(event.type, delayOf(event.object, clock.now()));
      feed.observe(event.type, event.object);
    }
    this.#version = version ?? this.#version;
  }

  #replace(reason: ListReason, items: readonly T[], version: string | undefined, startedAt: number): void {
    this.#version = version;
    this.#o.feed.replace(items, version);
    this.#o.observer?.listed?.({ reason, objects: items.length, durationMs: this.#o.clock.monotonic() - startedAt });
  }

  async #pause(error: KubeError, signal: AbortSignal): Promise<void> {
    this.#failures++;
    const fresh = this.#failures === 1 && error.code === 'E_KUBE_EXPIRED';
    const ms = fresh ? 0 : Math.max(error.retryAfterMs ?? 0, backoffMs(BACKOFF, this.#failures, this.#o.random));
    this.#o.observer?.failed?.(error, ms);
    await sleep(this.#o.clock, ms, signal).catch(() => undefined);
  }

  #scope(): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
    const { namespace, labelSelector, fieldSelector } = this.#o;
    return {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    };
  }
}

/** Ends a watch that is open longer than any healthy one. */
class WatchGuard {
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #plural: string;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, plural: string) {
    this.#clock = clock;
    this.#plural = plural;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  expectEnd(timeoutSeconds: number): void {
    this.#arm(timeoutSeconds * 1000 + WATCH_MARGIN_MS, 'E_KUBE_UNREACHABLE', 'the connection is dead');
  }

  expectInitialEvents(): void {
    this.#arm(INITIAL_EVENTS_MS, 'E_KUBE_BAD_ANSWER', 'the initial events do not end');
  }

  clear(): void {
    this.#cancel();
  }

  #arm(ms: number, code: KubeErrorCode, what: string): void {
    this.#cancel();
    this.#cancel = this.#clock.after(ms, () =>
      this.#abort.abort(new KubeError(code, `watch ${this.#plural}: ${what}`)),
    );
  }
}

/** Why a watch that failed is followed by a list, if it is; anything else is resumed. */
function reasonToList(error: KubeError): ListReason | undefined {
  if (error.code === 'E_KUBE_EXPIRED') return 'expired';
  // The same line would come again.
  return error.code === 'E_KUBE_BAD_ANSWER' ? 'failed' : undefined;
}

/** What servers without streaming lists answer: 422 with the feature off, 400 where the parameter is unknown. */
function refusesStreaming(error: KubeError): boolean {
  return error.code === 'E_KUBE_INVALID' || error.code === 'E_KUBE_REJECTED' || error.code === 'E_KUBE_BAD_ANSWER';
}

/** A list that was to be at least as new as a version which the server has not reached (it went back, or it lags). */
function isTooNew(error: KubeError): boolean {
  return (
    error.code === 'E_KUBE_TIMEOUT' &&
    (error.body?.details?.causes ?? []).some((c) => c.reason === 'ResourceVersionTooLarge')
  );
}

function merge<T extends KubeObject>(gathered: T[], type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void {
  if (type === 'ADDED') {
    gathered.push(object);
    return;
  }
  const { name, namespace } = object.metadata;
  const at = gathered.findIndex((o) => o.metadata.name === name && o.metadata.namespace === namespace);
  if (at >= 0) gathered.splice(at, 1);
  if (type === 'MODIFIED') gathered.push(object);
}

function delayOf(object: KubeObject, now: number): number | undefined {
  let last = object.metadata.creationTimestamp ?? '';
  for (const entry of object.metadata.managedFields ?? []) if ((entry.time ?? '') > last) last = entry.time ?? last;
  const at = Date.parse(last);
  return Number.isNaN(at) ? undefined : Math.max(0, now - at);
}
