import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { isOfLaterLeader } from '../job/operation.ts';
import { known, unknown } from '../job/reading.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import {
  aDeployment,
  aJob,
  anOldJobManager,
  aPod,
  aRunning,
  aWorld,
  haWith,
  NOW,
  noRemains,
  POLICY,
  runningWorld,
  upgraded,
} from '../testing/worlds.ts';
import { decide } from './decide.ts';
import type { Plan } from './plan.ts';
import type { World } from './world.ts';

const kinds = (plan: Plan): string[] => plan.steps.map((step) => step.kind);
const HA = {
  'high-availability.type': 'kubernetes',
  'high-availability.storageDir': 'file:///state/ha',
};

function changed(deployment: FlinkDeployment, job: Record<string, unknown>): FlinkDeployment {
  return {
    ...deployment,
    metadata: { ...deployment.metadata, generation: (deployment.metadata.generation ?? 1) + 1 },
    spec: { ...deployment.spec, job: { ...deployment.spec.job, ...job } },
  };
}

function withWorld(world: World, deployment: FlinkDeployment, more: Partial<World> = {}): World {
  return { ...world, deployment, ...more };
}

describe('The first deployment', () => {
  test('records job id, spec and operation before the cluster is created, and says deployed only afterwards', () => {
    const plan = decide(aWorld(aDeployment()), POLICY);
    expect(kinds(plan)).toEqual(['add-finalizer', 'create-cluster']);
    expect(plan.status).toMatchObject({
      lifecycleState: 'UPGRADING',
      jobManagerDeploymentStatus: 'MISSING',
      jobStatus: { jobId: 'b'.repeat(32) },
      observedGeneration: 1,
      operation: { id: 'a'.repeat(32), kind: 'deploy', phase: 'deploying', target: 'b'.repeat(32) },
      reconciliationStatus: { state: 'UPGRADING' },
    });
    expect(plan.settled).toMatchObject({
      lifecycleState: 'DEPLOYED',
      jobManagerDeploymentStatus: 'DEPLOYING',
      jobStatus: { state: 'RECONCILING' },
      reconciliationStatus: { state: 'DEPLOYED' },
      taskManager: { labelSelector: 'component=taskmanager,app=app', replicas: 1 },
    });
    expect(plan.settled?.operation).toBeUndefined();
  });

  test('is recorded as the next look will see it, which then writes nothing', () => {
    const created = aDeployment({ configuration: { 'execution.checkpointing.interval': '1 min' } });
    const deployed = upgraded(created, decide(aWorld(created), POLICY));
    const jobManager = known(anOldJobManager({ operationId: 'a'.repeat(32) }), NOW + 50);
    const next = decide(aWorld(deployed, { now: NOW + 50, jobManager }), POLICY);
    expect(next.status).toEqual(deployed.status);
    expect(next.steps).toEqual([]);
  });

  test('does not tell of the first states of the job when they last a moment', () => {
    const created = aDeployment();
    const deployed = upgraded(created, decide(aWorld(created), POLICY));
    const at = (now: number, state: string): Plan =>
      decide(
        {
          ...runningWorld(deployed, aJob(state, { startTime: NOW + 3_000 })),
          now,
          jobManager: known(anOldJobManager({ operationId: 'a'.repeat(32) }), now),
        },
        POLICY,
      );
    for (const state of ['INITIALIZING', 'CREATED']) {
      const moment = at(NOW + 3_400, state);
      expect(moment.status).toEqual(deployed.status);
      expect([moment.events, moment.wakeUp]).toEqual([[], { kind: 'after', ms: 100, jitter: false }]);
      const longer = at(NOW + 4_000, state);
      expect(longer.status).toMatchObject({ jobManagerDeploymentStatus: 'READY', jobStatus: { state } });
      expect(longer.events).toMatchObject([{ reason: 'JobStatusChanged' }]);
      // A clock of Flink's that is ahead hides nothing.
      expect(at(NOW + 2_000, state).status.jobStatus?.state).toBe(state);
    }
    expect(at(NOW + 3_400, 'RUNNING').status).toMatchObject({
      jobStatus: { state: 'RUNNING' },
      lifecycleState: 'STABLE',
    });
  });

  test('starts from empty state whatever the upgrade mode is, and is recorded as the first one', () => {
    const plan = decide(aWorld(aDeployment()), POLICY);
    const recorded = lastReconciled(plan.settled ?? {});
    expect(recorded).toMatchObject({
      firstDeployment: true,
      spec: { job: { upgradeMode: 'stateless', state: 'running' } },
    });
    expect(plan.steps[1]).toMatchObject({ cluster: { savepointPath: undefined } });
  });

  test('starts from initialSavepointPath where there is one', () => {
    const plan = decide(aWorld(aDeployment({ job: { initialSavepointPath: 'file:///sp' } })), POLICY);
    expect(plan.steps[1]).toMatchObject({ cluster: { savepointPath: 'file:///sp' } });
    expect(plan.status.jobStatus?.upgradeSavepointPath).toBe('file:///sp');
  });

  test('of a suspended job does nothing', () => {
    const plan = decide(aWorld(aDeployment({ job: { state: 'suspended' } })), POLICY);
    expect(kinds(plan)).toEqual([]);
  });

  test('of an invalid spec only tells why', () => {
    const plan = decide(aWorld(aDeployment({ job: { parallelism: 0 } })), POLICY);
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.error).toBe(
      '{"type":"org.apache.flink.kubernetes.operator.exception.ValidationException","message":"Job parallelism must be larger than 0","additionalMetadata":{},"throwableList":[]}',
    );
    expect(plan.status.lifecycleState).toBe('FAILED');
    expect(plan.events).toMatchObject([{ reason: 'ValidationError', component: 'Operator' }]);
  });

  test('leaves a Deployment of somebody else alone', () => {
    const plan = decide(
      aWorld(aDeployment(), { jobManager: known(anOldJobManager({ ownerUid: 'other' }), 0) }),
      POLICY,
    );
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.error).toContain('does not belong to this FlinkDeployment');
  });

  test('that was interrupted is completed under the same ids', () => {
    const created = aDeployment();
    const intent = { ...created, status: decide(aWorld(created), POLICY).status };
    const later = aWorld(intent, {
      fresh: { operationId: 'd'.repeat(32), jobId: 'e'.repeat(32) },
      jobManager: known(anOldJobManager({ operationId: 'a'.repeat(32) }), 0),
    });
    const plan = decide(later, POLICY);
    expect(plan.steps).toMatchObject([
      { kind: 'create-cluster', cluster: { operationId: 'a'.repeat(32), jobId: 'b'.repeat(32) } },
    ]);
    expect(plan.status).toEqual(intent.status);
  });

  test('is not repeated on the word of a cache alone', () => {
    const created = aDeployment();
    const intent = { ...created, status: decide(aWorld(created), POLICY).status };
    expect(kinds(decide(aWorld(intent), POLICY))).toEqual([]);
    expect(kinds(decide(aWorld(intent, { remains: noRemains }), POLICY))).toEqual(['create-cluster']);
  });
});

