import type { FlinkDeployment } from '@drey/api';
import type { Answer, JarRun } from '@drey/flink';
import type { Clock, Deployment, Ingress, KubeClient, KubeObject, Random } from '@drey/kube';
import type { Logger } from 'pino';
import type { ArtifactFetcher } from '../artifact/artifact.ts';
import type { ClusterToCreate } from '../deployment/plan.ts';
import type { Workload } from '../deployment/task-managers.ts';
import type { PlannedEvent } from '../job/planned.ts';
import type { ZooKeeperPort } from '../zookeeper/client.ts';
import type { Caches } from './caches.ts';
import type { DecisionSink } from './decision-ring.ts';
import type { FlinkSnapshots } from './flink-snapshots.ts';
import type { OperatorMetrics } from './metrics.ts';

/**
 * What the operator needs from the world, handed in by `main.ts`, by the embedded cluster and by the simulator. Nothing
 * in this package reads a clock, a random number, the network or the environment in any other way.
 */
export interface Env {
  readonly clock: Clock;
  readonly random: Random;
  readonly kube: KubeClient;
  readonly caches: Caches;
  readonly clusters: ClusterBuilder;
  readonly flink: FlinkPort;
  readonly endpoints: EndpointResolver;
  /** The way to the ZooKeeper ensembles that clusters keep their HA metadata in. */
  readonly zooKeeper: ZooKeeperPort;
  readonly log: Logger;
  readonly events: EventSink;
  readonly metrics: OperatorMetrics;
  /** Takes note of decisions; absent: nobody keeps them. */
  readonly decisions?: DecisionSink;
  /** Where jars of session jobs come from; absent: from where their addresses say. */
  readonly artifacts?: ArtifactFetcher;
}

/** Finds the address of a Flink REST endpoint from what is known of its Service and of the JobManager's pods. */
export type EndpointResolver = (target: EndpointTarget) => string;

export interface EndpointTarget {
  readonly namespace: string;
  /** Name of the Service, `<cluster id>-rest`. */
  readonly service: string;
  readonly port: number;
  readonly tls: boolean;
  /** `spec.clusterIP` of the Service when it is known and not headless. */
  readonly clusterIp: string | undefined;
  /** Address of a ready JobManager pod, when there is one. */
  readonly podIp: string | undefined;
}

export interface FlinkJob {
  readonly jobId: string;
  readonly name: string;
  readonly state: string;
  /** Epoch milliseconds. */
  readonly startTime: number;
  /** Numbers of tasks by state in lower case, and `total`; undefined where Flink does not say. */
  readonly tasks?: Readonly<Record<string, number>>;
}

export interface FlinkClusterFacts {
  readonly version: string;
  readonly revision: string;
}

/** The newest of each kind in Flink's checkpoint history. */
export interface FlinkCheckpoints {
  readonly completed: FlinkCheckpoint | undefined;
  readonly savepoint: FlinkCheckpoint | undefined;
  readonly restored: FlinkCheckpoint | undefined;
  /** When the newest checkpoint that is not complete yet was triggered, in epoch milliseconds. */
  readonly pendingSince: number | undefined;
}

export interface FlinkCheckpoint {
  readonly id: number;
  readonly path: string | undefined;
  readonly stateSizeBytes: number;
  /** Epoch milliseconds; 0 where Flink does not say. */
  readonly triggeredAt: number;
}

/** State of a savepoint that was asked for. */
export type SavepointProgress =
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'completed'; readonly location: string }
  /** `savepoint` is where it lies when only ending the job failed. */
  | { readonly kind: 'failed'; readonly failure: FlinkFailure; readonly savepoint: string | undefined };

export interface FlinkFailure {
  readonly type: string;
  readonly message: string;
}

