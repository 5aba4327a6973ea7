import { describe, expect, test } from 'vitest';
import { jobSnapshots } from '../job/snapshots/job-snapshots.ts';
import { expiredSnapshots } from '../job/snapshots/retention.ts';
import { newSnapshot } from '../job/snapshots/snapshot-object.ts';
import { createCaches } from '../runtime/caches.ts';
import type { KindScope } from '../runtime/kind-controller.ts';
import {
  aCheckpoint,
  afterPlan,
  aSnapshot,
  aSnapshotWorld,
  aTarget,
  SNAPSHOT_CONFIG,
  SNAPSHOT_NOW,
} from '../testing/snapshot-worlds.ts';
import { anObject, K, snapshotsInput, stepKinds } from '../testing/snapshots-input.ts';
import { aDeployment } from '../testing/worlds.ts';
import { snapshotController } from './controller.ts';
import { decide } from './decide.ts';
import type { SnapshotWorld } from './world.ts';

const run = (world: SnapshotWorld) => decide(world, SNAPSHOT_CONFIG);
const OWNER = { kind: 'FlinkDeployment', namespace: 'default', name: 'app' } as const;
const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const completed = { state: 'COMPLETED', path: 'file:/sp/1', failures: 0 } as const;
const silent = { kind: 'unknown', reason: 'timeout', message: 'no answer', maybeDone: true } as const;

describe('What surprises about snapshots of the Apache operator (reference: snapshots.md 19)', () => {
  test('1: retries without end by default, none for the operator’s own, is the same, and every wait has an end', () => {
    expect(newSnapshot(OWNER, 'x', 'PERIODIC', {}).spec.backoffLimit).toBe(0);
    const status = { state: 'TRIGGER_PENDING', failures: 400, resultTimestamp: '2026-01-01T00:00:00Z' } as const;
    const plan = run(aSnapshotWorld(aSnapshot({ status })));
    expect(plan.wakeUp).toEqual({ kind: 'after', ms: 3_600_000, jitter: false });
  });

  test('2: a hiccup of the network is no failed snapshot, and triggers no second one', () => {
    const taking = afterPlan(aSnapshot(), run(aSnapshotWorld(aSnapshot())));
    const plan = run(aSnapshotWorld(taking, { flink: { savepoint: silent } }));
    expect(plan).toMatchObject({ steps: [], status: { state: 'IN_PROGRESS', failures: 0 } });
  });

  test('3: a job that is only starting is waited for', () => {
    const plan = run(aSnapshotWorld(aSnapshot(), { target: aTarget({ state: 'INITIALIZING' }) }));
    expect(plan.status.state).toBe('TRIGGER_PENDING');
  });

  test('4: the deletion of a complete savepoint does not wait for a job that is gone', () => {
    const snapshot = aSnapshot({ metadata: deleted, status: completed });
    expect(run(aSnapshotWorld(snapshot, { target: { kind: 'missing' } })).steps).toEqual([
      { kind: 'remove-finalizer' },
    ]);
  });

  test('5: the object goes when the files are gone, not when their disposal was asked for', () => {
    const snapshot = aSnapshot({ metadata: deleted, status: completed });
    expect(run(aSnapshotWorld(snapshot)).steps).toEqual([{ kind: 'begin-disposal', path: 'file:/sp/1' }]);
  });

  test('6: what persons and nonces ask for is never cleaned up', () => {
    const objects = [anObject(30, 'MANUAL', 'COMPLETED'), anObject(20, 'MANUAL', 'COMPLETED')];
    expect(expiredSnapshots(objects, 'SAVEPOINT', { maxCount: 1, cutoff: Number.MAX_VALUE })).toEqual([]);
  });

  test('7: cleaning up does not need a job that runs', () => {
    const objects = [30, 20, 10].map((age) => anObject(age, 'PERIODIC', 'COMPLETED'));
    const config = { [`${K}savepoint.history.max.count`]: '1' };
    const stopped = snapshotsInput({
      objects,
      config,
      jobStatus: { state: 'FINISHED' },
      more: { stateIsKnown: false },
    });
    expect(stepKinds(jobSnapshots(stopped))).toEqual(['delete-snapshot', 'delete-snapshot']);
  });

  test('8: objects outlive their job, and can be deleted nevertheless', () => {
    expect(newSnapshot(OWNER, 'x', 'UPGRADE', {}).metadata.ownerReferences).toBeUndefined();
    const late = { now: SNAPSHOT_NOW + 300_000, target: aTarget({ state: 'FINISHED', starting: false }) };
    const disposing = {
      ...completed,
      operation: { id: 'x', kind: 'dispose', phase: 'disposing', target: 'file:/sp/1' },
    };
    const snapshot = aSnapshot({ metadata: deleted, status: disposing });
    expect(run(aSnapshotWorld(snapshot, late)).steps).toEqual([{ kind: 'remove-finalizer' }]);
  });

  test('9: checkpoints by object are full ones', () => {
    expect(run(aSnapshotWorld(aCheckpoint())).steps).toMatchObject([{ trigger: { type: 'FULL' } }]);
  });

  test('10: a change of the job wakes its unfinished snapshots', async () => {
    const caches = createCaches((error) => {
      throw error;
    });
    const waiting = aSnapshot({ metadata: { name: 'waiting' } });
    const over = aSnapshot({ metadata: { name: 'over', uid: 'u' }, status: completed });
    caches.snapshots.feed().replace([waiting, over], '1');
    caches.flinkDeployments.feed().replace([aDeployment()], '1');
    caches.sessionJobs.feed().replace([], '1');
    const woken: string[] = [];
    const { sources } = snapshotController({ env: { caches } } as unknown as KindScope);
    const { signal } = new AbortController();
    await Promise.all(sources.map((source) => source.start((key) => woken.push(key), signal)));
    woken.length = 0;
    const changed = aDeployment({ metadata: { resourceVersion: '2' } });
    caches.flinkDeployments.feed().observe('MODIFIED', changed);
    expect(woken).toEqual(['default/waiting']);
  });
});