describe('A running job', () => {
  test('is stable, and nothing is written about it again', () => {
    const { deployment, world } = aRunning();
    expect(deployment.status).toMatchObject({ lifecycleState: 'STABLE', jobStatus: { state: 'RUNNING' } });
    const again = decide(world, POLICY);
    expect(again.status).toEqual(deployment.status);
    expect(again.steps).toEqual([]);
    expect(again.events).toEqual([]);
  });

  test('is RECONCILING as soon as its JobManager cannot be asked', () => {
    const { deployment } = aRunning();
    const lost = decide(
      aWorld(deployment, {
        jobManager: known(anOldJobManager(), 0),
        jobManagerPods: known([aPod({ ready: false })], 0),
      }),
      POLICY,
    );
    expect(lost.status).toMatchObject({ jobManagerDeploymentStatus: 'DEPLOYING', jobStatus: { state: 'RECONCILING' } });
    expect(lost.steps).toEqual([]);
  });

  test('is not touched when its Deployment could not be read', () => {
    const { deployment } = aRunning();
    const blind = decide(
      aWorld(deployment, { jobManager: unknown('cache', 0), jobManagerPods: unknown('cache', 0) }),
      POLICY,
    );
    expect(blind.steps).toEqual([]);
    expect(blind.status.jobManagerDeploymentStatus).toBe('READY');
  });

  test('is not touched by an invalid change, which only shows in error', () => {
    const { deployment, world } = aRunning();
    const plan = decide(withWorld(world, changed(deployment, { parallelism: 0 })), POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status).toMatchObject({ observedGeneration: 1, lifecycleState: 'STABLE' });
    expect(plan.status.conditions?.find((one) => one.type === 'Stalled')?.status).toBe('True');
  });

  test('takes note of a change that needs no action', () => {
    const { deployment, world } = aRunning();
    const plan = decide(withWorld(world, changed(deployment, { upgradeMode: 'last-state' })), POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status.observedGeneration).toBe(2);
  });

  test('that failed shows why, and is left alone', () => {
    const { deployment } = aRunning();
    const world = runningWorld(deployment, aJob('FAILED'));
    const failure = { type: 'java.lang.RuntimeException', message: 'boom' };
    const flink = {
      ...world.flink,
      failure: { kind: 'ok', value: failure },
      checkpoints: { kind: 'not-found', message: '' },
    } as const;
    const plan = decide({ ...world, flink }, POLICY);
    expect(plan.status).toMatchObject({ lifecycleState: 'FAILED', jobStatus: { state: 'FAILED' } });
    expect(plan.status.error).toContain('boom');
    expect(plan.events.map((event) => event.reason)).toEqual(['JobStatusChanged', 'Error']);
    expect(plan.steps).toEqual([]);
  });
});

