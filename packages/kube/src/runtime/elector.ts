import { isKubeError, KubeError } from '../client/errors.ts';
import type { Lease } from '../kinds.ts';
import { type LeaseOptions, LeaseRecord } from './lease-record.ts';

/** One time of leading. */
export interface Term {
  /** `leaseTransitions` of the Lease: a later term has a higher one, also when the Lease was deleted in between. */
  readonly epoch: number;
  /** Aborts when the work is to end, at the latest at {@link Term.until}: it is wanted no more, or it was lost. */
  readonly signal: AbortSignal;
  /** Aborts when the term is over before the work has ended: nothing may be finished any more. */
  readonly lost: AbortSignal;
  /** Monotonic time up to which nobody else can lead. Moves on with each renewal. */
  until(): number;
  /**
   * Throws when the term is over; to be called before anything that only a leader may do. A term that is wanted no more is over
   * when its work has ended.
   */
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

export interface ElectorOptions extends LeaseOptions {
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
    if (acquired === undefined && !(await candidate.record.pause(stop))) return 'stopped';
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
  readonly record: LeaseRecord;
  #holder: string | undefined;

  constructor(o: ElectorOptions) {
    this.#o = o;
    this.record = new LeaseRecord(o);
  }

  async tryAcquire(signal: AbortSignal): Promise<Acquired | undefined> {
    const { clock, identity, observer } = this.#o;
    const { record } = this;
    try {
      const lease = await record.read(signal);
      const at = clock.monotonic();
      if (lease === undefined) {
        const created = await record.create(record.spec(identity, record.firstEpoch()), undefined, signal);
        return { lease: created, at };
      }
      const holder = lease.spec?.holderIdentity ?? '';
      if (holder !== '' && holder !== identity && !record.expired(lease, at)) {
        if (holder !== this.#holder) observer?.following?.(holder);
        this.#holder = holder;
        return undefined;
      }
      const spec = record.spec(identity, (lease.spec?.leaseTransitions ?? 0) + 1);
      return { lease: await record.replace({ ...lease, spec }, signal), at };
    } catch (error) {
      if (!signal.aborted && !isKubeError(error, 'E_KUBE_CONFLICT', 'E_KUBE_ALREADY_EXISTS')) observer?.failed?.(error);
      return undefined;
    }
  }

  renewed(lease: Lease): Lease {
    const transitions = lease.spec?.leaseTransitions ?? 0;
    return { ...lease, spec: this.record.spec(this.#o.identity, transitions, lease.spec) };
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
  let until = acquired.at + candidate.record.renewDeadlineMs;
  let cancel = clock.after(until - clock.monotonic(), lost);
  let isOver = false;
  const term: Term = {
    epoch: acquired.lease.spec?.leaseTransitions ?? 0,
    signal: AbortSignal.any([end.signal, stop]),
    until: () => until,
    lost: end.signal,
    check: () => {
      if (clock.monotonic() >= until) lost();
      end.signal.throwIfAborted();
      if (isOver) throw new KubeError('E_KUBE_CONFLICT', `lease ${o.namespace}/${o.name}: the term is over`);
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
    isOver = true;
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
  while (await candidate.record.pause(signal)) {
    const at = o.clock.monotonic();
    try {
      lease = await candidate.record.replace(candidate.renewed(lease), signal);
      extend(at + candidate.record.renewDeadlineMs);
    } catch (error) {
      if (signal.aborted) break;
      o.observer?.failed?.(error);
      const current = await candidate.record.read(signal).catch(() => lease);
      // Gone, or somebody else's: over at once. Still ours: the next attempt starts from its new version.
      if (current === undefined || current.spec?.holderIdentity !== o.identity) lost();
      else lease = current;
    }
  }
  return lease;
}

async function release(o: ElectorOptions, candidate: Candidate, lease: Lease): Promise<void> {
  try {
    await candidate.record.release({ ...lease, spec: candidate.record.free(lease.spec) });
  } catch (error) {
    o.observer?.failed?.(error);
  }
}
