import type { FlinkStateSnapshot, JobSpec, ObjectMeta } from '@drey/api';
import type { Answer, FlinkConfig } from '@drey/flink';
import type { CheckpointProgress } from '../../runtime/flink-snapshots.ts';
import type { SavepointProgress } from '../../runtime/ports.ts';
import type { ConditionDraft } from '../conditions.ts';
import type { PlannedEvent, WakeUp } from '../planned.ts';
import type { JobKind, JobResourceStatus } from '../resource.ts';
import type { StateReference } from './references.ts';
import type { RetentionCaps } from './retention.ts';
import type { SnapshotStep } from './steps.ts';

/** What was read about the snapshots of one job; plain data. */
export interface SnapshotReadings {
  /** FlinkStateSnapshots of this job; undefined: the kind is not installed, or may not be read here. */
  readonly objects: readonly FlinkStateSnapshot[] | undefined;
  /** Progress of the savepoint and the checkpoint that the status names as under way; undefined where there is none. */
  readonly savepoint: Answer<SavepointProgress> | undefined;
  readonly checkpoint: Answer<CheckpointProgress> | undefined;
  /** What of the namespace names places of state, other objects' included. */
  readonly references: readonly StateReference[];
}

/** Policy about snapshots that is the operator's own. */
export interface SnapshotPolicy {
  /** Snapshots may be taken as FlinkStateSnapshots; a job may still opt out. */
  readonly objectsEnabled: boolean;
  readonly caps: RetentionCaps;
  /** Labels that new objects take over from the job's resource, so that the operator's own selector finds them. */
  readonly inheritedLabels: readonly string[];
}

/** What the snapshots of one running job are decided from, whatever kind the job is of. */
export interface JobSnapshotsInput<S extends JobResourceStatus> {
  readonly kind: JobKind;
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'creationTimestamp' | 'labels'>;
  /** The job of the spec to act on. */
  readonly job: Pick<JobSpec, 'savepointTriggerNonce' | 'checkpointTriggerNonce'>;
  /** Version of the running Flink as resources spell it (`v1_20`). */
  readonly flinkVersion: string | undefined;
  /** The status of this pass, without operation. */
  readonly status: S;
  /** The operation that the status named when the pass began. */
  readonly operation: S['operation'];
  /** True when `status.jobStatus.state` is what Flink or Kubernetes said in this pass, and not merely remembered. */
  readonly stateIsKnown: boolean;
  /** Some tasks of the job do not run yet: Flink would refuse a snapshot. */
  readonly tasksStarting: boolean;
  /** Configuration of the running job with the operator's keys of the newest spec. */
  readonly options: FlinkConfig;
  readonly policy: SnapshotPolicy;
  readonly readings: SnapshotReadings;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Leadership epoch. */
  readonly epoch: number;
  /** 32 hexadecimal digits for what this pass begins. */
  readonly freshId: string;
}

/** What is to be done about snapshots; `steps` are empty when nothing is. */
export interface JobSnapshots<S extends JobResourceStatus> {
  readonly status: S;
  readonly steps: readonly SnapshotStep[];
  /** What the status says once all steps are done. */
  readonly settled?: S;
  readonly events: readonly PlannedEvent[];
  /** When to look again for the sake of snapshots; undefined: no need. */
  readonly wakeUp: WakeUp | undefined;
  readonly conditions: readonly ConditionDraft[];
}