describe('An upgrade with savepoint', () => {
  function stopping(): { deployment: FlinkDeployment; plan: Plan } {
    const { deployment, world } = aRunning();
    const wanted = changed(deployment, { parallelism: 4 });
    const plan = decide(withWorld(world, wanted), POLICY);
    return { deployment: upgraded(wanted, plan), plan };
  }

  test('records the operation, then asks Flink for a savepoint under its id, and keeps the old spec recorded', () => {
    const { plan } = stopping();
    expect(plan.status.operation).toMatchObject({ kind: 'upgrade', phase: 'stopping', target: 'b'.repeat(32) });
    expect(plan.steps).toMatchObject([
      {
        kind: 'stop-with-savepoint',
        request: { triggerId: plan.status.operation?.id, targetDirectory: 'file:///state/savepoints' },
      },
    ]);
    expect(plan.status).toMatchObject({ lifecycleState: 'UPGRADING', observedGeneration: 1 });
    expect(plan.events.map((event) => event.reason)).toEqual(['SpecChanged', 'Suspended']);
  });

  test('waits while the savepoint is being taken, and while Flink does not answer', () => {
    const { deployment } = stopping();
    const world = runningWorld(deployment);
    const inProgress = { ...world.flink, savepoint: { kind: 'ok', value: { kind: 'in-progress' } } } as const;
    expect(decide({ ...world, flink: inProgress }, POLICY).steps).toEqual([]);
    expect(
      decide(aWorld(deployment, { jobManager: world.jobManager, jobManagerPods: world.jobManagerPods }), POLICY).steps,
    ).toEqual([]);
  });

  test('asks again under the same id when Flink does not know the trigger', () => {
    const { deployment } = stopping();
    const world = runningWorld(deployment);
    const flink = { ...world.flink, savepoint: { kind: 'not-found', message: '' } } as const;
    const again = decide({ ...world, fresh: { operationId: 'f'.repeat(32), jobId: 'f'.repeat(32) }, flink }, POLICY);
    expect(again.steps).toMatchObject([{ kind: 'stop-with-savepoint', request: { triggerId: 'a'.repeat(32) } }]);
  });

  test('records where the savepoint lies in the same write that allows the cluster to be removed', () => {
    const { deployment } = stopping();
    const world = runningWorld(deployment, aJob('FINISHED'));
    const savepoint = { kind: 'ok', value: { kind: 'completed', location: 'file:///state/savepoints/1' } } as const;
    const plan = decide({ ...world, flink: { ...world.flink, savepoint } }, POLICY);
    expect(plan.status).toMatchObject({
      jobStatus: { upgradeSavepointPath: 'file:///state/savepoints/1', state: 'FINISHED' },
      operation: { phase: 'removing' },
      observedGeneration: 2,
      reconciliationStatus: { state: 'UPGRADING' },
      taskManager: { labelSelector: '', replicas: 0 },
    });
    expect(kinds(plan)).toEqual(['delete-job-manager']);
    expect(lastReconciled(plan.status)?.spec.job).toMatchObject({
      upgradeMode: 'savepoint',
      state: 'suspended',
      parallelism: 4,
    });
  });

  test('starts the new cluster from the savepoint, with a new job id, once the API server says that nothing is left', () => {
    const { deployment } = stopping();
    const world = runningWorld(deployment, aJob('FINISHED'));
    const savepoint = { kind: 'ok', value: { kind: 'completed', location: 'file:///sp/1' } } as const;
    const removing = upgraded(deployment, decide({ ...world, flink: { ...world.flink, savepoint } }, POLICY));
    expect(kinds(decide(aWorld(removing), POLICY))).toEqual([]);
    const leftOver = known({ deployment: false, pods: ['app-taskmanager-1-1'], services: [] }, 0);
    expect(kinds(decide(aWorld(removing, { remains: leftOver, ha: haWith({ available: false }) }), POLICY))).toEqual(
      [],
    );
    const fresh = { operationId: 'd'.repeat(32), jobId: 'e'.repeat(32) };
    const plan = decide(aWorld(removing, { remains: noRemains, ha: haWith({ available: false }), fresh }), POLICY);
    expect(plan.steps).toMatchObject([
      {
        kind: 'create-cluster',
        cluster: { jobId: 'e'.repeat(32), savepointPath: 'file:///sp/1', operationId: 'a'.repeat(32) },
      },
    ]);
    expect(plan.settled).toMatchObject({ lifecycleState: 'DEPLOYED', observedGeneration: 2 });
    expect(lastReconciled(plan.settled ?? {})?.firstDeployment).toBe(false);
  });

  test('that failed leaves the job running, and tries again under another id after a while', () => {
    const { deployment } = stopping();
    const world = runningWorld(deployment);
    const failure = { type: 'x.CheckpointException', message: 'no space' };
    const savepoint = { kind: 'ok', value: { kind: 'failed', failure, savepoint: undefined } } as const;
    const failed = decide({ ...world, flink: { ...world.flink, savepoint } }, POLICY);
    expect(failed.status.operation).toMatchObject({ phase: 'failed' });
    expect(failed.events.map((event) => event.reason)).toEqual(['SavepointError']);
    const after = upgraded(deployment, failed);
    expect(decide(runningWorld(after), POLICY).steps).toEqual([]);
    const later = decide(
      {
        ...runningWorld(after),
        now: world.now + 11_000,
        fresh: { operationId: 'f'.repeat(32), jobId: 'f'.repeat(32) },
      },
      POLICY,
    );
    expect(later.steps).toMatchObject([{ kind: 'stop-with-savepoint', request: { triggerId: 'f'.repeat(32) } }]);
  });

  test('is given up when the user takes the change back before the savepoint was asked for again', () => {
    const { deployment } = stopping();
    const back = changed(
      {
        ...deployment,
        status: {
          ...deployment.status,
          operation: { id: 'a', kind: 'upgrade', phase: 'failed', startedAt: '2020-01-01T00:00:00Z' },
        },
      },
      { parallelism: 2 },
    );
    const plan = decide(runningWorld(back), POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status.operation).toBeUndefined();
    expect(plan.status.observedGeneration).toBe(3);
  });
});

