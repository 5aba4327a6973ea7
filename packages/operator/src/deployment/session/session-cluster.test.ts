import { FlinkDeployments } from '@drey/api';
import { Deployment } from '@drey/kube';
import { describe, expect, test } from 'vitest';
import { known } from '../../job/reading.ts';
import { SmallCluster } from '../../testing/small-cluster.ts';
import { smallWorld } from '../../testing/small-operator.ts';
import { aDeployment, anOldJobManager, aPod, aWorld, noRemains, POLICY, upgraded } from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import type { World } from '../world.ts';

const SESSION = { spec: { job: null } } as const;
const created = aDeployment(SESSION);
const deploying = upgraded(created, decide(aWorld(created), POLICY));

/** A world in which the JobManager of the session cluster answers. */
function served(deployment = deploying): World {
  return aWorld(deployment, {
    jobManager: known(anOldJobManager(), 0),
    jobManagerPods: known([aPod()], 0),
    sessionJobs: known([], 0),
    flink: { ...aWorld(deployment).flink, jobs: { kind: 'ok', value: [] } },
  });
}
const ready = upgraded(deploying, decide(served(), POLICY));
const resized = {
  ...ready,
  metadata: { ...ready.metadata, generation: 2 },
  spec: { ...ready.spec, taskManager: { resource: { memory: '2048m', cpu: 1 } } },
};

