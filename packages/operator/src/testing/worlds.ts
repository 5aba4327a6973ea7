import type { FlinkDeployment, FlinkDeploymentSpec, FlinkDeploymentStatus, JobSpec } from '@drey/api';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { decide } from '../deployment/decide.ts';
import type { Plan } from '../deployment/plan.ts';
import type { HaMetadata, JobManagerDeployment, ObservedPod, World } from '../deployment/world.ts';
import { known, unknown } from '../job/reading.ts';
import { operatorPolicy } from '../runtime/policy.ts';
import type { FlinkJob } from '../runtime/ports.ts';

/** Worlds for tests of decisions: each function gives a plain value that a test changes where it matters. */

export const POLICY = operatorPolicy(DEFAULT_OPERATOR_CONFIG);

export const NOW = Date.parse('2026-01-01T00:00:00Z');
const UID = '11111111-2222-3333-4444-555555555555';

interface DeploymentChanges {
  readonly job?: Partial<JobSpec>;
  readonly spec?: Partial<FlinkDeploymentSpec>;
  readonly configuration?: Readonly<Record<string, string>>;
  readonly metadata?: Partial<FlinkDeployment['metadata']>;
  readonly status?: FlinkDeploymentStatus;
}

/** A valid stateful deployment with directories for checkpoints and savepoints, without high availability. */
export function aDeployment(changes: DeploymentChanges = {}): FlinkDeployment {
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: {
      name: 'app',
      namespace: 'default',
      uid: UID,
      generation: 1,
      resourceVersion: '1',
      finalizers: ['flinkdeployments.flink.apache.org/finalizer'],
      ...changes.metadata,
    },
    spec: {
      image: 'flink:1.20',
      flinkVersion: 'v1_20',
      serviceAccount: 'flink',
      flinkConfiguration: {
        'taskmanager.numberOfTaskSlots': '2',
        'execution.checkpointing.dir': 'file:///state/checkpoints',
        'execution.checkpointing.savepoint-dir': 'file:///state/savepoints',
        ...changes.configuration,
      },
      jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
      taskManager: { resource: { memory: '1024m', cpu: 0.5 } },
      job: { jarURI: 'local:///opt/flink/job.jar', parallelism: 2, upgradeMode: 'savepoint', ...changes.job },
      ...changes.spec,
    },
    ...(changes.status === undefined ? {} : { status: changes.status }),
  };
}

/** A world in which nothing exists but the object. */
export function aWorld(deployment: FlinkDeployment, changes: Partial<World> = {}): World {
  return {
    now: NOW,
    epoch: 0,
    fresh: { operationId: 'a'.repeat(32), jobId: 'b'.repeat(32) },
    deployment,
    jobManager: known(undefined, NOW),
    jobManagerPods: known([], NOW),
    taskManagers: known(undefined, NOW),
    sessionJobs: unknown('it is no session cluster', NOW),
    remains: unknown('not read in this pass', NOW),
    drift: unknown('not read in this pass', NOW),
    ha: unknown('not read in this pass', NOW),
    flink: {
      jobs: undefined,
      checkpoints: undefined,
      savepoint: undefined,
      failure: undefined,
      facts: undefined,
      taskManagers: undefined,
    },
    snapshots: { objects: undefined, savepoint: undefined, checkpoint: undefined, references: [] },
    seen: undefined,
    ...changes,
  };
}

/** The JobManager of the deployment; `operationId` is that of the operation which made it. */
export function anOldJobManager(changes: Partial<JobManagerDeployment> = {}): JobManagerDeployment {
  return {
    uid: 'jm-1',
    createdAt: NOW - 60_000,
    deleting: false,
    ownerUid: UID,
    generation: '1',
    operationId: 'c'.repeat(32),
    availableReplicas: 1,
    createFailure: undefined,
    neverAvailable: false,
    ...changes,
  };
}

export function aPod(changes: Partial<ObservedPod> = {}): ObservedPod {
  return {
    name: 'app-1',
    uid: 'p',
    ip: '10.0.0.1',
    ready: true,
    deleting: false,
    failure: undefined,
    restarts: 0,
    ...changes,
  };
}

export function aJob(state: string, changes: Partial<FlinkJob> = {}): FlinkJob {
  return {
    jobId: 'b'.repeat(32),
    name: 'a job',
    state,
    startTime: NOW - 30_000,
    tasks: { total: 2, running: 2 },
    ...changes,
  };
}

export const noRemains = known({ deployment: false, pods: [], services: [] }, NOW);

export function haWith(changes: Partial<HaMetadata> = {}) {
  return known<HaMetadata>({ configMaps: [], available: true, hasCheckpoint: true, ...changes }, NOW);
}

/** The object as it is after a plan: with the status written last. */
export function upgraded(deployment: FlinkDeployment, plan: Plan): FlinkDeployment {
  return { ...deployment, status: plan.settled ?? plan.status };
}

/** A deployment whose job runs: created, deployed, and seen RUNNING by the production decisions themselves. */
export function aRunning(changes: DeploymentChanges = {}): { deployment: FlinkDeployment; world: World } {
  const created = aDeployment(changes);
  const deployed = upgraded(created, decide(aWorld(created), POLICY));
  const world = runningWorld(deployed);
  const running = upgraded(deployed, decide(world, POLICY));
  return { deployment: running, world: { ...world, deployment: running } };
}

/** A world with a ready JobManager whose job is in `state`. */
export function runningWorld(deployment: FlinkDeployment, job: FlinkJob = aJob('RUNNING')): World {
  return aWorld(deployment, {
    jobManager: known(anOldJobManager(), NOW),
    jobManagerPods: known([aPod()], NOW),
    flink: { ...aWorld(deployment).flink, jobs: { kind: 'ok', value: [job] } },
  });
}