/** One entry of Flink's history of a job's failures. */
export interface FlinkException {
  readonly exception: string;
  readonly stackTrace: string;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly task: string | undefined;
  /** Host and port of the TaskManager. */
  readonly endpoint: string | undefined;
  readonly taskManagerId: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

/** Counters of a job that tell whether it is well. Undefined: Flink does not report that one. */
export interface FlinkJobHealth {
  readonly restarts: number | undefined;
  readonly completedCheckpoints: number | undefined;
}

export interface StopRequest {
  readonly jobId: string;
  /** Flink's trigger id: the same id never starts a second savepoint. */
  readonly triggerId: string;
  readonly targetDirectory: string;
  readonly drain: boolean;
  readonly format: 'CANONICAL' | 'NATIVE';
}

/** How many subtasks each vertex of a job may have at least and at most, by vertex id. */
export type VertexRequirements = Readonly<Record<string, { readonly lowerBound: number; readonly upperBound: number }>>;

/** A jar on its way to Flink. */
export interface JarContent {
  /** Name of the file, which ends in .jar. */
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Limits of one call on Flink. */
export interface FlinkCall {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The calls on one Flink cluster. Methods never reject. */
export interface FlinkCluster extends FlinkSnapshots {
  jobs(call: FlinkCall): Promise<Answer<readonly FlinkJob[]>>;
  facts(call: FlinkCall): Promise<Answer<FlinkClusterFacts>>;
  taskManagerCount(call: FlinkCall): Promise<Answer<number>>;
  checkpoints(jobId: string, call: FlinkCall): Promise<Answer<FlinkCheckpoints>>;
  /** Why the job ended, when it failed. */
  failure(jobId: string, call: FlinkCall): Promise<Answer<FlinkFailure | undefined>>;
  /** Up to `limit` failures of a job, newest first. */
  exceptions(jobId: string, limit: number, call: FlinkCall): Promise<Answer<readonly FlinkException[]>>;
  /** The counters by which a job's health is judged. */
  health(jobId: string, call: FlinkCall): Promise<Answer<FlinkJobHealth>>;
  stopWithSavepoint(request: StopRequest, call: FlinkCall): Promise<Answer<undefined>>;
  savepoint(jobId: string, triggerId: string, call: FlinkCall): Promise<Answer<SavepointProgress>>;
  cancel(jobId: string, call: FlinkCall): Promise<Answer<undefined>>;
  /** From 1.18 on, with the adaptive scheduler; otherwise `not-found` or `rejected`. */
  requirements(jobId: string, call: FlinkCall): Promise<Answer<VertexRequirements>>;
  /** Asks for other bounds; those of every vertex have to be given. The same bounds twice are one request. */
  updateRequirements(jobId: string, requirements: VertexRequirements, call: FlinkCall): Promise<Answer<undefined>>;
  /** Uploads a jar to the JobManager that answers; the value is the jar's id there. The jar is passed on as it comes. */
  uploadJar(jar: JarContent, call: FlinkCall): Promise<Answer<string>>;
  /** Runs an uploaded jar; the value is the id of its job. Flink refuses a second run under the id of a known job. */
  runJar(jarId: string, run: JarRun, call: FlinkCall): Promise<Answer<string>>;
  deleteJar(jarId: string, call: FlinkCall): Promise<Answer<undefined>>;
  /** The state of one job as cheaply as Flink can tell it, as an opaque text that only serves to see a change. */
  pulse(jobId: string, call: FlinkCall): Promise<Answer<string>>;
}

/** Makes clients for Flink clusters; connections are shared and closed by whoever made the port. */
export type FlinkPort = (baseUrl: string, flinkVersion: string) => FlinkCluster;

/** The objects of a cluster: the Deployment first, then what it owns, in Flink's order, without owner references to it. */
export interface ClusterObjects {
  readonly deployment: Deployment;
  readonly accompanying: readonly KubeObject[];
  /** The TaskManagers of a standalone cluster, owned by the FlinkDeployment as the first Deployment is. */
  readonly taskManagers?: Workload | undefined;
  /** The Ingress that the spec asks for and the operator may manage, owned by the FlinkDeployment. */
  readonly ingress?: Ingress | undefined;
}

/** Builds the objects of a cluster; pure. */
export type ClusterBuilder = (cluster: ClusterToCreate) => ClusterObjects;

/** An object of any kind that the operator reconciles, as far as events name it. */
export type Regarding = Pick<FlinkDeployment, 'apiVersion' | 'metadata'> & { readonly kind: string };

/** Sends events without ever failing or holding up whoever sends them. */
export type EventSink = (object: Regarding, event: PlannedEvent) => void;
