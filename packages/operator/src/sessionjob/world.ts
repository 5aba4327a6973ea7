import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import type { Answer } from '@drey/flink';
import type { Reading } from '../job/reading.ts';
import type { SnapshotReadings } from '../job/snapshots/input.ts';
import type { SeenState } from '../runtime/job-pulse.ts';
import type {
  FlinkCheckpoints,
  FlinkException,
  FlinkFailure,
  FlinkJob,
  SavepointProgress,
  VertexRequirements,
} from '../runtime/ports.ts';
import type { Submission } from './submissions.ts';

/** Everything a decision about a session job is made from: one immutable value per pass, plain data. */
export interface SessionJobWorld {
  /** Epoch milliseconds at which the observation was complete. */
  readonly now: number;
  /** Leadership epoch of this operator; 0 without leader election. */
  readonly epoch: number;
  /** Ids to be used by an operation that this pass starts: 32 hexadecimal digits each. */
  readonly fresh: { readonly operationId: string; readonly jobId: string };
  readonly sessionJob: FlinkSessionJob;
  /** The cluster that the job names; undefined: there is no such FlinkDeployment. */
  readonly cluster: Reading<SessionCluster | undefined>;
  readonly flink: SessionJobReadings;
  /**
   * Whether the high-availability metadata of the cluster still hold the job, so that Flink will bring it back. Read from
   * the API server, and only when Flink does not list a job that should be there.
   */
  readonly heldByHa: Reading<boolean>;
  readonly snapshots: SnapshotReadings;
  /** What this process is doing, or has done, to submit the job; undefined: nothing. Read before Flink was asked. */
  readonly submission: Submission | undefined;
  /** The newest state that this operator saw the running job complete; kept where high availability does not. */
  readonly seen: SeenState | undefined;
}

/** The session cluster of a job. */
export interface SessionCluster {
  readonly deployment: FlinkDeployment;
  /** There is a JobManager Deployment. */
  readonly jobManagerExists: boolean;
  /** A JobManager pod is ready. */
  readonly reachable: boolean;
}

/** Answers of Flink's REST API in this pass; undefined where it was not asked. */
export interface SessionJobReadings {
  readonly jobs: Answer<readonly FlinkJob[]> | undefined;
  readonly checkpoints: Answer<FlinkCheckpoints> | undefined;
  readonly savepoint: Answer<SavepointProgress> | undefined;
  readonly failure: Answer<FlinkFailure | undefined> | undefined;
  /** The job's failures, newest first. */
  readonly exceptions: Answer<readonly FlinkException[]> | undefined;
  /** What the job is asked to run with; read where a change may be one of parallelism only. */
  readonly requirements?: Answer<VertexRequirements> | undefined;
}
