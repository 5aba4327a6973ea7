import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import type { World } from '../deployment/world.ts';
import { END_SETTLES_MS } from '../job/job-observation.ts';
import { known } from '../job/reading.ts';
import { FlowWorld } from '../testing/flow-world.ts';
import {
  aDeployment,
  aJob,
  anOldJobManager,
  aPod,
  aRunning,
  aWorld,
  haWith,
  POLICY,
  runningWorld,
  upgraded,
} from '../testing/worlds.ts';

const HA = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 'file:///ha' };
const K = 'kubernetes.operator.';
const DAY = 24 * 60 * 60_000;

function ended(world: World, state: string, path?: string): World {
  const checkpoint = path === undefined ? undefined : { id: 7, path, stateSizeBytes: 1, triggeredAt: 0 };
  const checkpoints = { completed: checkpoint, savepoint: undefined, restored: undefined, pendingSince: undefined };
  const jobs = { kind: 'ok', value: [aJob(state)] } as const;
  return { ...world, flink: { ...world.flink, jobs, checkpoints: { kind: 'ok', value: checkpoints } } };
}

/** The object after its job was seen to end, and the end cannot hide anything any more. */
function afterEnd(
  deployment: FlinkDeployment,
  state: string,
  path?: string,
): { deployment: FlinkDeployment; world: World } {
  const seen = upgraded(deployment, decide(ended(runningWorld(deployment), state, path), POLICY));
  const world = ended(runningWorld(seen), state, path);
  return { deployment: seen, world: { ...world, now: world.now + END_SETTLES_MS } };
}

function changed(deployment: FlinkDeployment, spec: object): FlinkDeployment {
  const generation = (deployment.metadata.generation ?? 1) + 1;
  return { ...deployment, metadata: { ...deployment.metadata, generation }, spec: { ...deployment.spec, ...spec } };
}

describe('12.1 items 2 and 3: a job that is over', () => {
  test.each(['FINISHED', 'FAILED'])('stays %s when its JobManager goes away, and is not started again', (state) => {
    const { deployment } = afterEnd(aRunning({ configuration: HA }).deployment, state, 'file:///cp/chk-7');
    // Metadata of an earlier run, if any is left, is no reason to start it.
    for (const available of [true, false]) {
      const gone = decide(aWorld(deployment, { ha: haWith({ available }) }), POLICY);
      expect(gone.status.jobStatus?.state).toBe(state);
      expect(gone.status.operation ?? undefined).toBeUndefined();
      expect(gone.steps).toEqual([]);
    }
    const pending = { jobManager: known(anOldJobManager(), 0), jobManagerPods: known([aPod({ ready: false })], 0) };
    expect(decide(aWorld(deployment, pending), POLICY).status.jobStatus?.state).toBe(state);
  });

  test('loses its idle cluster when its time is over, and is still what it was', () => {
    const { deployment, world } = afterEnd(aRunning({ job: { upgradeMode: 'stateless' } }).deployment, 'FINISHED');
    const expired = decide({ ...world, now: world.now + DAY }, POLICY);
    expect(expired.steps.map((step) => step.kind)).toEqual(['delete-job-manager']);
    const remains = known({ deployment: false, pods: [], services: [] }, 0);
    const removed = decide(aWorld(upgraded(deployment, expired), { remains }), POLICY);
    const after = upgraded(deployment, removed);
    expect(after.status).toMatchObject({ lifecycleState: 'STABLE', jobStatus: { state: 'FINISHED' } });
    expect(decide(aWorld(after), POLICY).steps).toEqual([]);
  });
});

describe('12.1 item 6: a finished job whose checkpoints were only in memory', () => {
  const finished = () => afterEnd(aRunning().deployment, 'FINISHED', '<checkpoint-not-externally-addressable>');

  test('can be suspended', () => {
    const { deployment, world } = finished();
    const job = { ...deployment.spec.job, state: 'suspended' as const };
    const plan = decide({ ...world, deployment: changed(deployment, { job }) }, POLICY);
    expect(plan.status.operation).toMatchObject({ kind: 'suspend' });
    expect(plan.status.error).toBeUndefined();
  });

  test('can be run again from empty state, when the user says so', () => {
    const { deployment, world } = finished();
    const job = { ...deployment.spec.job, upgradeMode: 'stateless' as const, parallelism: 4 };
    const plan = decide({ ...world, deployment: changed(deployment, { job }) }, POLICY);
    expect(plan.status.operation).toMatchObject({ kind: 'upgrade', phase: 'removing' });
  });

  test('is not run again from empty state on its own account', () => {
    const { deployment, world } = finished();
    const job = { ...deployment.spec.job, parallelism: 4 };
    const plan = decide({ ...world, deployment: changed(deployment, { job }) }, POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status.error).toContain('Manual restore required');
  });
});

test('12.1 item 7: a stateless job with high availability starts from empty state after the loss of its JobManager', () => {
  const { deployment } = aRunning({ job: { upgradeMode: 'stateless' }, configuration: HA });
  const lost = upgraded(deployment, decide(aWorld(deployment, { ha: haWith() }), POLICY));
  const map = { name: 'app-x-config-map', uid: 'u', resourceVersion: '1', jobGraphKeys: [] };
  const remains = known({ deployment: false, pods: [], services: [] }, 0);
  const cleared = decide(aWorld(lost, { remains, ha: haWith({ configMaps: [map] }) }), POLICY);
  expect(cleared.steps.map((step) => step.kind)).toEqual(['delete-ha-metadata']);
  const started = decide(aWorld(lost, { remains, ha: haWith({ available: false }) }), POLICY);
  expect(started.steps).toMatchObject([{ kind: 'create-cluster', cluster: { savepointPath: undefined } }]);
});

