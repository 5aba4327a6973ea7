import { isKubeError, KubeError } from '../client/errors.ts';
import type { Lease } from '../kinds.ts';
import type { Term } from './elector.ts';
import { type LeaseOptions, LeaseRecord } from './lease-record.ts';
import { emptyTable, groupName, nextTurn, type ShardTable, tableOf, tableWithout } from './shard-table.ts';

/** How much of the time between two turns passes before a write that came too late is tried again. */
const AFTER_CONFLICT = 0.1;

export interface ShardElectorObserver {
  /** This process works on a shard from now on. */
  leading?(shard: number, epoch: number): void;
  /** Why the work on a shard ended. */
  ended?(shard: number, reason: 'stopped' | 'given up' | 'lost'): void;
  /** Somebody outside of the group holds the Lease (told once for each holder). */
  following?(holder: string): void;
  failed?(error: unknown): void;
}

export interface ShardElectorOptions extends LeaseOptions {
  /** Into how many shards the work is divided; the same for all that share it. */
  readonly shards: number;
  /** The annotation of the Lease that says who works on which shard. */
  readonly annotation: string;
  /** What is done for a shard; nobody else takes it before that has settled, unless the term is lost. */
  readonly lead: (shard: number, term: Term) => Promise<void>;
  readonly observer?: ShardElectorObserver;
}

/**
 * Shares the work of `shards` shards with all processes that name the same Lease and the same number, until `stop`. A process
 * that resolves to `lost` should exit.
 *
 * Guarantees: those of {@link runElector} for each shard. Terms of all shards have one order, that of the Lease's transitions, which
 * goes on when the number of shards changes and when a single leader takes the Lease; neither works beside a group. A shard of a
 * dead process is taken over when its entry was seen unchanged for the whole lease duration; who comes later gets its share
 * when those who have more have ended their work on it.
 * Assumptions: as of `runElector`.
 * Failure: it does not fence. Errors of the API go to the observer and are tried again. When the work on a shard ends by itself,
 * or throws, all work ends; what was thrown is thrown on.
 */
export async function runShardElector(o: ShardElectorOptions, stop: AbortSignal): Promise<'stopped' | 'lost'> {
  return new Member(o, stop).run();
}

/** A shard that this process works on. */
interface Work {
  readonly giveUp: AbortController;
  /** False once the work has settled: the next turn gives the shard back. */
  isRunning: boolean;
}

class Member {
  readonly #o: ShardElectorOptions;
  readonly #stop: AbortSignal;
  readonly #record: LeaseRecord;
  readonly #lost = new AbortController();
  readonly #works = new Map<number, Work>();
  readonly #settled = new Set<Promise<void>>();
  /** The numbers of other members, and when each was first seen. */
  readonly #beats = new Map<string, { readonly beat: number; readonly at: number }>();
  #joined = false;
  #until = Number.NEGATIVE_INFINITY;
  #cancelDeadline: () => void = () => undefined;
  #wake = new AbortController();
  #holder: string | undefined;
  #fault: { readonly error: unknown } | undefined;

  constructor(o: ShardElectorOptions, stop: AbortSignal) {
    this.#o = o;
    this.#stop = stop;
    this.#record = new LeaseRecord(o);
  }

