import type { FlinkDeployment, FlinkSessionJob, FlinkSessionJobStatus, JobSpec } from '@drey/api';
import { known, unknown } from '../job/reading.ts';
import { writeRecorded } from '../job/recorded-spec.ts';
import type { FlinkJob } from '../runtime/ports.ts';
import { decideSessionJob } from '../sessionjob/decide.ts';
import type { SessionJobPlan } from '../sessionjob/plan.ts';
import { sessionJobPolicy } from '../sessionjob/policy.ts';
import type { SessionCluster, SessionJobWorld } from '../sessionjob/world.ts';
import { aDeployment, aJob, NOW, POLICY } from './worlds.ts';

/** Worlds for tests of decisions about session jobs. */

export const SESSION_POLICY = sessionJobPolicy(POLICY);

/** A session cluster that serves, recorded as deployed. */
export function aSessionDeployment(
  configuration: Readonly<Record<string, string>> = {},
  changes: Partial<FlinkDeployment> = {},
): FlinkDeployment {
  const made = aDeployment({ metadata: { name: 'session' }, configuration });
  const { job: _, ...spec } = made.spec;
  const text = writeRecorded('FlinkDeployment', spec, true);
  return {
    ...made,
    spec,
    status: {
      jobManagerDeploymentStatus: 'READY',
      lifecycleState: 'STABLE',
      observedGeneration: 1,
      reconciliationStatus: { state: 'DEPLOYED', lastReconciledSpec: text, lastStableSpec: text },
    },
    ...changes,
  };
}

export function aSessionCluster(changes: Partial<SessionCluster> = {}): SessionCluster {
  return { deployment: aSessionDeployment(), jobManagerExists: true, reachable: true, ...changes };
}

interface SessionJobChanges {
  readonly job?: Partial<JobSpec>;
  readonly spec?: Partial<FlinkSessionJob['spec']>;
  readonly metadata?: Partial<FlinkSessionJob['metadata']>;
  readonly status?: FlinkSessionJobStatus;
}

/** A valid stateful session job. */
export function aSessionJob(changes: SessionJobChanges = {}): FlinkSessionJob {
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkSessionJob',
    metadata: {
      name: 'job',
      namespace: 'default',
      uid: '22222222-2222-3333-4444-555555555555',
      generation: 1,
      resourceVersion: '1',
      finalizers: ['flinksessionjobs.flink.apache.org/finalizer'],
      ...changes.metadata,
    },
    spec: {
      deploymentName: 'session',
      job: { jarURI: 'https://jars.example.com/job.jar', parallelism: 2, upgradeMode: 'savepoint', ...changes.job },
      ...changes.spec,
    },
    ...(changes.status === undefined ? {} : { status: changes.status }),
  };
}

/** A world in which the session cluster serves and knows `jobs`. */
export function aSessionWorld(
  sessionJob: FlinkSessionJob,
  changes: Partial<SessionJobWorld> = {},
  jobs: readonly FlinkJob[] = [],
): SessionJobWorld {
  return {
    now: NOW,
    epoch: 0,
    fresh: { operationId: 'a'.repeat(32), jobId: 'b'.repeat(32) },
    sessionJob,
    cluster: known(aSessionCluster(), NOW),
    flink: {
      jobs: { kind: 'ok', value: jobs },
      checkpoints: undefined,
      savepoint: undefined,
      failure: undefined,
      exceptions: undefined,
    },
    heldByHa: unknown('not read in this pass', NOW),
    snapshots: { objects: undefined, savepoint: undefined, checkpoint: undefined, references: [] },
    submission: undefined,
    seen: undefined,
    ...changes,
  };
}

/** The object as it is after a plan: with the status written last. */
export function afterPlan(sessionJob: FlinkSessionJob, plan: SessionJobPlan): FlinkSessionJob {
  return { ...sessionJob, status: plan.settled ?? plan.status };
}

/** A session job whose job runs: submitted and seen RUNNING by the production decisions themselves. */
export function aRunningSessionJob(changes: SessionJobChanges = {}): FlinkSessionJob {
  const created = aSessionJob(changes);
  const uploading = afterPlan(created, decideSessionJob(aSessionWorld(created), SESSION_POLICY));
  const uploaded = { kind: 'uploaded', operationId: 'a'.repeat(32), jarId: 'jar-1' } as const;
  const submitting = afterPlan(
    uploading,
    decideSessionJob(aSessionWorld(uploading, { submission: uploaded }), SESSION_POLICY),
  );
  const running = [aJob('RUNNING')];
  const started = afterPlan(submitting, decideSessionJob(aSessionWorld(submitting, {}, running), SESSION_POLICY));
  return afterPlan(started, decideSessionJob(aSessionWorld(started, {}, running), SESSION_POLICY));
}
