import type { FlinkDeployment } from '@drey/api';
import type { RunEvent, SimulatedStorage, Snapshot } from '@drey/devcluster/testing';

/** A broken rule: which, when in virtual time, and what was seen. */
export interface Violation {
  readonly rule: string;
  readonly at: number;
  readonly detail: string;
}

/** What the user of one FlinkDeployment allows at this moment; kept by the scenario. */
export interface Intent {
  /** Empty state is all right: stateless, or never deployed before. */
  readonly emptyStateAllowed: boolean;
  /** The status as the API server has it now. */
  readonly stored: FlinkDeployment | undefined;
  /** The JobManager process belongs to the Deployment that the operator made last, started by the node for the first time. */
  readonly startedByOperator: boolean;
  /**
   * Wall time since when the operator could see the checkpoints of jobs; undefined: high availability knows them. What a job
   * without it completed before that, or too shortly before its JobManager died, nobody can name.
   */
  readonly sightSince: number | undefined;
}

/** An operator that can see looks at the checkpoints of a job at least this often. */
const SIGHT_MS = 8_000;

interface Run {
  readonly process: string;
  readonly jobId: string;
}

/**
 * The safety rules of the design, checked at every event of the simulated world:
 * one run at a time from one state (1), never from empty or older state than allowed (2, 3), every external operation
 * recorded before it is made (5).
 */
export class SafetyOracle {
  readonly violations: Violation[] = [];
  readonly #storage: SimulatedStorage;
  readonly #intent: (clusterId: string, process: string) => Intent;
  readonly #open = new Map<string, Run>();

  constructor(storage: SimulatedStorage, intent: (clusterId: string, process: string) => Intent) {
    this.#storage = storage;
    this.#intent = intent;
    storage.onEvent((event) => this.#event(event));
  }

  /** A cluster was deleted by its user: what comes later under its name is another story. */
  forget(clusterId: string): void {
    this.#forgottenAt.set(clusterId, this.#storage.history.length);
  }

  readonly #forgottenAt = new Map<string, number>();

  /** The JobManager of a cluster was killed, or its Deployment deleted. */
  loses(clusterId: string, at: number): void {
    this.#lost.set(clusterId, [...(this.#lost.get(clusterId) ?? []), at]);
  }

  readonly #lost = new Map<string, number[]>();

  #event(event: RunEvent): void {
    if (event.type === 'ended') {
      const open = this.#open.get(event.clusterId);
      if (open?.process === event.process && open.jobId === event.jobId) this.#open.delete(event.clusterId);
      return;
    }
    if (event.type === 'triggered') {
      this.#triggered(event);
      return;
    }
    if (event.type === 'disposed') return;
    const open = this.#open.get(event.clusterId);
    if (open)
      this.#violate(
        'one run at a time',
        event.at,
        `${event.clusterId}: ${event.process} starts job ${event.jobId} while ${open.process} runs ${open.jobId}`,
      );
    this.#open.set(event.clusterId, { process: event.process, jobId: event.jobId });
    this.#startedFrom(event);
  }

  #startedFrom(event: Extract<RunEvent, { type: 'started' }>): void {
    const intent = this.#intent(event.clusterId, event.process);
    if (intent.emptyStateAllowed || !intent.startedByOperator) return;
    const newest = this.newest(event.clusterId, event.at, intent.sightSince);
    if (newest === undefined) return;
    if (event.restoredFrom === undefined) {
      this.#violate(
        'no start from empty state',
        event.at,
        `${event.clusterId}: job ${event.jobId} starts empty, although ${newest.path} is there`,
      );
    } else if (event.position < newest.position) {
      this.#violate(
        'newest restorable state',
        event.at,
        `${event.clusterId}: job ${event.jobId} starts from ${event.restoredFrom} (${event.position}), although ${newest.path} (${newest.position}) is there`,
      );
    }
  }

  /** The newest complete state that this cluster's jobs left, that still exists, and that somebody can know of. */
  newest(
    clusterId: string,
    before: number,
    sightSince: number | undefined,
  ): { path: string; position: number } | undefined {
    return this.#snapshots(clusterId, before).find((one) => this.#isKnown(one, sightSince));
  }

  /** Whether somebody can name the newest state that this cluster's jobs left; false also when there is none. */
  isNewestKnown(clusterId: string, before: number, sightSince: number | undefined): boolean {
    const [newest] = this.#snapshots(clusterId, before);
    return newest !== undefined && this.#isKnown(newest, sightSince);
  }

  /** Complete states that a cluster's jobs left and that still exist, newest first. */
  #snapshots(clusterId: string, before: number): Snapshot[] {
    const since = this.#forgottenAt.get(clusterId) ?? 0;
    const jobs = new Set<string>();
    for (const [index, event] of this.#storage.history.entries()) {
      if (index >= since && event.type === 'started' && event.clusterId === clusterId) jobs.add(event.jobId);
    }
    return [...this.#storage.snapshots.values()]
      .filter((one) => jobs.has(one.jobId) && one.completedAt <= before)
      .sort((a, b) => b.completedAt - a.completedAt);
  }

  #isKnown(snapshot: Snapshot, sightSince: number | undefined): boolean {
    if (sightSince === undefined) return true;
    // A JobManager without high availability that is restarted runs the job under the same id: this is the end of the first.
    const end = this.#storage.history.find(
      (one) => one.type === 'ended' && one.jobId === snapshot.jobId && one.at >= snapshot.completedAt,
    );
    if (end?.type !== 'ended') return true;
    if (end.state === 'FINISHED' || end.state === 'CANCELED') {
      // A job that ended by itself tells where its state is, if its JobManager lives long enough to be asked.
      const lost = this.#lost.get(end.clusterId) ?? [];
      return !lost.some((at) => at >= end.at && at < end.at + SIGHT_MS);
    }
    return Math.max(snapshot.completedAt, sightSince) + SIGHT_MS <= end.at;
  }

  #triggered(event: Extract<RunEvent, { type: 'triggered' }>): void {
    const stored = this.#intent(event.clusterId, '').stored;
    const operation = (stored?.status as { operation?: { id?: string; triggerId?: string } } | undefined)?.operation;
    if (operation?.id === event.triggerId || operation?.triggerId === event.triggerId) return;
    this.#violate(
      'intent before effect',
      event.at,
      `${event.clusterId}: ${event.what} with trigger ${event.triggerId}, but the status records ${JSON.stringify(operation ?? null)}`,
    );
  }

  #violate(rule: string, at: number, detail: string): void {
    this.violations.push({ rule, at, detail });
  }
}
