import type { FlinkDeployment, FlinkDeploymentStatus } from '@drey/api';
import type { PlannedEvent, WakeUp } from '../job/planned.ts';
import type { RescaleStep } from '../job/rescale.ts';
import type { SnapshotStep } from '../job/snapshots/steps.ts';
import type { StopStep } from '../job/stop.ts';
import type { Repair } from './drift/repair.ts';
import type { TaskManagersKind } from './world.ts';

/**
 * What one pass does: writes `status` (with the resource version it was decided on, and only when it differs), then makes
 * `steps` in order, then writes `settled` when every step succeeded. Events are sent last and never fail a pass.
 */
export interface Plan {
  readonly status: FlinkDeploymentStatus;
  readonly steps: readonly Step[];
  /** What the status says once all steps are done; absent when the next observation has to tell. */
  readonly settled?: FlinkDeploymentStatus;
  readonly events: readonly PlannedEvent[];
  readonly wakeUp: WakeUp;
}

/** One write. Every step is repeatable: done twice it has the effect of once. */
export type Step =
  | { readonly kind: 'add-finalizer' }
  | { readonly kind: 'remove-finalizer' }
  | StopStep
  | RescaleStep
  /** Deletes exactly the Deployment with this uid; its pods and services go with it. */
  | { readonly kind: 'delete-job-manager'; readonly uid: string }
  | {
      readonly kind: 'delete-ha-metadata';
      readonly configMaps: readonly { readonly name: string; readonly uid: string }[];
    }
  | {
      readonly kind: 'remove-job-graphs';
      readonly configMaps: readonly {
        readonly name: string;
        readonly resourceVersion: string;
        readonly keys: readonly string[];
      }[];
    }
  /** Brings Services, logging files and the Ingress of a running cluster from one spec to another. */
  | { readonly kind: 'change-objects'; readonly from: ClusterToCreate; readonly to: ClusterToCreate }
  /** Sets the number of TaskManagers of a standalone cluster. */
  | { readonly kind: 'scale-task-managers'; readonly replicas: number; readonly workload: TaskManagersKind }
  /** Removes nodes of a ZooKeeper ensemble with everything below them. */
  | { readonly kind: 'delete-zookeeper-nodes'; readonly quorum: string; readonly paths: readonly string[] }
  | { readonly kind: 'create-cluster'; readonly cluster: ClusterToCreate }
  /** Puts objects of a running cluster back as they were made. */
  | ({ readonly kind: 'repair' } & Repair)
  /** Deletes exactly the Ingress with this uid. */
  | { readonly kind: 'delete-ingress'; readonly name: string; readonly uid: string }
  /** Deletes exactly the Deployment or StatefulSet of TaskManagers with this uid. */
  | { readonly kind: 'delete-task-managers'; readonly uid: string; readonly workload: TaskManagersKind }
  /** Creates the Deployment or StatefulSet of a standalone cluster's TaskManagers again. */
  | { readonly kind: 'create-task-managers'; readonly cluster: ClusterToCreate }
  | SnapshotStep;

/** A cluster to create: the recorded spec, and what only the operation knows. */
export interface ClusterToCreate {
  /** The object whose `spec` is to run; its metadata are those of the live object. */
  readonly deployment: FlinkDeployment;
  readonly operationId: string;
  /** Empty for a session cluster. */
  readonly jobId: string;
  /** Where the job starts from; absent: from empty state, or from HA metadata. */
  readonly savepointPath: string | undefined;
  /** The generation to annotate; absent for a recovery, which carries out no change. */
  readonly generation: number | undefined;
  /** Directories of results of earlier starts, which the new JobManager deletes. */
  readonly formerResultStores?: readonly string[];
}
