import type { KubeClient } from '../client/client.ts';
import { isKubeError, KubeError } from '../client/errors.ts';
import { Lease, type LeaseSpec } from '../kinds.ts';
import { type Clock, type Random, sleep } from './clock.ts';

/** The values controller-runtime, and with it most operators, use. */
const LEASE_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2000;
const RETRY_JITTER = 0.2;
/** Two attempts fit into one renew deadline. */
const REQUEST_MS = 4000;
const RELEASE_MS = 2000;

/** `leaseTransitions` has 32 bits; a million terms fit behind this. */
const LAST_FIRST_EPOCH = 2 ** 31 - 2 ** 20;

/** One time of leading. */
export interface Term {
  /** `leaseTransitions` of the Lease: a later term has a higher one, also when the Lease was deleted in between. */
  readonly epoch: number;
  /** Aborts when the term ends, at the latest at {@link Term.until}. */
  readonly signal: AbortSignal;
  /** Monotonic time up to which nobody else can lead. Moves on with each renewal. */
  until(): number;
  /** Throws when the term is over; to be called before anything that only a leader may do. */
  check(): void;
}

export interface ElectorObserver {
  leading?(epoch: number): void;
  /** Why the term ended. */
  ended?(reason: 'stopped' | 'lost' | 'work ended'): void;
  /** Somebody else holds the Lease (told once for each holder). */
  following?(holder: string): void;
  failed?(error: unknown): void;
}

export interface ElectorOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Unique to this process, also after a restart: `<pod name>_<random>`. */
  readonly identity: string;
  readonly leaseMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
  /** What a leader does; the Lease is given back only after it has settled. */
  readonly lead: (term: Term) => Promise<void>;
  readonly observer?: ElectorObserver;
}

/**
 * Waits for leadership, leads once, and tells why that ended. A process that resolves to `lost` should exit.
 *
 * Guarantees: an own term ends by the own monotonic clock at most `renewDeadlineMs` after the start of the last renewal that
 * succeeded; another's term is taken to be over only when this process itself has seen its record unchanged for the whole
 * lease duration, so wall clocks do not matter; taking over and renewing are optimistic updates; a stop gives the Lease back, so
 * that the next one need not wait.
 * Assumptions: clocks of candidates run at rates that differ by less than leaseMs : renewDeadlineMs.
 * Failure: it does not fence: work that ignores {@link Term.signal} goes on. Errors of the API go to the observer and are tried
 * again. What `lead` throws is thrown on.
 */
export async function runElector(o: ElectorOptions, stop: AbortSignal): Promise<'stopped' | 'lost' | 'work ended'> {
  const candidate = new Candidate(o);
  let acquired: Acquired | undefined;
  while (acquired === undefined) {
    if (stop.aborted) return 'stopped';
    acquired = await candidate.tryAcquire(stop);
    if (acquired === undefined && !(await candidate.pause(stop))) return 'stopped';
  }
  return lead(o, candidate, acquired, stop);
}

interface Acquired {
  readonly lease: Lease;
  /** Monotonic time at which the request that got it was sent. */
  readonly at: number;
}

class Candidate {
  readonly #o: ElectorOptions;
  /** The record as last seen, and when it was first seen so. */
  #seen: { readonly record: string; readonly at: number } | undefined;
  #holder: string | undefined;

  constructor(o: ElectorOptions) {
    this.#o = o;
  }

  get renewDeadlineMs(): number {
    return this.#o.renewDeadlineMs ?? RENEW_DEADLINE_MS;
  }

