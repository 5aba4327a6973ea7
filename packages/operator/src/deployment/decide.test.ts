import { describe, expect, test } from 'vitest';
import { isOfLaterLeader } from '../job/operation.ts';
import { known, unknown } from '../job/reading.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import { changed, HA, kinds, withWorld } from '../testing/plans.ts';
import {
  aJob,
  anOldJobManager,
  aPod,
  aRunning,
  aWorld,
  haWith,
  noRemains,
  POLICY,
  runningWorld,
  upgraded,
} from '../testing/worlds.ts';
import { decide } from './decide.ts';

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
