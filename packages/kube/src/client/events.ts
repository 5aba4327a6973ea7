import { createHash } from 'node:crypto';
import { CoreEvent } from '../kinds.ts';
import type { Clock } from '../runtime/clock.ts';
import type { CallOptions, KubeClient } from './client.ts';
import { isKubeError } from './errors.ts';
import type { ObjectMeta } from './objects.ts';

/** The API server refuses longer messages of the events.k8s.io form; the older form has no limit but should be readable. */
const MAX_MESSAGE = 1024;
/** Events not yet written; more are dropped and counted. */
const MAX_PENDING = 1000;
/** What is remembered of written events: longer than the hour for which the API server keeps them is no use. */
const MAX_REMEMBERED = 4096;
const REMEMBER_MS = 3_600_000;
/** News that cannot be told within this is no news. */
const WRITE_TIMEOUT_MS = 5_000;
/** client-go's filter: this many at once from one component about one object, then one in five minutes. */
const BURST = 25;
const REFILL_MS = 300_000;

/** The object an event is about. */
export interface Regarding {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Pick<ObjectMeta, 'name' | 'namespace' | 'uid' | 'resourceVersion'>>;
}

export interface EventInput {
  readonly regarding: Regarding;
  /** The part of the object, for example `spec.containers{main}`. */
  readonly fieldPath?: string;
  readonly type: 'Normal' | 'Warning';
  /** Stable, CamelCase; part of the API. */
  readonly reason: string;
  /** For people; cut after 1,024 characters. Must not hold secrets. */
  readonly message: string;
  /** Becomes `source.component`. */
  readonly component: string;
  /** Name of the Event. Default: the object's name and a digest of what makes the event the same as an earlier one. */
  readonly name?: string;
  /**
   * What a repetition does: `count` raises the count and replaces the message, `once` does nothing, an interval does nothing
   * until the last one is that old. Default `count`.
   */
  readonly repeat?: 'count' | 'once' | { readonly everyMs: number };
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Becomes `reportingInstance`: the pod or host. */
  readonly instance?: string;
  /** Becomes `reportingComponent`. Default: the event's component. */
  readonly reportingComponent?: string;
  /** Ends every write. */
  readonly signal?: AbortSignal;
  /** Becomes `source.host`: the node, for what nodes report. */
  readonly host?: string;
  /** Hears of events that were not written, and why. */
  readonly onDropped?: (input: EventInput, reason: 'spam' | 'full' | 'failed', error?: unknown) => void;
}

interface Known {
  count: number;
  /** Wall-clock time of the last repetition. */
  lastAt: number;
}

interface Pending {
  readonly input: EventInput;
  readonly name: string;
  /** Repetitions gathered while it waited. */
  repeats: number;
  at: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * Writes core/v1 Events in the background: one object per kind of occurrence, its count raised with each repetition, also after
 * a restart.
 *
 * Guarantees: {@link EventRecorder.record} never waits and never throws; one write at a time, in order; repetitions that come
 * faster than they can be written become one write; the number of pending, remembered and repeated events is bounded.
 * Assumptions: messages hold no secrets.
 * Failure: an event that cannot be written is dropped and reported to `onDropped`: events are news, not records.
 */
export class EventRecorder {
  readonly #o: EventRecorderOptions;
  readonly #pending = new Map<string, Pending>();
  readonly #known = new Map<string, Known>();
  readonly #buckets = new Map<string, Bucket>();
  #writing: Promise<void> | undefined;

  constructor(options: EventRecorderOptions) {
    this.#o = options;
  }

  record(input: EventInput): void {
    const now = this.#o.clock.now();
    const name = input.name ?? eventName(input);
    const key = `${namespaceOf(input)}/${name}`;
    const waiting = this.#pending.get(key);
    if (waiting !== undefined) {
      if (skips(input, waiting.at, now)) return;
      this.#pending.set(key, { input, name, repeats: waiting.repeats + 1, at: now });
      return;
    }
    const known = this.#recall(key, now);
    if (known !== undefined && skips(input, known.lastAt, now)) return;
    const refusal = !this.#admit(input, now) ? 'spam' : this.#pending.size >= MAX_PENDING ? 'full' : undefined;
    if (refusal !== undefined) {
      this.#drop(input, refusal);
      return;
    }
    this.#pending.set(key, { input, name, repeats: 0, at: now });
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when everything recorded so far has been written or dropped. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #drain(): Promise<void> {
    // One turn, so that what is recorded together is gathered.
    await Promise.resolve();
    for (let next = this.#pending.entries().next(); !next.done; next = this.#pending.entries().next()) {
      const [key, pending] = next.value;
      this.#pending.delete(key);
      try {
        await this.#write(key, pending);
      } catch (error) {
        this.#drop(pending.input, 'failed', error);
      }
    }
  }

