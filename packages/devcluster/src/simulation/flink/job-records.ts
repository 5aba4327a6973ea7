import type { Random } from '@drey/kube';
import type { SimulatedJob } from './job.ts';
import type { SimulatedStorage } from './storage.ts';
import type { ProcessTimers } from './timers.ts';
import type { Timings } from './timings.ts';

/** Flink's JobStatus, as far as simulated jobs reach it. */
export type JobState =
  | 'INITIALIZING'
  | 'CREATED'
  | 'RUNNING'
  | 'RESTARTING'
  | 'FAILING'
  | 'FAILED'
  | 'CANCELLING'
  | 'CANCELED'
  | 'FINISHED';

export interface VertexBounds {
  readonly lowerBound: number;
  readonly upperBound: number;
}

export interface JobSpec {
  readonly jobId: string;
  readonly name: string;
  readonly parallelism: number;
  /** What is required of its vertices, where that is not the same for all. */
  readonly vertices?: ReadonlyMap<string, VertexBounds>;
  /** Restore from here; a missing one makes the job FAILED, as in Flink. */
  readonly savepointPath: string | undefined;
  /** undefined: checkpointing off. */
  readonly checkpointIntervalMs: number | undefined;
  /** undefined: checkpoints live in the JobManager's memory. */
  readonly checkpointDir: string | undefined;
  readonly adaptive: boolean;
  /** Reactive mode: it takes all slots there are. */
  readonly reactive?: boolean;
  /** Bounded input: the job finishes when it has worked for so long. Undefined: it runs until it is stopped. */
  readonly finishAfterMs?: number | undefined;
  /** `execution.checkpointing.externalized-checkpoint-retention`: keep checkpoints when canceled. */
  readonly retainOnCancellation: boolean;
}

/** One entry of the checkpoint statistics. */
export interface CheckpointRecord {
  readonly id: number;
  readonly savepoint: boolean;
  readonly stop: boolean;
  readonly triggeredAt: number;
  status: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  endedAt: number;
  path: string | undefined;
  failure: string | undefined;
}

export interface ExceptionRecord {
  readonly name: string;
  readonly stack: string;
  readonly at: number;
  readonly task: string | undefined;
  readonly endpoint: string | undefined;
  readonly taskManagerId: string | undefined;
}

export interface JobEnvironment {
  readonly timers: ProcessTimers;
  readonly random: Random;
  readonly timings: Timings;
  readonly storage: SimulatedStorage;
  readonly clusterId: string;
  readonly process: string;
  /** Slots the job may use now; the JobManager asks for TaskManagers until there are enough. */
  readonly slots: () => number;
  /** The newest checkpoint that high availability knows for this job; wins over `savepointPath`. */
  readonly haCheckpoint: (jobId: string) => string | undefined;
  readonly recordHaCheckpoint: (jobId: string, checkpointId: number, path: string) => void;
  /** The job wants another number of slots. */
  readonly onRequirement: () => void;
  /** The job gets by with fewer slots from now on; others may be waiting for them. */
  readonly onSlotsFreed: () => void;
  readonly onTerminal: (job: SimulatedJob) => void;
}
