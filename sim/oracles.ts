import type { RunEvent, SimulatedStorage, Snapshot } from '@drey/devcluster/testing';
import { STAYS } from './namespace-oracle.ts';

/** A broken rule: which, when in virtual time, and what was seen. */
export interface Violation {
  readonly rule: string;
  readonly at: number;
  readonly detail: string;
}

/** What the user of one job allows at this moment. */
export interface Intent {
  readonly stateless: boolean;
  /** The JobManager process belongs to the Deployment that the operator made last, started by the node for the first time. */
  readonly startedByOperator: boolean;
  /** The cluster was started for its JobManager to take the job up again by high availability. */
  readonly isRetaken: boolean;
  readonly sight: Sight;
}

/** Who can name the states of a cluster's jobs. */
export interface Sight {
  /**
   * Wall time since when the operator could see the checkpoints of jobs. What a job completed before that, or too shortly
   * before its JobManager died, nobody can name without high availability.
   */
  readonly since: number;
  /** High availability knows the state of a job; it forgets it when the job ends. */
  readonly isHa: boolean;
}

/** Where a user wants a job to begin, as it is recorded; another nonce asks for that anew. */
export interface Beginning {
  readonly path: string | undefined;
  readonly nonce: number | undefined;
  /** What is recorded is a start from state, also of a job that is stateless otherwise. */
  readonly restores: boolean;
}

/** What the oracle asks about the objects as the API server has them at the moment of an event. */
export interface Records {
  /** The object that a job belongs to; undefined: nothing that is stored knows of this job. */
  owner(clusterId: string, jobId: string): string | undefined;
  /** An object of another namespace that knows this id of a job or a trigger. */
  stranger(clusterId: string, id: string): string | undefined;
  intent(owner: string, clusterId: string, process: string): Intent;
  beginning(owner: string): Beginning;
  /** The JobManager of an owner's cluster was told to go, or will be in a moment. */
  isGoing(owner: string, clusterId: string): boolean;
  /** Whether a trigger was recorded before it was pulled: for a stop, in the operation of the job's object. */
  isRecorded(clusterId: string, jobId: string, trigger: { readonly id: string; readonly what: string }): boolean;
  /** What still refers to a snapshot. */
  referrer(path: string): string | undefined;
  /** The cluster that is configured to keep its results in a directory. */
  keeperOfResults(clusterId: string, path: string): string | undefined;
}

/** How long a JobManager may go on after its end was asked for. */
const DYING_MS = 2_000;
/** How long it takes until a JobManager that was told to go is gone. */
const GOING_MS = 30_000;
/** An operator that can see looks at the checkpoints of a job at least this often. */
const SIGHT_MS = 8_000;

type Started = Extract<RunEvent, { type: 'started' }>;

/**
 * The safety rules of the design, checked at every event of the simulated world:
 * one run at a time from one state (1), never from empty or older state than allowed (2, 3), nothing deleted that something
 * refers to (4), every external operation recorded before it is made (5), and by an object of the same namespace (8).
 */
export class SafetyOracle {
  readonly violations: Violation[] = [];
  readonly #storage: SimulatedStorage;
  readonly #records: Records;
  /** The run that goes on, by owner. */
  readonly #open = new Map<string, Started>();
  /** The jobs that an owner had, and the other way round. */
  readonly #jobs = new Map<string, Set<string>>();
  readonly #owners = new Map<string, string>();
  readonly #diedAt = new Map<string, number[]>();
  readonly #goneAt = new Map<string, number>();
  readonly #destroyed: Snapshot[] = [];
  readonly #lastEnd = new Map<string, string>();
  /** Where an owner's user made its jobs begin last. */
  readonly #begun = new Map<string, Beginning>();