describe('Suspending and resuming', () => {
  test('with savepoint keeps the cluster, and resuming removes it before the job is started', () => {
    const { deployment, world } = aRunning();
    const wanted = changed(deployment, { state: 'suspended' });
    const stopping = upgraded(wanted, decide(withWorld(world, wanted), POLICY));
    const done = runningWorld(stopping, aJob('FINISHED'));
    const savepoint = { kind: 'ok', value: { kind: 'completed', location: 'file:///sp/1' } } as const;
    const plan = decide({ ...done, flink: { ...done.flink, savepoint } }, POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status).toMatchObject({
      lifecycleState: 'SUSPENDED',
      jobManagerDeploymentStatus: 'READY',
      observedGeneration: 2,
      jobStatus: { state: 'FINISHED', upgradeSavepointPath: 'file:///sp/1' },
    });
    expect(plan.status.reconciliationStatus?.lastStableSpec).toBe(plan.status.reconciliationStatus?.lastReconciledSpec);
    const resumed = changed(upgraded(stopping, plan), { state: 'running' });
    expect(kinds(decide(runningWorld(resumed, aJob('FINISHED')), POLICY))).toEqual(['delete-job-manager']);
  });

  test('removes the kept cluster as soon as its JobManager ends, which would start the job again', () => {
    const { deployment, world } = aRunning();
    const wanted = changed(deployment, { state: 'suspended' });
    const stopping = upgraded(wanted, decide(withWorld(world, wanted), POLICY));
    const done = runningWorld(stopping, aJob('FINISHED'));
    const savepoint = { kind: 'ok', value: { kind: 'completed', location: 'file:///sp/1' } } as const;
    const suspended = upgraded(stopping, decide({ ...done, flink: { ...done.flink, savepoint } }, POLICY));
    const restarting = aWorld(suspended, {
      jobManager: known(anOldJobManager(), 0),
      jobManagerPods: known([aPod({ ready: false })], 0),
    });
    const plan = decide(restarting, POLICY);
    expect(kinds(plan)).toEqual(['delete-job-manager']);
    expect(plan.status.operation).toMatchObject({ kind: 'expire' });
    expect(plan.status.lifecycleState).toBe('SUSPENDED');
  });

  test('with HA metadata removes the cluster, keeps the metadata and the job id', () => {
    const { deployment, world } = aRunning({ job: { upgradeMode: 'last-state' }, configuration: HA });
    const wanted = changed(deployment, { state: 'suspended' });
    const begun = decide(withWorld(world, wanted, { ha: haWith() }), POLICY);
    expect(kinds(begun)).toEqual(['delete-job-manager']);
    const map = { name: 'app-x-config-map', uid: 'u', resourceVersion: '1', jobGraphKeys: ['jobGraph-1'] };
    const gone = { remains: noRemains, ha: haWith({ configMaps: [map] }) };
    const suspended = decide(aWorld(upgraded(wanted, begun), gone), POLICY);
    expect(suspended.steps).toEqual([]);
    expect(suspended.status).toMatchObject({
      lifecycleState: 'SUSPENDED',
      jobManagerDeploymentStatus: 'MISSING',
      jobStatus: { state: 'FINISHED' },
    });
    const resumed = changed(upgraded(wanted, suspended), { state: 'running' });
    const starting = upgraded(resumed, decide(aWorld(resumed, gone), POLICY));
    const plan = decide(aWorld(starting, gone), POLICY);
    expect(kinds(plan)).toEqual(['remove-job-graphs', 'create-cluster']);
    expect(plan.steps[1]).toMatchObject({
      cluster: { jobId: 'b'.repeat(32), savepointPath: 'KUBERNETES_OPERATOR_LAST_STATE' },
    });
  });
});

