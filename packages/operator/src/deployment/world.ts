import type { FlinkDeployment } from '@drey/api';
import type { Answer } from '@drey/flink';
import type { Reading } from '../job/reading.ts';
import type { SnapshotReadings } from '../job/snapshots/input.ts';
import type { SeenState } from '../runtime/job-pulse.ts';
import type {
  FlinkCheckpoints,
  FlinkClusterFacts,
  FlinkException,
  FlinkFailure,
  FlinkJob,
  FlinkJobHealth,
  SavepointProgress,
  VertexRequirements,
} from '../runtime/ports.ts';

/**
 * Everything a decision is made from: one immutable value per pass. It is plain data, so that a decision can be recorded,
 * replayed and shown before it is made.
 */
export interface World {
  /** Epoch milliseconds at which the observation was complete. */
  readonly now: number;
  /** Leadership epoch of this operator; 0 without leader election. */
  readonly epoch: number;
  /** Ids to be used by an operation that this pass starts: 32 hexadecimal digits each. */
  readonly fresh: { readonly operationId: string; readonly jobId: string };
  readonly deployment: FlinkDeployment;
  /** undefined: there is no such Deployment. */
  readonly jobManager: Reading<JobManagerDeployment | undefined>;
  readonly jobManagerPods: Reading<readonly ObservedPod[]>;
  /** The TaskManagers of a standalone cluster; undefined: there is neither a Deployment nor a StatefulSet of them. */
  readonly taskManagers: Reading<TaskManagerWorkload | undefined>;
  /**
   * StatefulSets may not be read here, although the user's spec asks for one, or only what was deployed. Absent: nobody misses them.
   */
  readonly refusedStatefulSets?: 'wanted' | 'deployed';
  /** The session jobs that name this cluster; read for session clusters only. */
  readonly sessionJobs: Reading<readonly ObservedSessionJob[]>;
  /** What is left of a cluster, read from the API server itself; known only while a cluster is being removed or replaced. */
  readonly remains: Reading<Remains>;
  /** How the objects of a cluster at rest differ from what they were made as. */
  readonly drift: Reading<Drift>;
  /** HA metadata, read from the API server itself; known only where a decision may need it. */
  readonly ha: Reading<HaMetadata>;
  /** Directories of results that the running cluster's configuration names; read where they are to be deleted some day. */
  readonly resultStores?: Reading<readonly string[]>;
  readonly flink: FlinkReadings;
  readonly snapshots: SnapshotReadings;
  /** The newest state that this operator saw the running job complete; kept where high availability does not. */
  readonly seen: SeenState | undefined;
}

/** The JobManager's Deployment. */
export interface JobManagerDeployment {
  readonly uid: string;
  readonly createdAt: number;
  readonly deleting: boolean;
  /** Owned by the FlinkDeployment with this uid. */
  readonly ownerUid: string | undefined;
  /** Annotation with the generation of the FlinkDeployment it was made from. */
  readonly generation: string | undefined;
  /** Annotation with the id of the operation that made it. */
  readonly operationId: string | undefined;
  readonly availableReplicas: number;
  /** Message of the condition ReplicaFailure, when pods cannot be created. */
  readonly createFailure: string | undefined;
  /** False when it has not been available since it was created; undefined when the Deployment does not say. */
  readonly neverAvailable: boolean | undefined;
}

/** What makes the pods of a standalone cluster's TaskManagers. */
export interface TaskManagerWorkload {
  readonly kind: TaskManagersKind;
  readonly uid: string;
  readonly deleting: boolean;
  /** Owned by the FlinkDeployment with this uid. */
  readonly ownerUid: string | undefined;
  /** Annotation with the id of the operation that made it. */
  readonly operationId: string | undefined;
  readonly replicas: number;
}

export type TaskManagersKind = 'Deployment' | 'StatefulSet';

/** A FlinkSessionJob, as far as its cluster looks at it. */
export interface ObservedSessionJob {
  readonly name: string;
  readonly deleting: boolean;
  /** Flink's id of its job, when it has submitted one. */
  readonly jobId: string | undefined;
  /** Its job carries state and runs, or is being brought down; undefined: what it does is not known at the moment. */
  readonly runsWithState: boolean | undefined;
  /** Epoch milliseconds since when its job is being brought down with its state; absent: it is not. */
  readonly endingSince?: number;
}