  constructor(storage: SimulatedStorage, records: Records) {
    this.#storage = storage;
    this.#records = records;
    storage.onEvent((event) => this.#event(event));
  }

  /** An object was deleted by its user: what comes later under its name is another story. */
  forget(owner: string): void {
    this.#jobs.delete(owner);
    this.#begun.delete(owner);
  }

  /** The JobManager of a cluster was killed, or its Deployment deleted. */
  loses(clusterId: string, at: number): void {
    this.#diedAt.set(clusterId, [...(this.#diedAt.get(clusterId) ?? []), at]);
  }

  /** The JobManager of a cluster was told to go, by whomever. */
  goes(clusterId: string, at: number): void {
    this.#goneAt.set(clusterId, at);
  }

  /** A fault removed a snapshot. */
  destroyed(snapshot: Snapshot): void {
    this.#destroyed.push(snapshot);
  }

  hasLost(owner: string): boolean {
    return this.#destroyed.some(({ jobId }) => this.#owners.get(jobId) === owner);
  }

  /** Whether the last job that ran for an owner failed. */
  hasFailed(owner: string): boolean {
    return this.#lastEnd.get(owner) === 'FAILED';
  }

  #event(event: RunEvent): void {
    if (event.type === 'started') this.#started(event);
    else if (event.type === 'ended') this.#ended(event);
    else if (event.type === 'triggered') this.#triggered(event);
    else if (event.type === 'disposed') this.#disposed(event);
    else this.#resultsDeleted(event);
  }

