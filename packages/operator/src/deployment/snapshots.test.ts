import type { FlinkDeployment, FlinkStateSnapshot } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { recordedNonce } from '../job/snapshots/nonce.ts';
import { changed, kinds } from '../testing/plans.ts';
import { aJob, aRunning, aWorld, haWith, noRemains, POLICY, runningWorld, upgraded } from '../testing/worlds.ts';
import { decide } from './decide.ts';
import type { World } from './world.ts';

const LOCATION = 'file:/state/savepoints/savepoint-1';

/** A world with the kind FlinkStateSnapshot, and these objects of it. */
function withObjects(deployment: FlinkDeployment, objects: readonly FlinkStateSnapshot[] = []): World {
  const world = runningWorld(deployment);
  return { ...world, snapshots: { ...world.snapshots, objects } };
}

/** A deployment whose job is being stopped with a savepoint, which is complete. */
function stopped(job: Record<string, unknown>, configuration: Record<string, string> = {}) {
  const { deployment } = aRunning({ configuration });
  const wanted = changed(deployment, job);
  const stopping = upgraded(wanted, decide(withObjects(wanted), POLICY));
  const world = withObjects(stopping);
  const savepoint = { kind: 'ok', value: { kind: 'completed', location: LOCATION } } as const;
  const jobs = { kind: 'ok', value: [aJob('FINISHED')] } as const;
  return { stopping, world: { ...world, flink: { ...world.flink, savepoint, jobs } } };
}

describe('The savepoint of a stop', () => {
  test.each([
    ['upgrade', { parallelism: 4 }],
    ['suspension', { state: 'suspended' }],
  ])('for an %s is an object before the status moves on, under a name that stays the same', (_what, job) => {
    const { stopping, world } = stopped(job);
    const plan = decide(world, POLICY);
    const startedAt = Date.parse(stopping.status?.operation?.startedAt ?? '');
    expect(plan.steps).toMatchObject([
      {
        kind: 'create-snapshot',
        optional: true,
        snapshot: {
          metadata: {
            name: `app-savepoint-upgrade-${startedAt}`,
            labels: { 'snapshot.trigger-type': 'UPGRADE' },
          },
          spec: {
            backoffLimit: 0,
            savepoint: { path: LOCATION, alreadyExists: true, disposeOnDelete: false, formatType: 'CANONICAL' },
          },
        },
      },
    ]);
    expect(plan.status.operation).toEqual(stopping.status?.operation);
    expect(plan.settled?.jobStatus?.upgradeSavepointPath).toBe(LOCATION);
    expect(plan.settled?.operation?.phase).not.toBe('stopping');
    expect(plan.wakeUp).toMatchObject({ ms: 0 });
  });

  test('is in the status where there are no objects', () => {
    const { world } = stopped({ parallelism: 4 }, { 'kubernetes.operator.snapshot.resource.enabled': 'false' });
    const plan = decide(world, POLICY);
    expect(kinds(plan)).not.toContain('create-snapshot');
    const taken = { location: LOCATION, triggerType: 'UPGRADE', formatType: 'CANONICAL' };
    expect(plan.status.jobStatus?.savepointInfo).toMatchObject({ lastSavepoint: taken, savepointHistory: [taken] });
  });
});

describe('A nonce', () => {
  test('is observed when its snapshot is there, and no restart comes of it', () => {
    const { deployment } = aRunning();
    const wanted = changed(deployment, { savepointTriggerNonce: 9 });
    const plan = decide(withObjects(wanted), POLICY);
    expect(kinds(plan)).toEqual(['create-snapshot']);
    expect(plan.status.observedGeneration).toBe(1);
    expect(plan.settled?.observedGeneration).toBe(2);
    expect(recordedNonce(plan.settled ?? {}, 'SAVEPOINT')).toBe(9);
    expect(kinds(decide(withObjects(upgraded(wanted, plan)), POLICY))).toEqual([]);
  });

  test('that comes with a change is carried out after that', () => {
    const { deployment } = aRunning();
    const wanted = changed(deployment, { savepointTriggerNonce: 9, parallelism: 4 });
    expect(kinds(decide(withObjects(wanted), POLICY))).toEqual(['stop-with-savepoint']);
  });
});

describe('A savepoint that only the status knows', () => {
  const legacy = { configuration: { 'kubernetes.operator.snapshot.resource.enabled': 'false' } };

  test('is finished before a change is carried out', () => {
    const { deployment } = aRunning(legacy);
    const asked = changed(deployment, { savepointTriggerNonce: 9 });
    const taking = changed(upgraded(asked, decide(withObjects(asked), POLICY)), { parallelism: 4 });
    const world = withObjects(taking);
    const seen = (value: object): World => ({
      ...world,
      snapshots: { ...world.snapshots, savepoint: { kind: 'ok', value } as never },
    });
    const held = decide(seen({ kind: 'in-progress' }), POLICY);
    expect(kinds(held)).toEqual([]);
    expect(held.status.conditions?.find((one) => one.type === 'Reconciling')?.reason).toBe('SavepointInProgress');
    const done = decide(seen({ kind: 'completed', location: LOCATION }), POLICY);
    expect(done.status.jobStatus?.savepointInfo?.lastSavepoint?.location).toBe(LOCATION);
    const next = decide(withObjects(upgraded(taking, done)), POLICY);
    expect(kinds(next)).toEqual(['stop-with-savepoint']);
  });
});

describe('A savepoint that another operator remembered only in the history', () => {
  test('is where a suspended job goes on from', () => {
    const { world } = stopped({ state: 'suspended' }, { 'kubernetes.operator.snapshot.resource.enabled': 'false' });
    const suspended = upgraded(world.deployment, decide(world, POLICY));
    const { upgradeSavepointPath: _, ...jobStatus } = suspended.status?.jobStatus ?? {};
    const resumed = changed({ ...suspended, status: { ...suspended.status, jobStatus } }, { state: 'running' });
    const removing = upgraded(resumed, decide(withObjects(resumed), POLICY));
    const gone = aWorld(removing, { remains: noRemains, ha: haWith({ available: false, hasCheckpoint: false }) });
    const begun = decide(gone, POLICY);
    const started = kinds(begun).includes('create-cluster')
      ? begun
      : decide({ ...gone, deployment: upgraded(removing, begun) }, POLICY);
    expect(started.steps).toMatchObject([{ kind: 'create-cluster', cluster: { savepointPath: LOCATION } }]);
  });
});
