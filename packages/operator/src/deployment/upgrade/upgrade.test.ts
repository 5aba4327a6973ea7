import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { known } from '../../job/reading.ts';
import { lastReconciled } from '../../job/recorded-spec.ts';
import { changed, kinds } from '../../testing/plans.ts';
import {
  aJob,
  anOldJobManager,
  aRunning,
  aWorld,
  haWith,
  noRemains,
  POLICY,
  runningWorld,
  upgraded,
} from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import type { Plan } from '../plan.ts';
import type { World } from '../world.ts';

function withWorld(world: World, deployment: FlinkDeployment, more: Partial<World> = {}): World {
  return { ...world, deployment, ...more };
}

describe('An upgrade of a job whose JobManager seems never to have been ready', () => {
  const older = known(anOldJobManager({ availableReplicas: 0, neverAvailable: true }), 0);

  test('waits when the job was seen to run: the Deployment may be read from an old cache', () => {
    const { deployment, world } = aRunning();
    const wanted = { ...changed(deployment, {}), spec: { ...deployment.spec, flinkVersion: 'v2_0' } } as const;
    const flink = { ...world.flink, jobs: undefined };
    const plan = decide(withWorld(world, wanted, { jobManager: older, jobManagerPods: known([], 0), flink }), POLICY);
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.operation).toBeUndefined();
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
