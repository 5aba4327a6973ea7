import type { FlinkDeployment, FlinkStateSnapshot } from '@drey/api';
import type { DecideConfig } from '../deployment/context.ts';
import { decide } from '../deployment/decide.ts';
import type { ClusterToCreate, Plan, Step } from '../deployment/plan.ts';
import type { FlinkReadings, TaskManagerWorkload, World } from '../deployment/world.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { known, unknown } from '../job/reading.ts';
import type { FlinkJob } from '../runtime/ports.ts';
import { aWorld } from './worlds.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
/** Passes are so far apart that nothing has to be waited for. */
const BETWEEN_PASSES_MS = 5_000;
const READY_POD = {
  ...{ name: 'app-1', uid: 'pod', ip: '10.0.0.1', ready: true, deleting: false, failure: undefined, restarts: 0 },
};

/** What is there of a cluster in a {@link FlowWorld}. */
export interface FlowCluster {
  readonly cluster: ClusterToCreate;
  readonly uid: string;
  jobManager: 'starting' | 'ready' | 'failing';
  job: string | undefined;
}

/**
 * A world in which the decisions about one FlinkDeployment are carried out at once: Flink starts and stops what it is told
 * to, savepoints are numbered, and nothing fails. What happens to it otherwise is set from outside.
 */
export class FlowWorld {
  deployment: FlinkDeployment;
  cluster: FlowCluster | undefined;
  /** HA metadata with a checkpoint exists, where the configuration wants any. */
  haData = true;
  readonly events: PlannedEvent[] = [];
  readonly created: ClusterToCreate[] = [];
  readonly snapshots: FlinkStateSnapshot[] = [];
  readonly #config: DecideConfig;
  readonly #savepoints = new Map<string, string>();
  #passes = 0;

  constructor(deployment: FlinkDeployment, config: DecideConfig) {
    this.deployment = deployment;
    this.#config = config;
  }

  /** A new version of the object's spec. */
  apply(object: FlinkDeployment): void {
    const { status } = this.deployment;
    this.deployment = {
      ...object,
      metadata: { ...this.deployment.metadata, ...object.metadata },
      ...(status && { status }),
    };
  }

  /** One pass, carried out. */
  pass(): void {
    this.begin();
    this.complete();
  }

  /** The JobManager is up, and its job gets into this state and is seen in it. */
  run(state: string): void {
    if (this.cluster === undefined) throw new Error('there is no cluster');
    this.cluster.jobManager = 'ready';
    this.cluster.job = state;
    this.pass();
  }

  /** Lets time go by without anybody looking. */
  wait(ms: number): void {
    this.#waited += ms;
  }

  #waited = 0;

  /** Decides, and writes the status that comes before the steps. */
  begin(): void {
    this.#passes += 1;
    this.#plan = decide(this.#world(), this.#config);
    this.deployment = { ...this.deployment, status: this.#plan.status };
    this.#tell(this.#plan.events.filter((event) => event.reason !== 'Submit'));
  }

  /** An event that is to be there once is not sent again. */
  #tell(events: readonly PlannedEvent[]): void {
    const isNew = ({ once, key }: PlannedEvent): boolean =>
      once !== true || !this.events.some((one) => one.key === key);
    this.events.push(...events.filter(isNew));
  }

  /** True between {@link begin} and {@link complete}. */
  get isMidway(): boolean {
    return this.#plan !== undefined;
  }

  /** Makes the steps of the pass that was begun. */
  complete(): void {
    const plan = this.#plan;
    if (plan === undefined) return;
    this.#plan = undefined;
    for (const step of plan.steps) this.#perform(step);
    if (plan.settled !== undefined) this.deployment = { ...this.deployment, status: plan.settled };
    this.#tell(plan.events.filter((event) => event.reason === 'Submit'));
  }

  #plan: Plan | undefined;

