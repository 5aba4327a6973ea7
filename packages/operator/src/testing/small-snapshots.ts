import type { FlinkSnapshots } from '../runtime/flink-snapshots.ts';

/** What the snapshots of the small cluster are taken of. */
interface Job {
  readonly savepoints: Map<string, string>;
}

type Call = <R>(name: string, run: () => R) => Promise<R>;

const unknownJob = { kind: 'not-found', message: 'unknown job' } as const;

/**
 * Snapshots of the small cluster: done as soon as they are asked for, once for each trigger id. `fails` names target
 * directories in which savepoints cannot be written; files outlive jobs.
 */
export class SmallSnapshots {
  readonly files = new Set<string>();
  readonly fails = new Set<string>();
  readonly #checkpoints = new Map<string, number>();
  readonly #failed = new Set<string>();
  readonly #log: string[];
  readonly #jobs: Map<string, Job>;

  constructor(jobs: Map<string, Job>, log: string[]) {
    this.#jobs = jobs;
    this.#log = log;
  }

  calls(call: Call): FlinkSnapshots {
    return {
      triggerSavepoint: ({ jobId, triggerId, targetDirectory = '' }) =>
        call('trigger savepoint', () => {
          const job = this.#jobs.get(jobId);
          if (job === undefined) return unknownJob;
          if (!job.savepoints.has(triggerId) && !this.#failed.has(triggerId)) {
            this.#log.push(`savepoint ${triggerId}`);
            if (this.fails.has(targetDirectory)) this.#failed.add(triggerId);
            else {
              job.savepoints.set(triggerId, `file:///sp/${triggerId}`);
              this.files.add(`file:///sp/${triggerId}`);
            }
          }
          return { kind: 'ok', value: undefined };
        }),
      triggerCheckpoint: ({ jobId, triggerId }) =>
        call('trigger checkpoint', () => {
          if (!this.#jobs.has(jobId)) return unknownJob;
          if (!this.#checkpoints.has(triggerId)) {
            this.#log.push(`checkpoint ${triggerId}`);
            this.#checkpoints.set(triggerId, this.#checkpoints.size + 1);
          }
          return { kind: 'ok', value: undefined };
        }),
      checkpoint: (_jobId, triggerId) =>
        call('checkpoint', () => {
          const checkpointId = this.#checkpoints.get(triggerId);
          return checkpointId === undefined ? unknownJob : { kind: 'ok', value: { kind: 'completed', checkpointId } };
        }),
      checkpointPlace: (_jobId, checkpointId) =>
        call('checkpoint place', () => ({
          kind: 'ok',
          value: { kind: 'completed', path: `file:///cp/chk-${checkpointId}` },
        })),
      disposeSavepoint: (path) =>
        call('dispose', () => {
          this.#log.push(`dispose ${path}`);
          this.files.delete(path);
          return { kind: 'ok', value: 'disposal' };
        }),
      disposal: () => call('disposal', () => ({ kind: 'ok', value: { kind: 'completed' } })),
    };
  }

  /** True for a savepoint that was asked for and failed. */
  hasFailed(triggerId: string): boolean {
    return this.#failed.has(triggerId);
  }
}