describe('A session cluster', () => {
  test('is created without a job, and its status speaks of none', () => {
    const plan = decide(aWorld(created), POLICY);
    expect(plan.steps.map((step) => step.kind)).toEqual(['add-finalizer', 'create-cluster']);
    expect(plan.status.lifecycleState).toBe('UPGRADING');
    expect(plan.events).toEqual([]);
    expect(plan.settled).toMatchObject({ lifecycleState: 'DEPLOYED', jobManagerDeploymentStatus: 'DEPLOYING' });
    expect(plan.settled?.jobStatus?.state).toBeUndefined();
    expect(plan.settled?.jobStatus?.jobId).toBeUndefined();
    expect(plan.settled?.taskManager).toBeUndefined();
    expect(plan.settled?.reconciliationStatus?.lastReconciledSpec).toMatch(/^\{"spec":\{"job":null,/);
  });

  test('is stable as soon as Flink answers, and then nothing is done', () => {
    expect(ready.status).toMatchObject({ lifecycleState: 'STABLE', jobManagerDeploymentStatus: 'READY' });
    expect(ready.status?.conditions?.find((one) => one.type === 'Running')).toMatchObject({
      status: 'True',
      reason: 'JobManagerReady',
    });
    const plan = decide(served(ready), POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status).toEqual(ready.status);
  });

  test('is replaced when its spec changes; HA metadata stay, since they carry its jobs over', () => {
    const begun = decide(served(resized), POLICY);
    expect(begun.steps).toEqual([{ kind: 'delete-job-manager', uid: 'jm-1' }]);
    expect(begun.status.operation).toMatchObject({ kind: 'upgrade', phase: 'removing' });
    expect(begun.events.map((event) => event.reason)).toEqual(['SpecChanged']);
    const removed = aWorld(upgraded(resized, begun), { remains: noRemains });
    const started = decide(removed, POLICY);
    expect(started.steps.map((step) => step.kind)).toEqual(['create-cluster']);
    expect(started.settled).toMatchObject({ observedGeneration: 2, lifecycleState: 'DEPLOYED' });
  });

  test('is created again when its JobManager vanished, with the spec that ran', () => {
    const lost = decide(aWorld(ready, { remains: noRemains, sessionJobs: known([], 0) }), POLICY);
    expect(lost.events.map((event) => event.reason)).toEqual(['Missing', 'RecoverDeployment']);
    expect(lost.steps.map((step) => step.kind)).toEqual(['create-cluster']);
    expect(lost.settled?.observedGeneration).toBe(1);
  });

  test('is not touched while the API server does not say whether its JobManager is there', () => {
    const unread = { ...served(ready), jobManager: { known: false, reason: 'no answer', at: 0 } as const };
    const plan = decide(unread, POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status.jobManagerDeploymentStatus).toBe('READY');
  });

  test('never becomes one with a job: that spec is refused, and the cluster goes on', () => {
    const job = { jarURI: 'local:///job.jar', parallelism: 1, upgradeMode: 'stateless' as const };
    const wanted = { ...ready, metadata: { ...ready.metadata, generation: 2 }, spec: { ...ready.spec, job } };
    const plan = decide(served(wanted), POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.events.map((event) => event.reason)).toEqual(['ValidationError']);
    expect(plan.status.lifecycleState).toBe('STABLE');
  });
});

describe.each(['native', 'standalone'] as const)(
  'A %s session cluster that is created, changed and deleted',
  (mode) => {
    async function live(crashAt: number) {
      const cluster = new SmallCluster();
      const world = smallWorld(cluster, crashAt);
      cluster.put(FlinkDeployments, aDeployment({ metadata: { finalizers: [] }, spec: { job: null, mode } }));
      await world.settle();
      const current = structuredClone(cluster.get(FlinkDeployments, 'app'));
      if (current === undefined) throw new Error('the object has gone');
      const taskManager = { resource: { memory: '2048m', cpu: 1 }, replicas: 2 };
      const metadata = { ...current.metadata, generation: 2 };
      const resized = { ...current, metadata, spec: { ...current.spec, taskManager } };
      cluster.put(FlinkDeployments, resized);
      await world.settle();
      const taskManagers = cluster.get(Deployment, 'app-taskmanager');
      const changed = structuredClone(cluster.get(FlinkDeployments, 'app'));
      if (changed === undefined) throw new Error('the object has gone');
      const deletionTimestamp = '2026-01-01T01:00:00Z';
      cluster.put(FlinkDeployments, { ...changed, metadata: { ...changed.metadata, deletionTimestamp } });
      await world.settle();
      return { cluster, edges: world.edges, taskManagers, status: changed.status };
    }

    test('leaves nothing behind, wherever the operator dies', async () => {
      const { edges, status, taskManagers } = await live(Number.POSITIVE_INFINITY);
      expect(status).toMatchObject({ lifecycleState: 'STABLE', observedGeneration: 2 });
      expect(taskManagers?.spec?.replicas).toBe(mode === 'standalone' ? 2 : undefined);
      expect(edges).toBeGreaterThan(30);
      for (let crashAt = 1; crashAt <= edges; crashAt += 1) {
        const { cluster, status: after } = await live(crashAt);
        expect(after, `dying at edge ${crashAt}`).toMatchObject({ lifecycleState: 'STABLE', observedGeneration: 2 });
        expect([...cluster.objects.keys()], `dying at edge ${crashAt}`).toEqual([]);
        expect(cluster.log.filter((line) => line === 'remove the cluster')).toHaveLength(2);
      }
    }, 120_000);
  },
);

describe('A session cluster that is to be replaced', () => {
  const job = (runsWithState: boolean | undefined) => ({ name: 'job', deleting: false, jobId: 'a', runsWithState });
  const withJob = (world: World, runs: boolean | undefined): World => ({
    ...world,
    sessionJobs: known([job(runs)], 0),
  });

  test('waits until its jobs are down with their state, and goes only then', () => {
    const begun = decide(withJob(served(resized), true), POLICY);
    expect(begun.steps).toEqual([]);
    expect(begun.status.operation).toMatchObject({ kind: 'upgrade', phase: 'stopping' });
    expect(begun.status.lifecycleState).toBe('UPGRADING');
    const waiting = upgraded(resized, begun);
    expect(decide(withJob(served(waiting), true), POLICY).steps).toEqual([]);
    const done = decide(withJob(served(waiting), false), POLICY);
    expect(done.steps).toEqual([{ kind: 'delete-job-manager', uid: 'jm-1' }]);
  });

  test('waits for a job it knows nothing of, but not for ever', () => {
    const waiting = upgraded(resized, decide(withJob(served(resized), undefined), POLICY));
    expect(waiting.status?.operation?.phase).toBe('stopping');
    const later = withJob(served(waiting), undefined);
    expect(decide({ ...later, now: later.now + 61_000 }, POLICY).steps).toHaveLength(1);
  });

  test('lets its jobs go on when the change is taken back', () => {
    const waiting = upgraded(resized, decide(withJob(served(resized), true), POLICY));
    const back = { ...waiting, metadata: { ...waiting.metadata, generation: 3 }, spec: ready.spec };
    const plan = decide(withJob(served(back), true), POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status).toMatchObject({ lifecycleState: 'STABLE', observedGeneration: 3 });
    expect(plan.status.operation).toBeUndefined();
  });

  test('does not wait where high availability keeps the jobs, unless it is switched off or the version of Flink changes', () => {
    const configuration = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 'file:///ha' };
    const flinkConfiguration = { ...(ready.spec.flinkConfiguration as object), ...configuration };
    const first = aDeployment({ spec: { job: null, flinkConfiguration } });
    const up = upgraded(first, decide(aWorld(first), POLICY));
    const kept = upgraded(up, decide(served(up), POLICY));
    const metadata = { ...kept.metadata, generation: 2 };
    const restarted = { ...kept, metadata, spec: { ...kept.spec, restartNonce: 1 } };
    expect(decide(withJob(served(restarted), true), POLICY).steps).toHaveLength(1);
    // Of a job that ends high availability keeps nothing, and only the JobManager tells where its savepoint is.
    const world = served(restarted);
    const endingFor = (ms: number): World => ({
      ...world,
      sessionJobs: known([{ ...job(true), endingSince: world.now - ms }], 0),
    });
    const waiting = decide(endingFor(1_000), POLICY);
    expect(waiting).toMatchObject({ steps: [], events: [] });
    expect(waiting.status.operation).toBeUndefined();
    expect(decide(endingFor(60_000), POLICY).steps).toHaveLength(1);
    const newer = { ...kept, metadata, spec: { ...kept.spec, flinkVersion: 'v2_0' as const, image: 'flink:2.0' } };
    expect(decide(withJob(served(newer), true), POLICY).steps).toEqual([]);
    const off = { ...kept, metadata, spec: { ...kept.spec, flinkConfiguration: ready.spec.flinkConfiguration ?? {} } };
    expect(decide(withJob(served(off), true), POLICY).steps).toEqual([]);
  });
});

describe('A standalone session cluster whose jobs are brought down for a change', () => {
  test('gets its lost TaskManagers back, since without them no job takes a savepoint', () => {
    const fresh = aDeployment({ spec: { job: null, mode: 'standalone' } });
    const begun = upgraded(fresh, decide(aWorld(fresh), POLICY));
    const stable = upgraded(begun, decide(served(begun), POLICY));
    const operation = { id: 'a'.repeat(32), kind: 'upgrade', phase: 'stopping', startedAt: new Date(0).toISOString() };
    const changed = {
      ...stable,
      metadata: resized.metadata,
      spec: { ...stable.spec, taskManager: resized.spec.taskManager },
      status: { ...stable.status, operation },
    };
    const waiting = [{ name: 'a-job', jobId: undefined, deleting: false, runsWithState: true }];
    const world: World = { ...served(changed), taskManagers: known(undefined, 0), sessionJobs: known(waiting, 0) };
    const plan = decide(world, POLICY);
    expect(plan.steps.map(({ kind }) => kind)).toEqual(['create-task-managers']);
    expect(plan.status.operation).toEqual(operation);
  });
});