/** A pod, as far as decisions look at it. */
export interface ObservedPod {
  readonly name: string;
  readonly uid: string;
  /** In epoch milliseconds, in whole seconds. */
  readonly createdAt?: number;
  readonly ip: string | undefined;
  readonly ready: boolean;
  readonly deleting: boolean;
  /** A container that cannot start, with the kubelet's reason. */
  readonly failure: PodFailure | undefined;
  readonly restarts: number;
}

export interface PodFailure {
  readonly reason: string;
  readonly message: string;
}

/** Names of objects that still exist under a cluster's name. */
export interface Remains {
  readonly deployment: boolean;
  readonly pods: readonly string[];
  readonly services: readonly string[];
  /** Those of the pods that are JobManagers. */
  readonly jobManagerPods?: readonly string[];
  /** The Deployment or StatefulSet of TaskManagers; only standalone clusters have one. */
  readonly taskManagers?: TaskManagerWorkload | undefined;
}

/** How the objects of a cluster differ from what they were made as. */
export interface Drift {
  /** Objects to put back. */
  readonly repairs: readonly DriftedObject[];
  /** The Ingress of this deployment, which its spec no longer asks for. */
  readonly surplus: { readonly name: string; readonly uid: string } | undefined;
  /** What others changed that only a restart would undo. */
  readonly reported: readonly DriftedObject[];
  /** How often this operator put objects back lately. */
  readonly tries: readonly RepairTries[];
}

/** How often in a row an object was put back, as it was the last time; `lastAt` in epoch milliseconds. */
export interface RepairTries extends DriftedObject {
  readonly count: number;
  readonly lastAt: number;
}

/** An object that differs from what it was made as. */
export interface DriftedObject {
  readonly kind: string;
  readonly name: string;
  /** The fields; none: the object is gone. */
  readonly fields: readonly string[];
  /** Who changed them, as the API server recorded it. */
  readonly by: string | undefined;
}

/** Flink's HA metadata for one cluster: ConfigMaps, or nodes of a ZooKeeper ensemble. */
export interface HaMetadata {
  readonly configMaps: readonly HaConfigMap[];
  /** Absent: nothing of the cluster is in ZooKeeper. */
  readonly zooKeeper?: ZooKeeperMetadata | undefined;
  /** A ConfigMap of a job exists, so the job can be taken up again. */
  readonly available: boolean;
  /** A completed checkpoint is recorded in it. */
  readonly hasCheckpoint: boolean;
}

/** What a cluster keeps in ZooKeeper. */
export interface ZooKeeperMetadata {
  readonly quorum: string;
  /** The node that holds everything of the cluster. */
  readonly root: string;
  /** Nodes that hold stored job graphs, which would bring back the old job settings. */
  readonly jobGraphs: readonly string[];
}

export interface HaConfigMap {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Keys of stored job graphs, which would bring back the old job settings. */
  readonly jobGraphKeys: readonly string[];
}

/** Answers of Flink's REST API in this pass; undefined where it was not asked. */
export interface FlinkReadings {
  readonly jobs: Answer<readonly FlinkJob[]> | undefined;
  readonly checkpoints: Answer<FlinkCheckpoints> | undefined;
  readonly savepoint: Answer<SavepointProgress> | undefined;
  readonly failure: Answer<FlinkFailure | undefined> | undefined;
  /** The job's failures, newest first. */
  readonly exceptions?: Answer<readonly FlinkException[]> | undefined;
  /** Counters for the health check; asked only where it is on. */
  readonly health?: Answer<FlinkJobHealth> | undefined;
  readonly facts: Answer<FlinkClusterFacts> | undefined;
  readonly taskManagers: Answer<number> | undefined;
  /** What the job is asked to run with; read where a change may be one of parallelism only. */
  readonly requirements?: Answer<VertexRequirements> | undefined;
}