describe('12.1 item 8: a failed job that is to be restarted', () => {
  const failed = (path?: string) =>
    afterEnd(aRunning({ configuration: { [`${K}job.restart.failed`]: 'true' } }).deployment, 'FAILED', path);

  test('is restarted from its newest checkpoint', () => {
    const plan = decide(failed('file:///cp/chk-7').world, POLICY);
    expect(plan.status).toMatchObject({
      operation: { kind: 'recover' },
      jobStatus: { upgradeSavepointPath: 'file:///cp/chk-7' },
    });
    expect(plan.events.map((event) => event.reason)).toContain('RestartFailedJob');
    const removing = upgraded(failed().deployment, plan);
    const remains = known({ deployment: false, pods: [], services: [] }, 0);
    const started = decide(aWorld(removing, { remains, ha: haWith({ available: false }) }), POLICY);
    expect(started.steps).toMatchObject([{ kind: 'create-cluster', cluster: { savepointPath: 'file:///cp/chk-7' } }]);
  });

  test('waits until a last checkpoint cannot be hidden by what Flink answers from memory', () => {
    const { world } = failed('file:///cp/chk-7');
    expect(decide({ ...world, now: world.now - 1 }, POLICY).steps).toEqual([]);
  });
});

test('12.1 item 19: TaskManagers that are slow to go hold back the new cluster, and nothing else is done meanwhile', () => {
  const { deployment, world } = aRunning({ job: { upgradeMode: 'stateless' } });
  const wanted = changed(deployment, { image: 'flink:new' });
  const removing = upgraded(wanted, decide({ ...world, deployment: wanted }, POLICY));
  const left = known({ deployment: false, pods: ['app-taskmanager-1-1'], services: [] }, 0);
  const plan = decide(aWorld(removing, { remains: left, ha: haWith({ available: false }) }), POLICY);
  expect(plan.steps).toEqual([]);
  expect(plan.status.operation).toMatchObject({ phase: 'removing' });
});

test('12.1 item 20: stored job graphs go before a job is started with another parallelism', () => {
  const { deployment, world } = aRunning({ job: { upgradeMode: 'last-state' }, configuration: HA });
  const wanted = changed(deployment, { job: { ...deployment.spec.job, parallelism: 7 } });
  const removing = upgraded(wanted, decide({ ...world, deployment: wanted, ha: haWith() }, POLICY));
  const map = { name: 'app-cluster-config-map', uid: 'u', resourceVersion: '5', jobGraphKeys: ['jobGraph-1'] };
  const remains = known({ deployment: false, pods: [], services: [] }, 0);
  const plan = decide(aWorld(removing, { remains, ha: haWith({ configMaps: [map] }) }), POLICY);
  expect(plan.steps).toMatchObject([
    { kind: 'remove-job-graphs', configMaps: [{ name: 'app-cluster-config-map', keys: ['jobGraph-1'] }] },
    { kind: 'create-cluster', cluster: { deployment: { spec: { job: { parallelism: 7 } } } } },
  ]);
});

describe('12.1 item 25: a first deployment that fails', () => {
  test('heals when the spec is corrected, without the object being deleted', () => {
    const world = new FlowWorld(aDeployment({ spec: { image: 'flink:bad' } }), POLICY);
    world.pass();
    if (world.cluster) world.cluster.jobManager = 'failing';
    world.pass();
    expect(world.deployment.status).toMatchObject({ jobManagerDeploymentStatus: 'ERROR', lifecycleState: 'DEPLOYED' });
    expect(world.deployment.status?.error).toContain('CrashLoopBackOff');
    world.haData = false;
    world.apply(changed(world.deployment, { image: 'flink:1.20' }));
    for (let pass = 0; pass < 4; pass += 1) world.pass();
    expect(world.created.at(-1)?.deployment.spec.image).toBe('flink:1.20');
    world.run('RUNNING');
    expect(world.deployment.status).toMatchObject({ lifecycleState: 'STABLE', jobStatus: { state: 'RUNNING' } });
    expect(world.deployment.status?.error).toBeUndefined();
  });

  test('and a start that cannot find its state goes on as the error advises', () => {
    const { deployment } = aRunning({ configuration: HA, job: { upgradeMode: 'last-state' } });
    const lost = upgraded(deployment, decide(aWorld(deployment, { ha: haWith({ available: false }) }), POLICY));
    expect(lost.status?.error).toContain('Manual restore required');
    const job = { ...deployment.spec.job, initialSavepointPath: 'file:///sp/9', savepointRedeployNonce: 1 };
    const redeployed = decide(aWorld(changed(lost, { job }), { ha: haWith({ available: false }) }), POLICY);
    expect(redeployed.status).toMatchObject({
      operation: { kind: 'redeploy' },
      jobStatus: { upgradeSavepointPath: 'file:///sp/9' },
    });
  });
});