  async #write(key: string, pending: Pending): Promise<void> {
    const known = this.#known.get(key);
    if (known !== undefined && (await this.#repeat(key, pending, known.count))) return;
    try {
      await this.#o.client.create(CoreEvent, this.#fresh(pending), this.#call());
      this.#remember(key, 1 + pending.repeats, pending.at);
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
      const there = await this.#o.client.get(CoreEvent, namespaceOf(pending.input), pending.name, this.#call());
      const lastAt = Date.parse(there.lastTimestamp ?? '') || 0;
      this.#remember(key, there.count ?? 1, lastAt);
      if (!skips(pending.input, lastAt, pending.at)) await this.#repeat(key, pending, there.count ?? 1);
    }
  }

  /** Raises the count of an event that is there; false when it is gone. */
  async #repeat(key: string, pending: Pending, from: number): Promise<boolean> {
    const { input, name, repeats, at } = pending;
    const count = from + 1 + repeats;
    const patch = {
      count,
      message: cut(input.message),
      lastTimestamp: seconds(at),
      metadata: { labels: input.labels, annotations: input.annotations },
    };
    try {
      await this.#o.client.patch(CoreEvent, namespaceOf(input), name, 'merge', patch, this.#call());
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
      this.#known.delete(key);
      return false;
    }
    this.#remember(key, count, at);
    return true;
  }

  #fresh({ input, name, repeats, at }: Pending): CoreEvent {
    const { regarding, fieldPath, type, reason, message, component, labels, annotations } = input;
    const { name: about, namespace, uid, resourceVersion } = regarding.metadata;
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name,
        namespace: namespaceOf(input),
        ...(labels && { labels: { ...labels } }),
        ...(annotations && { annotations: { ...annotations } }),
      },
      involvedObject: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        ...(about !== undefined && { name: about }),
        ...(namespace !== undefined && { namespace }),
        ...(uid !== undefined && { uid }),
        ...(resourceVersion !== undefined && { resourceVersion }),
        ...(fieldPath !== undefined && { fieldPath }),
      },
      type,
      reason,
      message: cut(message),
      source: { component, ...(this.#o.host !== undefined && { host: this.#o.host }) },
      reportingComponent: this.#o.reportingComponent ?? component,
      ...(this.#o.instance !== undefined && { reportingInstance: this.#o.instance }),
      firstTimestamp: seconds(at),
      lastTimestamp: seconds(at),
      count: 1 + repeats,
    };
  }

  /** One token from the bucket of this component and object. */
  #admit(input: EventInput, now: number): boolean {
    const { kind, metadata } = input.regarding;
    const key = `${input.component}/${kind}/${metadata.namespace}/${metadata.name}`;
    const old = this.#buckets.get(key);
    const tokens = old === undefined ? BURST : Math.min(BURST, old.tokens + (now - old.at) / REFILL_MS);
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    trim(this.#buckets);
    return tokens >= 1;
  }

  #call(): CallOptions {
    const { signal } = this.#o;
    return { timeoutMs: WRITE_TIMEOUT_MS, ...(signal && { signal }) };
  }

  #recall(key: string, now: number): Known | undefined {
    const known = this.#known.get(key);
    if (known === undefined || now - known.lastAt < REMEMBER_MS) return known;
    this.#known.delete(key);
    return undefined;
  }

  #remember(key: string, count: number, lastAt: number): void {
    this.#known.delete(key);
    this.#known.set(key, { count, lastAt });
    trim(this.#known);
  }

  #drop(input: EventInput, reason: 'spam' | 'full' | 'failed', error?: unknown): void {
    this.#o.onDropped?.(input, reason, error);
  }
}

/** The default name: the same for the same reason, type, message and component about the same part of an object. */
function eventName({ regarding, fieldPath, type, reason, message, component }: EventInput): string {
  const parts = [regarding.kind, regarding.metadata.uid, fieldPath, type, reason, message, component];
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
  return `${(regarding.metadata.name ?? 'unnamed').slice(0, 200)}.${digest}`;
}

/** Events about cluster-scoped objects live in `default`, where kubectl looks for them. */
function namespaceOf(input: EventInput): string {
  return input.regarding.metadata.namespace ?? 'default';
}

function skips(input: EventInput, lastAt: number, now: number): boolean {
  const { repeat = 'count' } = input;
  return repeat === 'once' || (typeof repeat === 'object' && now - lastAt < repeat.everyMs);
}

function cut(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 1)}…`;
}

/** A `metav1.Time`: whole seconds. */
function seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

function trim(map: Map<string, unknown>): void {
  const oldest = map.size > MAX_REMEMBERED ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
}