  #ended({ process, jobId, state }: Extract<RunEvent, { type: 'ended' }>): void {
    const owner = this.#owners.get(jobId);
    if (owner === undefined) return;
    const open = this.#open.get(owner);
    if (open?.process !== process || open.jobId !== jobId) return;
    this.#open.delete(owner);
    this.#lastEnd.set(owner, state);
  }

  #started(event: Started): void {
    const { clusterId, process, jobId, at } = event;
    const owner = this.#records.owner(clusterId, jobId) ?? this.#owners.get(jobId);
    if (owner === undefined) {
      const detail = `${clusterId}: job ${jobId} starts, and nothing that is stored there knows it`;
      this.#unrecorded(clusterId, jobId, at, detail);
      return;
    }
    const hasRun = this.#owners.has(jobId);
    this.#owners.set(jobId, owner);
    const open = this.#open.get(owner);
    if (open !== undefined) {
      const detail = `${owner}: ${process} starts job ${jobId} while ${open.process} runs ${open.jobId}`;
      this.#violate('one run at a time', at, detail);
    }
    this.#open.set(owner, event);
    this.#lastEnd.delete(owner);
    if (hasRun || !this.#beginsAnew(owner, event)) this.#startedFrom(owner, event);
    this.#jobs.set(owner, (this.#jobs.get(owner) ?? new Set()).add(jobId));
  }

  /** The first job of an owner, and the first after a new nonce, begins exactly where the user said; what was before is over. */
  #beginsAnew(owner: string, { clusterId, process, jobId, at, restoredFrom }: Started): boolean {
    const [before, now] = [this.#begun.get(owner), this.#records.beginning(owner)];
    const jobs = this.#jobs.get(owner);
    // The cluster that is replaced may start its job meanwhile.
    const isElsewhere = this.#records.isGoing(owner, clusterId) && restoredFrom !== now.path;
    if (isElsewhere) return false;
    if (jobs !== undefined && before?.nonce === now.nonce) return false;
    this.#begun.set(owner, now);
    this.#jobs.delete(owner);
    // A stateless job that is changed before it began forgets where it was to begin.
    const isMeant = now.restores || !this.#records.intent(owner, clusterId, process).stateless;
    if (isMeant && now.path !== undefined && restoredFrom !== now.path) {
      const detail = `${owner}: job ${jobId} starts from ${restoredFrom ?? 'nothing'}, not from ${now.path}`;
      this.#violate('a job begins where its user said', at, detail);
    }
    return true;
  }

  #startedFrom(owner: string, { clusterId, process, jobId, at, restoredFrom, position }: Started): void {
    const intent = this.#records.intent(owner, clusterId, process);
    if (intent.stateless || !intent.startedByOperator) return;
    const exists = (one: Snapshot): boolean => !this.#destroyed.includes(one);
    // A job that goes on under its id by high availability goes on from a checkpoint: Flink keeps no savepoint that was taken
    // meanwhile, since its user may delete it (FLINK-25191).
    // One of a session cluster that had none yet begins again; every start by the operator has an id of its own there.
    const isUnderItsId = restoredFrom !== undefined || intent.isRetaken || owner.startsWith('FlinkSessionJob/');
    const isRetaken = (one: Snapshot): boolean =>
      intent.sight.isHa && one.kind === 'savepoint' && one.jobId === jobId && isUnderItsId;
    const known = this.#snapshots(owner, at).filter((one) => this.#isKnown(one, intent.sight) && !isRetaken(one));
    const newest = known.find(exists);
    const least = known[0]?.path ?? this.#begun.get(owner)?.path;
    if (restoredFrom === undefined && least !== undefined) {
      const detail = `${owner}: job ${jobId} starts empty, although there was ${least}`;
      this.#violate('no start from empty state', at, detail);
    } else if (newest !== undefined && position < newest.position) {
      const detail = `${owner}: job ${jobId} starts from ${restoredFrom} (${position}), although ${newest.path} (${newest.position}) is there`;
      this.#violate('newest restorable state', at, detail);
    }
  }

  /** Whether somebody can name the newest state that an owner's jobs left; false also when there is none. */
  isNewestKnown(owner: string, before: number, sight: Sight): boolean {
    const [newest] = this.#snapshots(owner, before);
    return newest !== undefined && this.#isKnown(newest, sight);
  }

  /** Complete states that an owner's jobs left, newest first; those that a fault removed included. */
  #snapshots(owner: string, before: number): Snapshot[] {
    const jobs = this.#jobs.get(owner);
    if (jobs === undefined) return [];
    return [...this.#storage.snapshots.values(), ...this.#destroyed]
      .filter((one) => jobs.has(one.jobId) && one.completedAt <= before)
      .sort((a, b) => b.completedAt - a.completedAt);
  }

  #isKnown(snapshot: Snapshot, { since, isHa }: Sight): boolean {
    // A JobManager without high availability that is restarted runs the job under the same id: this is the end of the first.
    const end = this.#storage.history.find(
      (one) => one.type === 'ended' && one.jobId === snapshot.jobId && one.at >= snapshot.completedAt,
    );
    if (end?.type !== 'ended') return true;
    if (end.state === 'FINISHED' || end.state === 'CANCELED') {
      // A job that ended by itself tells where its state is, if its JobManager lives long enough to be asked by an operator
      // that is there. One that is told to go goes on for a moment.
      const lost = this.#diedAt.get(end.clusterId) ?? [];
      const asked = Math.max(end.at, since) + SIGHT_MS;
      return !lost.some((at) => at >= end.at - DYING_MS && at < asked);
    }
    // High availability forgets a job that failed for good, also one that fails while its JobManager goes.
    if (isHa && end.state === 'FAILED') return end.at - (this.#goneAt.get(end.clusterId) ?? 0) > GOING_MS;
    return isHa || Math.max(snapshot.completedAt, since) + SIGHT_MS <= end.at;
  }

  #triggered({ clusterId, jobId, triggerId: id, what, at }: Extract<RunEvent, { type: 'triggered' }>): void {
    if (this.#records.isRecorded(clusterId, jobId, { id, what })) return;
    this.#unrecorded(clusterId, id, at, `${clusterId}: ${what} with trigger ${id} is recorded nowhere there`);
  }

  #unrecorded(clusterId: string, id: string, at: number, detail: string): void {
    const stranger = this.#records.stranger(clusterId, id);
    if (stranger === undefined) this.#violate('intent before effect', at, detail);
    else this.#violate(STAYS, at, `${detail}, but ${stranger} knows it`);
  }

  #disposed({ path, at }: Extract<RunEvent, { type: 'disposed' }>): void {
    const referrer = this.#records.referrer(path);
    if (referrer !== undefined)
      this.#violate('no record in use is deleted', at, `${path}, which ${referrer} refers to`);
  }

  #resultsDeleted({ path, at, clusterId, users }: Extract<RunEvent, { type: 'results-deleted' }>): void {
    const user = users[0] ?? this.#records.keeperOfResults(clusterId, path);
    if (user !== undefined)
      this.#violate('no record in use is deleted', at, `${clusterId} deletes ${path}, which ${user} uses`);
  }

  #violate(rule: string, at: number, detail: string): void {
    this.violations.push({ rule, at, detail });
  }
}
