import type { JobSpec } from './job-records.ts';
import { plainPath } from './plain-path.ts';
import { ResultFiles } from './result-files.ts';

/** One checkpoint or savepoint in the simulated file system. */
export interface Snapshot {
  /** Directory URI as Flink reports it, for example `file:/flink-data/sp/savepoint-012345-e9095c461909`. */
  readonly path: string;
  readonly kind: 'checkpoint' | 'savepoint';
  readonly jobId: string;
  readonly checkpointId: number;
  /** The first run, from empty state, that this state descends from. */
  readonly lineage: string;
  /** How far the job had got: milliseconds of processing since empty state. Grows along a lineage. */
  readonly position: number;
  readonly completedAt: number;
}

/** What the simulator's oracles need to know about runs of jobs, over the whole simulated world. */
export type RunEvent =
  | {
      readonly type: 'started';
      readonly at: number;
      readonly clusterId: string;
      /** Unique for each JobManager process. */
      readonly process: string;
      readonly jobId: string;
      readonly restoredFrom: string | undefined;
      readonly lineage: string;
      readonly position: number;
    }
  | {
      readonly type: 'ended';
      readonly at: number;
      readonly clusterId: string;
      readonly process: string;
      readonly jobId: string;
      readonly state: string;
      readonly position: number;
    }
  | {
      readonly type: 'triggered';
      readonly at: number;
      readonly clusterId: string;
      readonly jobId: string;
      readonly triggerId: string;
      readonly what: string;
    }
  | {
      /** Somebody asked Flink to delete a snapshot, and it did. */
      readonly type: 'disposed';
      readonly at: number;
      readonly clusterId: string;
      readonly path: string;
    }
  | {
      /** A JobManager that started was told to delete a directory of results, and did. */
      readonly type: 'results-deleted';
      readonly at: number;
      readonly clusterId: string;
      readonly path: string;
      /** JobManagers that had it open. */
      readonly users: readonly string[];
    };

/** The file system and the history that outlive every simulated process. */
export class SimulatedStorage {
  /** Job graphs that high availability stored, by `namespace/cluster id/job id`. */
  readonly jobGraphs = new Map<string, JobSpec>();
  readonly snapshots = new Map<string, Snapshot>();
  /** What became of jobs, as JobManagers write it into their HA directory. */
  readonly results = new ResultFiles();
  readonly history: RunEvent[] = [];
  readonly #listeners: ((event: RunEvent) => void)[] = [];
  /** Paths that refuse writes, by prefix: `/proc` as on a real machine, plus what a fault adds. */
  readonly unwritable = new Set<string>(['/proc']);

  /** Calls back at the very moment of each event. */
  onEvent(listener: (event: RunEvent) => void): void {
    this.#listeners.push(listener);
  }

  record(event: RunEvent): void {
    this.history.push(event);
    for (const listener of this.#listeners) listener(event);
  }

  /** Finds a snapshot however its URI is written (`file:/x`, `file:///x`, `/x`, a trailing slash). */
  find(uri: string): Snapshot | undefined {
    return this.snapshots.get(plainPath(uri));
  }

  put(snapshot: Snapshot): void {
    this.snapshots.set(plainPath(snapshot.path), snapshot);
  }

  remove(uri: string): boolean {
    return this.snapshots.delete(plainPath(uri));
  }

  isWritable(uri: string): boolean {
    const path = plainPath(uri);
    return ![...this.unwritable].some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
  }
}