describe('Recovery', () => {
  test('of a lost JobManager goes on from HA metadata', () => {
    const { deployment } = aRunning({ configuration: HA });
    const plan = decide(aWorld(deployment, { ha: haWith() }), POLICY);
    expect(plan.status.operation).toMatchObject({ kind: 'recover', phase: 'removing' });
    expect(plan.events.map((event) => event.reason)).toEqual(['Missing', 'RecoverDeployment']);
    expect(lastReconciled(plan.status)?.spec.job?.upgradeMode).toBe('last-state');
  });

  test('of a stateful job without HA metadata is left to people, who are told how', () => {
    const { deployment } = aRunning();
    const plan = decide(aWorld(deployment), POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status).toMatchObject({ lifecycleState: 'FAILED', jobManagerDeploymentStatus: 'MISSING' });
    expect(plan.status.error).toContain('Manual restore required');
  });

  test('waits while HA metadata could not be read', () => {
    const { deployment } = aRunning({ configuration: HA });
    expect(decide(aWorld(deployment), POLICY).steps).toEqual([]);
    expect(decide(aWorld(deployment), POLICY).status.operation).toBeUndefined();
  });
});

describe('Deletion', () => {
  const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };

  test('brings the job down, removes the cluster and its HA metadata, and lets the object go last', () => {
    const { deployment, world } = aRunning({ configuration: HA });
    const deleting = { ...deployment, metadata: { ...deployment.metadata, ...metadata } };
    const begun = decide(withWorld(world, deleting), POLICY);
    expect(kinds(begun)).toEqual(['cancel-job', 'delete-job-manager']);
    expect(begun.status).toMatchObject({ lifecycleState: 'DELETING', operation: { kind: 'delete' } });
    const removing = upgraded(deleting, begun);
    const map = { name: 'app-x-config-map', uid: 'u', resourceVersion: '1', jobGraphKeys: [] };
    expect(kinds(decide(aWorld(removing, { remains: noRemains, ha: haWith({ configMaps: [map] }) }), POLICY))).toEqual([
      'delete-ha-metadata',
    ]);
    expect(kinds(decide(aWorld(removing, { remains: noRemains, ha: haWith({ available: false }) }), POLICY))).toEqual([
      'remove-finalizer',
    ]);
  });

  test('is not finished on the word of a cache alone', () => {
    const { deployment } = aRunning();
    const deleting = { ...deployment, metadata: { ...deployment.metadata, ...metadata } };
    expect(kinds(decide(aWorld(deleting), POLICY))).toEqual([]);
  });
});

