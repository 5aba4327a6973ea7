import type { Clock, Random } from '@drey/kube';
import { SimulatedJob } from './job.ts';
import type { JobSpec } from './job-records.ts';
import { Operations } from './operations.ts';
import { randomHex } from './random-hex.ts';
import type { SimulatedStorage } from './storage.ts';
import { ProcessTimers } from './timers.ts';
import { draw, type Timings } from './timings.ts';

export interface TaskManager {
  readonly id: string;
  readonly host: string;
  readonly slots: number;
}

export interface StoredJar {
  readonly id: string;
  readonly name: string;
  readonly uploaded: number;
}

/** High-availability records of one cluster; they outlive its processes. */
export interface HighAvailability {
  checkpoint(jobId: string): string | undefined;
  /** A job was submitted: its graph is stored. */
  jobAdded(jobId: string): void;
  recordCheckpoint(jobId: string, checkpointId: number, path: string): void;
  /** The job ended for good: its records go. */
  jobEnded(jobId: string): void;
}

export interface JobManagerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly storage: SimulatedStorage;
  readonly timings: Timings;
  /** For example `1.20.5`. */
  readonly version: string;
  readonly clusterId: string;
  /** Host of its addresses, for example the pod IP. */
  readonly host: string;
  readonly adaptive: boolean;
  readonly ha?: HighAvailability;
  /** Application mode: the job that starts with the process. Session mode: undefined. */
  readonly application?: JobSpec;
  /** Session mode with high availability: the jobs of an earlier process. */
  readonly recovered?: readonly JobSpec[];
  /** Defaults of jobs that are run from a jar. */
  readonly jobDefaults: Pick<JobSpec, 'checkpointIntervalMs' | 'checkpointDir' | 'retainOnCancellation'> & {
    readonly savepointDir: string | undefined;
  };
  readonly shutdownOnFinish: boolean;
  /** Where the results of its jobs are kept. */
  readonly resultDirectories?: readonly string[];
  /** How many slots jobs need in all; the owner starts or ends TaskManagers. */
  readonly onSlotsNeeded: (slots: number) => void;
  /** The process ended by itself with this code. */
  readonly onExit: (code: number) => void;
}

/**
 * A simulated JobManager process: from its start over its jobs to its death. REST answers come from
 * {@link file://./rest.ts | the REST handler}, which only reads and calls what is here.
 */
export class SimulatedJobManager {
  readonly options: JobManagerOptions;
  readonly process: string;
  readonly timers: ProcessTimers;
  readonly operations: Operations;
  readonly jobs = new Map<string, SimulatedJob>();
  readonly taskManagers = new Map<string, TaskManager>();
  readonly jars = new Map<string, StoredJar>();
  readonly uploadDir: string;
  restUp = false;
  #alive = true;

  constructor(options: JobManagerOptions) {
    this.options = options;
    this.process = `${options.clusterId}@${randomHex(options.random, 8)}`;
    this.timers = new ProcessTimers(options.clock);
    this.operations = new Operations(options.random);
    this.uploadDir = `/flink-data/web/flink-web-${uuid(options.random)}/flink-web-upload`;
    this.timers.after(draw(options.random, options.timings.restUpMs), () => {
      this.restUp = true;
      for (const spec of [...(options.application ? [options.application] : []), ...(options.recovered ?? [])])
        this.submit(spec);
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  get slotsTotal(): number {
    return [...this.taskManagers.values()].reduce((sum, one) => sum + one.slots, 0);
  }

  get slotsFree(): number {
    return Math.max(0, this.slotsTotal - this.#slotsUsed());
  }

  /** Starts a job; a second one with the same id is refused by the caller's check on {@link jobs}. */
  submit(spec: JobSpec): SimulatedJob {
    const { random, timings, storage, clusterId, ha } = this.options;
    const job: SimulatedJob = new SimulatedJob(spec, {
      timers: this.timers,
      random,
      timings,
      storage,
      clusterId,
      process: this.process,
      slots: () => this.#slotsFor(spec.jobId),
      haCheckpoint: (id) => ha?.checkpoint(id),
      recordHaCheckpoint: (id, number, path) => ha?.recordCheckpoint(id, number, path),
      onRequirement: () => this.#required(job),
      onSlotsFreed: () => {
        for (const other of this.jobs.values()) if (other !== job) other.slotsChanged();
      },
      onTerminal: (one) => this.#jobEnded(one),
    });
    this.jobs.set(spec.jobId, job);
    if (ha) {
      storage.jobGraphs.set(`${clusterId}/${spec.jobId}`, spec);
      ha.jobAdded(spec.jobId);
    }
    this.#announceNeed();
    return job;
  }

  registerTaskManager(one: TaskManager): void {
    if (!this.#alive) return;
    this.taskManagers.set(one.id, one);
    for (const job of this.jobs.values()) job.slotsChanged();
  }

  loseTaskManager(id: string): void {
    const lost = this.taskManagers.get(id);
    if (!this.#alive || lost === undefined) return;
    this.taskManagers.delete(id);
    for (const job of this.jobs.values()) job.lostTaskManager(id, `${lost.host}:6121`);
    this.#announceNeed();
  }

  /** Ends the process at once, as kill -9 does. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.restUp = false;
    this.timers.stop();
    for (const job of this.jobs.values()) job.abandon();
  }

  /** `DELETE /cluster`: a graceful end. */
  shutDown(): void {
    this.timers.after(50, () => this.#exit(0));
  }

  #exit(code: number): void {
    this.kill();
    this.options.onExit(code);
  }

  #jobEnded(job: SimulatedJob): void {
    if (job.state === 'FINISHED' || job.state === 'CANCELED' || job.state === 'FAILED') {
      this.options.ha?.jobEnded(job.spec.jobId);
      this.options.storage.results.write(this.options.resultDirectories ?? [], job.spec.jobId);
    }
    this.#announceNeed();
    for (const other of this.jobs.values()) other.slotsChanged();
    if (this.options.application && this.options.shutdownOnFinish)
      this.timers.after(100, () => this.#exit(job.state === 'FAILED' ? 163 : 0));
  }

  #slotsFor(jobId: string): number {
    const others = [...this.jobs.values()].filter(
      (one) => one.spec.jobId !== jobId && one.tasksRunningSince !== undefined,
    );
    return this.slotsTotal - others.reduce((sum, one) => sum + one.parallelism, 0);
  }

  #slotsUsed(): number {
    const running = [...this.jobs.values()].filter((one) => !one.isTerminal && one.tasksRunningSince !== undefined);
    return running.reduce((sum, one) => sum + one.parallelism, 0);
  }

  /** High availability keeps what is required of a job with its graph. */
  #required(job: SimulatedJob): void {
    const key = `${this.options.clusterId}/${job.spec.jobId}`;
    const stored = this.options.storage.jobGraphs.get(key);
    if (stored !== undefined) {
      const { wantedParallelism: parallelism, requirements: vertices } = job;
      this.options.storage.jobGraphs.set(key, { ...stored, parallelism, vertices });
    }
    this.#announceNeed();
  }

  #announceNeed(): void {
    const active = [...this.jobs.values()].filter((one) => !one.isTerminal);
    this.options.onSlotsNeeded(active.reduce((sum, one) => sum + one.wantedParallelism, 0));
  }
}

/** A UUID-shaped text from the simulation's random numbers. */
export function uuid(random: Random): string {
  const hex = randomHex(random, 32);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