  get #leaseMs(): number {
    return this.#o.leaseMs ?? LEASE_MS;
  }

  async tryAcquire(signal: AbortSignal): Promise<Acquired | undefined> {
    const { client, clock, namespace, name, identity, observer } = this.#o;
    try {
      const lease = await this.read(signal);
      const at = clock.monotonic();
      if (lease === undefined) {
        const fresh: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name } };
        const created = await client.create(
          Lease,
          { ...fresh, spec: this.#record({}, this.#firstEpoch()) },
          { signal, timeoutMs: REQUEST_MS },
        );
        return { lease: created, at };
      }
      const holder = lease.spec?.holderIdentity ?? '';
      if (holder !== '' && holder !== identity && !this.#expired(lease, at)) {
        if (holder !== this.#holder) observer?.following?.(holder);
        this.#holder = holder;
        return undefined;
      }
      const spec = this.#record({}, (lease.spec?.leaseTransitions ?? 0) + 1);
      return { lease: await client.replace(Lease, { ...lease, spec }, { signal, timeoutMs: REQUEST_MS }), at };
    } catch (error) {
      if (!signal.aborted && !isKubeError(error, 'E_KUBE_CONFLICT', 'E_KUBE_ALREADY_EXISTS')) observer?.failed?.(error);
      return undefined;
    }
  }

  async read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#o;
    try {
      return await client.get(Lease, namespace, name, { signal, timeoutMs: REQUEST_MS });
    } catch (error) {
      if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  renewed(lease: Lease): Lease {
    return { ...lease, spec: this.#record(lease.spec ?? {}, lease.spec?.leaseTransitions ?? 0) };
  }

  released(lease: Lease): Lease {
    const record = this.#record(lease.spec ?? {}, lease.spec?.leaseTransitions ?? 0);
    return { ...lease, spec: { ...record, holderIdentity: '', leaseDurationSeconds: 1 } };
  }

  /** False when the wait was ended by the signal. */
  async pause(signal: AbortSignal): Promise<boolean> {
    const retryMs = this.#o.retryMs ?? RETRY_MS;
    try {
      await sleep(this.#o.clock, retryMs * (1 + RETRY_JITTER * this.#o.random.next()), signal);
      return true;
    } catch {
      return false;
    }
  }

  #expired(lease: Lease, now: number): boolean {
    const record = JSON.stringify([lease.metadata.uid, lease.spec]);
    if (this.#seen?.record !== record) this.#seen = { record, at: now };
    return now - this.#seen.at >= Math.max(this.#leaseMs, (lease.spec?.leaseDurationSeconds ?? 0) * 1000);
  }

  /**
   * The second it is: a Lease that somebody deleted does not begin to count anew. Fits the 32 bits of the field until 2038, and
   * stops short of their end from then on.
   */
  #firstEpoch(): number {
    return Math.min(LAST_FIRST_EPOCH, Math.floor(this.#o.clock.now() / 1000));
  }

  #record(old: LeaseSpec, transitions: number): LeaseSpec {
    const now = microTime(this.#o.clock.now());
    return {
      holderIdentity: this.#o.identity,
      leaseDurationSeconds: Math.max(1, Math.round(this.#leaseMs / 1000)),
      acquireTime: old.acquireTime ?? now,
      renewTime: now,
      leaseTransitions: transitions,
    };
  }
}

async function lead(
  o: ElectorOptions,
  candidate: Candidate,
  acquired: Acquired,
  stop: AbortSignal,
): Promise<'stopped' | 'lost' | 'work ended'> {
  const { clock, observer } = o;
  const end = new AbortController();
  const lost = (): void =>
    end.abort(new KubeError('E_KUBE_CONFLICT', `lease ${o.namespace}/${o.name}: leadership is lost`));
  let until = acquired.at + candidate.renewDeadlineMs;
  let cancel = clock.after(until - clock.monotonic(), lost);
  const term: Term = {
    epoch: acquired.lease.spec?.leaseTransitions ?? 0,
    signal: AbortSignal.any([end.signal, stop]),
    until: () => until,
    check: () => {
      if (clock.monotonic() >= until) lost();
      term.signal.throwIfAborted();
    },
  };
  const extend = (to: number): void => {
    until = to;
    cancel();
    cancel = clock.after(until - clock.monotonic(), lost);
  };
  observer?.leading?.(term.epoch);
  const work = o.lead(term);
  const settled = new AbortController();
  const renewing = renew(o, candidate, acquired.lease, AbortSignal.any([end.signal, settled.signal]), extend, lost);
  try {
    await work;
  } finally {
    settled.abort();
    const last = await renewing;
    cancel();
    // Only who still leads may give the Lease back.
    if (!end.signal.aborted && clock.monotonic() < until) await release(o, candidate, last);
  }
  const reason = end.signal.aborted ? 'lost' : stop.aborted ? 'stopped' : 'work ended';
  observer?.ended?.(reason);
  return reason;
}

/** Renews until the signal aborts; returns the Lease as last written. */
async function renew(
  o: ElectorOptions,
  candidate: Candidate,
  first: Lease,
  signal: AbortSignal,
  extend: (until: number) => void,
  lost: () => void,
): Promise<Lease> {
  let lease = first;
  while (await candidate.pause(signal)) {
    const at = o.clock.monotonic();
    try {
      lease = await o.client.replace(Lease, candidate.renewed(lease), { signal, timeoutMs: REQUEST_MS });
      extend(at + candidate.renewDeadlineMs);
    } catch (error) {
      if (signal.aborted) break;
      o.observer?.failed?.(error);
      const current = await candidate.read(signal).catch(() => lease);
      // Gone, or somebody else's: over at once. Still ours: the next attempt starts from its new version.
      if (current === undefined || current.spec?.holderIdentity !== o.identity) lost();
      else lease = current;
    }
  }
  return lease;
}

async function release(o: ElectorOptions, candidate: Candidate, lease: Lease): Promise<void> {
  try {
    await o.client.replace(Lease, candidate.released(lease), { timeoutMs: RELEASE_MS });
  } catch (error) {
    o.observer?.failed?.(error);
  }
}

/** A `metav1.MicroTime`: exactly six digits after the second. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