test('An operation of a newer leader is left alone', () => {
  const { deployment, world } = aRunning();
  const theirs = { id: 'x', kind: 'upgrade', phase: 'removing', epoch: 7 };
  const wanted = { ...deployment, status: { ...deployment.status, operation: theirs } };
  const plan = decide({ ...withWorld(world, wanted), epoch: 3 }, POLICY);
  expect(plan.steps).toEqual([]);
  expect(plan.status).toEqual(wanted.status);
});

test('An operation that an elected leader left is taken up without leader election', () => {
  const theirs = { id: 'x', kind: 'upgrade', phase: 'removing', epoch: 7 };
  expect([0, 6, 7, 8].map((epoch) => isOfLaterLeader(theirs, epoch))).toEqual([false, true, false, false]);
});

describe('A job that is cancelled before it restored anything', () => {
  test('is continued from what it was to be started from', () => {
    const { deployment, world } = aRunning({ job: { initialSavepointPath: 'file:///sp' } });
    const nothing = { completed: undefined, savepoint: undefined, restored: undefined, pendingSince: undefined };
    const plan = decide(
      {
        ...world,
        deployment,
        flink: {
          ...world.flink,
          jobs: { kind: 'ok', value: [aJob('CANCELED')] },
          checkpoints: { kind: 'ok', value: nothing },
        },
      },
      POLICY,
    );
    expect(plan.status.jobStatus?.upgradeSavepointPath).toBe('file:///sp');
  });
});
