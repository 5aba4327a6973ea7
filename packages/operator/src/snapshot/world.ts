import type { FlinkStateSnapshot, JobState } from '@drey/api';
import type { Answer } from '@drey/flink';
import type { JobKind } from '../job/resource.ts';
import type { StateReference } from '../job/snapshots/references.ts';
import type { CheckpointPlace, CheckpointProgress, DisposalProgress } from '../runtime/flink-snapshots.ts';
import type { FlinkJob, SavepointProgress } from '../runtime/ports.ts';

/** Everything a decision about a snapshot is made from: one immutable value per pass, plain data. */
export interface SnapshotWorld {
  /** Epoch milliseconds at which the observation was complete. */
  readonly now: number;
  /** Leadership epoch of this operator; 0 without leader election. */
  readonly epoch: number;
  /** Id to be used by an operation that this pass starts: 32 hexadecimal digits; Flink’s trigger id, too. */
  readonly fresh: { readonly operationId: string };
  readonly snapshot: FlinkStateSnapshot;
  readonly target: SnapshotTarget;
  readonly flink: SnapshotAnswers;
  /** What else of the namespace names places of state, this snapshot left out. */
  readonly references: readonly StateReference[];
}

/** The job that a snapshot is of. */
export type SnapshotTarget =
  /** The snapshot names none. */
  | { readonly kind: 'none' }
  /** There is no such object. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'found'; readonly job: TargetJob };

/** A job, as far as snapshots of it are concerned. */
export interface TargetJob {
  readonly kind: JobKind;
  readonly name: string;
  readonly jobId: string | undefined;
  readonly state: JobState | undefined;
  /** It does not run yet, or not at the moment, and is on its way to. */
  readonly starting: boolean;
  /** The session cluster that it was on does not exist any more. */
  readonly clusterGone: boolean;
  /** Uid of the JobManager's Deployment; undefined when there is none at the moment. */
  readonly jobManager: string | undefined;
  /** The configured savepoint directory. */
  readonly savepointDirectory: string | undefined;
  /** As resources spell it (`v1_20`). */
  readonly flinkVersion: string | undefined;
  /** How long such a job may take to run. */
  readonly readinessTimeoutMs: number;
}

/** Answers of Flink's REST API in this pass; undefined where it was not asked. */
export interface SnapshotAnswers {
  readonly savepoint: Answer<SavepointProgress> | undefined;
  readonly checkpoint: Answer<CheckpointProgress> | undefined;
  /** Where the checkpoint lies that was asked for, once it is complete. */
  readonly place: Answer<CheckpointPlace> | undefined;
  readonly disposal: Answer<DisposalProgress> | undefined;
  /** The jobs of the cluster, asked before a snapshot is begun. */
  readonly jobs: Answer<readonly FlinkJob[]> | undefined;
}
