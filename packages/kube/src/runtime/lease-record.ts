import type { KubeClient } from '../client/client.ts';
import { isKubeError } from '../client/errors.ts';
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

/** The Lease that candidates share, who asks for it, and how long its terms are, in milliseconds. */
export interface LeaseOptions {
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
}

/** One process's view of a Lease, and its writes of it. */
export class LeaseRecord {
  readonly #o: LeaseOptions;
  /** The record as last seen, and when it was first seen so. */
  #seen: { readonly record: string; readonly at: number } | undefined;

  constructor(o: LeaseOptions) {
    this.#o = o;
  }

  get leaseMs(): number {
    return this.#o.leaseMs ?? LEASE_MS;
  }

  get renewDeadlineMs(): number {
    return this.#o.renewDeadlineMs ?? RENEW_DEADLINE_MS;
  }

  get retryMs(): number {
    return this.#o.retryMs ?? RETRY_MS;
  }

  /** undefined: there is none. Rejects with a KubeError. */
  async read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#o;
    try {
      return await client.get(Lease, namespace, name, { signal, timeoutMs: REQUEST_MS });
    } catch (error) {
      if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  create(spec: LeaseSpec, annotations: Record<string, string> | undefined, signal: AbortSignal): Promise<Lease> {
    const { client, namespace, name } = this.#o;
    const metadata = { namespace, name, ...(annotations === undefined ? {} : { annotations }) };
    const fresh: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    return client.create(Lease, fresh, { signal, timeoutMs: REQUEST_MS });
  }

  /** Writes the Lease over the version it was read in; a conflict when that is no longer the newest. */
  replace(lease: Lease, signal: AbortSignal): Promise<Lease> {
    return this.#o.client.replace(Lease, lease, { signal, timeoutMs: REQUEST_MS });
  }

  /** The last write of a process that ends. */
  async release(lease: Lease): Promise<void> {
    await this.#o.client.replace(Lease, lease, { timeoutMs: RELEASE_MS });
  }

  /** Whether this process has seen the record unchanged for the whole time that it holds. `now` is monotonic. */
  expired(lease: Lease, now: number): boolean {
    const record = JSON.stringify([lease.metadata.uid, lease.metadata.annotations, lease.spec]);
    if (this.#seen?.record !== record) this.#seen = { record, at: now };
    return now - this.#seen.at >= Math.max(this.leaseMs, (lease.spec?.leaseDurationSeconds ?? 0) * 1000);
  }

  /** A record for `holder` as of now; a term that goes on keeps the time it began. */
  spec(holder: string, transitions: number, old: LeaseSpec = {}): LeaseSpec {
    const now = microTime(this.#o.clock.now());
    return {
      holderIdentity: holder,
      leaseDurationSeconds: Math.max(1, Math.round(this.leaseMs / 1000)),
      acquireTime: old.acquireTime ?? now,
      renewTime: now,
      leaseTransitions: transitions,
    };
  }

  /** A record that anybody may take. */
  free(old: LeaseSpec = {}): LeaseSpec {
    return { ...this.spec('', old.leaseTransitions ?? 0, old), leaseDurationSeconds: 1 };
  }

  /**
   * The second it is: a Lease that somebody deleted does not begin to count anew. Fits the 32 bits of the field until 2038, and
   * stops short of their end from then on.
   */
  firstEpoch(): number {
    return Math.min(LAST_FIRST_EPOCH, Math.floor(this.#o.clock.now() / 1000));
  }

  /** Waits a part of the time between two attempts, with jitter. False when the wait was ended by the signal. */
  async pause(signal: AbortSignal, part = 1): Promise<boolean> {
    const { clock, random } = this.#o;
    try {
      await sleep(clock, part * this.retryMs * (1 + RETRY_JITTER * random.next()), signal);
      return true;
    } catch {
      return false;
    }
  }
}

/** A `metav1.MicroTime`: exactly six digits after the second. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