  async run(): Promise<'stopped' | 'lost'> {
    const wake = (): void => this.#wake.abort();
    this.#stop.addEventListener('abort', wake, { once: true });
    try {
      while (!this.#lost.signal.aborted && !this.#isDone()) {
        const part = await this.#turn();
        if (this.#isDone()) break;
        await this.#record.pause(AbortSignal.any([this.#wake.signal, this.#lost.signal]), part);
        this.#wake = new AbortController();
      }
      await Promise.all(this.#settled);
      if (!this.#lost.signal.aborted) await this.#leave();
    } finally {
      this.#cancelDeadline();
      this.#stop.removeEventListener('abort', wake);
    }
    if (this.#fault !== undefined) throw this.#fault.error;
    return this.#lost.signal.aborted ? 'lost' : 'stopped';
  }

  /** Stopped, and nothing is worked on any more. */
  #isDone(): boolean {
    return this.#isEnding() && ![...this.#works.values()].some(({ isRunning }) => isRunning);
  }

  #isEnding(): boolean {
    return this.#stop.aborted || this.#fault !== undefined;
  }

  /** Reads the table, writes this process's next entry; what part of the usual time to wait until the next. */
  async #turn(): Promise<number> {
    const { clock, annotation, shards, observer } = this.#o;
    const signal = this.#lost.signal;
    try {
      const lease = await this.#record.read(signal);
      const now = clock.monotonic();
      const table = this.#tableFor(lease, now);
      if (table === undefined) return 1;
      const running = [...this.#works].filter(([, { isRunning }]) => isRunning);
      const turn = nextTurn({
        table,
        me: this.#o.identity,
        dead: this.#dead(table, now),
        held: new Set(running.filter(([, { giveUp }]) => !giveUp.signal.aborted).map(([shard]) => shard)),
        draining: new Set(running.filter(([, { giveUp }]) => giveUp.signal.aborted).map(([shard]) => shard)),
        takes: !this.#isEnding(),
      });
      const before = lease?.spec?.leaseTransitions;
      const first = before === undefined ? this.#record.firstEpoch() : before + 1;
      const last = turn.taken.length === 0 ? (before ?? first) : first + turn.taken.length - 1;
      const spec = this.#record.spec(groupName(shards), last, lease?.spec);
      const annotations = { ...lease?.metadata.annotations, [annotation]: JSON.stringify(turn.table) };
      await (lease === undefined
        ? this.#record.create(spec, annotations, signal)
        : this.#record.replace({ ...lease, metadata: { ...lease.metadata, annotations }, spec }, signal));
      this.#joined = true;
      this.#extend(now + this.#record.renewDeadlineMs);
      for (const [shard, { isRunning }] of this.#works) if (!isRunning) this.#works.delete(shard);
      for (const [i, shard] of turn.taken.entries()) this.#begin(shard, first + i);
      for (const shard of turn.surplus) this.#works.get(shard)?.giveUp.abort();
      return 1;
    } catch (error) {
      if (isKubeError(error, 'E_KUBE_CONFLICT', 'E_KUBE_ALREADY_EXISTS')) return AFTER_CONFLICT;
      if (!signal.aborted) observer?.failed?.(error);
      return 1;
    }
  }

  /** The table to write into; undefined when the Lease is another's, or has become so. */
  #tableFor(lease: Lease | undefined, now: number): ShardTable | undefined {
    const { annotation, shards, identity, observer } = this.#o;
    const table = tableOf(lease, annotation, shards);
    if (this.#joined) {
      const isMine = (shard: number): boolean => table?.holders[shard] === identity;
      const isMember = table?.members[identity] !== undefined;
      const holdsAll = [...this.#works].every(([shard, { isRunning }]) => !isRunning || isMine(shard));
      // Gone, another's, or without this process: it was taken for dead, and others may be at work already.
      if (isMember && holdsAll) return table;
      this.#lose();
      return undefined;
    }
    if (table !== undefined) return table;
    const holder = lease?.spec?.holderIdentity ?? '';
    if (lease === undefined || holder === '' || this.#record.expired(lease, now)) return emptyTable(shards);
    if (holder !== this.#holder) observer?.following?.(holder);
    this.#holder = holder;
    return undefined;
  }

  /** Members whose number has not changed for the whole time that an entry holds, as far as this process has seen. */
  #dead(table: ShardTable, now: number): Set<string> {
    const dead = new Set<string>();
    for (const [id, beat] of Object.entries(table.members)) {
      const seen = this.#beats.get(id);
      if (seen?.beat !== beat) this.#beats.set(id, { beat, at: now });
      else if (id !== this.#o.identity && now - seen.at >= this.#record.leaseMs) dead.add(id);
    }
    for (const id of this.#beats.keys()) if (table.members[id] === undefined) this.#beats.delete(id);
    return dead;
  }

  #begin(shard: number, epoch: number): void {
    const { namespace, name, clock, observer } = this.#o;
    const work: Work = { giveUp: new AbortController(), isRunning: true };
    this.#works.set(shard, work);
    const lost = this.#lost.signal;
    const term: Term = {
      epoch,
      lost,
      signal: AbortSignal.any([work.giveUp.signal, this.#stop, lost]),
      until: () => this.#until,
      check: () => {
        if (clock.monotonic() >= this.#until) this.#lose();
        lost.throwIfAborted();
        if (!work.isRunning)
          throw new KubeError('E_KUBE_CONFLICT', `lease ${namespace}/${name}: the term of shard ${shard} is over`);
      },
    };
    observer?.leading?.(shard, epoch);
    const settled = this.#work(shard, term, work).finally(() => this.#settled.delete(settled));
    this.#settled.add(settled);
  }

  async #work(shard: number, term: Term, work: Work): Promise<void> {
    const { lead, observer, namespace, name } = this.#o;
    try {
      await lead(shard, term);
      if (!term.signal.aborted) {
        const message = `lease ${namespace}/${name}: the work on shard ${shard} ended by itself`;
        this.#fault ??= { error: new KubeError('E_KUBE_CONFLICT', message) };
      }
    } catch (error) {
      this.#fault ??= { error };
    }
    work.isRunning = false;
    observer?.ended?.(shard, this.#lost.signal.aborted ? 'lost' : this.#isEnding() ? 'stopped' : 'given up');
    // One that failed takes the others with it.
    if (this.#fault !== undefined) for (const { giveUp } of this.#works.values()) giveUp.abort();
    this.#wake.abort();
  }

  #extend(until: number): void {
    const { clock } = this.#o;
    this.#until = until;
    this.#cancelDeadline();
    this.#cancelDeadline = clock.after(until - clock.monotonic(), () => this.#lose());
  }

  #lose(): void {
    const { namespace, name } = this.#o;
    this.#lost.abort(new KubeError('E_KUBE_CONFLICT', `lease ${namespace}/${name}: its share of the work is lost`));
  }

  /** Takes this process out of the table; the last one gives the Lease back. */
  async #leave(): Promise<void> {
    const { annotation, shards, identity, observer } = this.#o;
    for (let attempt = 0; this.#joined && attempt < LEAVE_ATTEMPTS; attempt++) {
      try {
        const lease = await this.#record.read(NEVER);
        const table = tableOf(lease, annotation, shards);
        if (lease === undefined || table?.members[identity] === undefined) return;
        const left = tableWithout(identity, table);
        const isLast = Object.keys(left.members).length === 0;
        const annotations = { ...lease.metadata.annotations, [annotation]: JSON.stringify(left) };
        const { leaseTransitions = 0 } = lease.spec ?? {};
        const spec = isLast
          ? this.#record.free(lease.spec)
          : this.#record.spec(groupName(shards), leaseTransitions, lease.spec);
        await this.#record.release({ ...lease, metadata: { ...lease.metadata, annotations }, spec });
        return;
      } catch (error) {
        if (isKubeError(error, 'E_KUBE_CONFLICT')) continue;
        // The others find it unchanged for long enough.
        observer?.failed?.(error);
        return;
      }
    }
  }
}

/** Writes of others come in between; each of them writes once in a while. */
const LEAVE_ATTEMPTS = 5;
const NEVER = new AbortController().signal;