  #id(kind: string): string {
    return `${kind}${this.#passes.toString(16).padStart(31, '0')}`;
  }

  #world(): World {
    const { cluster, deployment } = this;
    const now = NOW + this.#passes * BETWEEN_PASSES_MS + this.#waited;
    const failure = { reason: 'CrashLoopBackOff', message: '[flink-main-container] back-off' };
    const pod = {
      ...READY_POD,
      ready: cluster?.jobManager === 'ready',
      failure: cluster?.jobManager === 'failing' ? failure : undefined,
    };
    return aWorld(deployment, {
      now,
      fresh: { operationId: this.#id('a'), jobId: this.#id('b') },
      jobManager: known(
        cluster && {
          uid: cluster.uid,
          createdAt: NOW,
          deleting: false,
          ownerUid: deployment.metadata.uid,
          generation: cluster.cluster.generation?.toString(),
          operationId: cluster.cluster.operationId,
          availableReplicas: cluster.jobManager === 'ready' ? 1 : 0,
          createFailure: undefined,
          neverAvailable: false,
        },
        now,
      ),
      jobManagerPods: known(cluster ? [pod] : [], now),
      taskManagers: known(this.#taskManagers, now),
      remains: cluster
        ? unknown('not read in this pass', now)
        : known({ deployment: false, pods: [], services: [], taskManagers: this.#taskManagers }, now),
      ha: known({ configMaps: [], available: this.haData, hasCheckpoint: this.haData }, now),
      flink: this.#flink(now),
      // What is under way outside of FlinkStateSnapshots stays so.
      snapshots: {
        objects: this.snapshots,
        savepoint: { kind: 'ok', value: { kind: 'in-progress' } },
        checkpoint: { kind: 'ok', value: { kind: 'in-progress' } },
        references: [],
      },
    });
  }

  #flink(now: number): FlinkReadings {
    const none = aWorld(this.deployment).flink;
    const { cluster } = this;
    if (cluster?.jobManager !== 'ready') return none;
    const { job: state } = cluster;
    const jobs: FlinkJob[] = state === undefined ? [] : [jobOf(this.#jobId(), state, now)];
    const location = this.#savepoints.get(this.deployment.status?.operation?.id ?? '');
    return {
      ...none,
      jobs: { kind: 'ok', value: jobs },
      checkpoints: { kind: 'ok', value: checkpointsOf(state) },
      savepoint:
        location === undefined
          ? { kind: 'not-found', message: 'unknown trigger' }
          : { kind: 'ok', value: { kind: 'completed', location } },
      failure: { kind: 'ok', value: { type: 'java.lang.Exception', message: 'failed' } },
    };
  }

  /** The id under which the job runs: a user's own goes before the operator's. */
  #jobId(): string {
    return this.deployment.status?.jobStatus?.jobId ?? '';
  }

  /** The TaskManagers of a standalone cluster. */
  #taskManagers: TaskManagerWorkload | undefined;

  #createTaskManagers({ operationId }: ClusterToCreate): void {
    const ownerUid = this.deployment.metadata.uid;
    const uid = this.#id('d');
    this.#taskManagers = { kind: 'Deployment', uid, deleting: false, ownerUid, operationId, replicas: 1 };
  }

  #perform(step: Step): void {
    switch (step.kind) {
      case 'create-cluster':
        this.created.push(step.cluster);
        if (step.cluster.deployment.spec.mode === 'standalone') this.#createTaskManagers(step.cluster);
        this.cluster = { cluster: step.cluster, uid: this.#id('c'), jobManager: 'starting', job: undefined };
        return;
      case 'delete-job-manager':
        this.cluster = undefined;
        return;
      case 'delete-task-managers':
        this.#taskManagers = undefined;
        return;
      case 'create-task-managers':
        this.#createTaskManagers(step.cluster);
        return;
      case 'stop-with-savepoint':
        this.#savepoints.set(step.request.triggerId, `savepoint_${this.#savepoints.size}`);
        if (this.cluster) this.cluster.job = 'FINISHED';
        return;
      case 'create-snapshot':
        if (!this.snapshots.some((one) => one.metadata.name === step.snapshot.metadata.name)) {
          this.snapshots.push(step.snapshot);
        }
        return;
      case 'cancel-job':
        if (this.cluster) this.cluster.job = 'CANCELLING';
        return;
      default:
    }
  }
}

function jobOf(jobId: string, state: string, now: number): FlinkJob {
  return { jobId, name: 'a job', state, startTime: now - 30_000, tasks: { total: 2, running: 2 } };
}

/** A running job has a checkpoint; one that is over has left nothing. */
function checkpointsOf(state: string | undefined) {
  const checkpoint = { id: 1, path: 's3://bkt/ck/chk-1', stateSizeBytes: 1, triggeredAt: NOW };
  const completed = state === 'RUNNING' ? checkpoint : undefined;
  return { completed, savepoint: undefined, restored: undefined, pendingSince: undefined };
}
