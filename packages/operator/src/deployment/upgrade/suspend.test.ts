import { describe, expect, test } from 'vitest';
import { known } from '../../job/reading.ts';
import { changed, HA, kinds, withWorld } from '../../testing/plans.ts';
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
} from '../../testing/worlds.ts';
import { decide } from '../decide.ts';

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
