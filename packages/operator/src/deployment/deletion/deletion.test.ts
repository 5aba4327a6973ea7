import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { known, unknown } from '../../job/reading.ts';
import type { SavepointProgress } from '../../runtime/ports.ts';
import {
  aJob,
  anOldJobManager,
  aRunning,
  haWith,
  noRemains,
  POLICY,
  runningWorld,
  upgraded,
} from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import type { Plan } from '../plan.ts';
import type { World } from '../world.ts';

const DELETED_AT = '2026-01-01T00:00:00Z';
const T0 = Date.parse(DELETED_AT);
const MINUTE = 60_000;

/** A deployment that wants a savepoint when it is deleted, and is being deleted. */
function deleting(): FlinkDeployment {
  const { deployment } = aRunning({ configuration: { 'kubernetes.operator.job.savepoint-on-deletion': 'true' } });
  return { ...deployment, metadata: { ...deployment.metadata, deletionTimestamp: DELETED_AT } };
}

/** A pass, `afterMs` after the deletion was asked for. */
function pass(deployment: FlinkDeployment, afterMs: number, world: Partial<World>): Plan {
  return decide({ ...runningWorld(deployment), ...world, now: T0 + afterMs, deployment }, POLICY);
}

const savepoint = (value: SavepointProgress, deployment: FlinkDeployment): Partial<World> => ({
  flink: { ...runningWorld(deployment).flink, savepoint: { kind: 'ok', value } },
});
const failed: SavepointProgress = {
  kind: 'failed',
  failure: { type: 'X', message: 'disk full' },
  savepoint: undefined,
};
const silent = (deployment: FlinkDeployment): Partial<World> => ({
  flink: {
    ...runningWorld(deployment).flink,
    jobs: { kind: 'unknown', reason: 'unreachable', message: 'no route to host' } as never,
  },
});
const kindsOf = (plan: Plan): string[] => plan.steps.map((step) => step.kind);

describe('A savepoint before a deletion', () => {
  test('is asked for once the job runs, and recorded first', () => {
    const plan = pass(deleting(), 0, {});
    expect(kindsOf(plan)).toEqual(['stop-with-savepoint']);
    expect(plan.status.operation).toMatchObject({ kind: 'delete', phase: 'stopping' });
  });

  test('is waited for while Flink does not answer: that is no reason to remove anything', () => {
    const object = deleting();
    const plan = pass(object, MINUTE, silent(object));
    expect(plan.steps).toEqual([]);
    expect(plan.status.conditions?.find((one) => one.type === 'Ready')?.reason).toBe('SavepointPending');
  });

  test('that failed is tried again, but not at once', () => {
    const object = deleting();
    const asked = upgraded(object, pass(object, 0, {}));
    const told = pass(asked, 1_000, savepoint(failed, asked));
    expect(told.steps).toEqual([]);
    expect(told.events.map((event) => event.reason)).toContain('SavepointError');
    const waiting = upgraded(asked, told);
    expect(pass(waiting, 5_000, {}).steps).toEqual([]);
    const again = pass(waiting, 12_000, {});
    expect(kindsOf(again)).toEqual(['stop-with-savepoint']);
  });

  test('is given up after the time a checkpoint may take: the cluster goes, its HA metadata and checkpoints stay', () => {
    const object = deleting();
    const plan = pass(object, 11 * MINUTE, silent(object));
    // Nothing is cancelled: that might discard the checkpoints.
    expect(kindsOf(plan)).toEqual(['delete-job-manager']);
    expect(plan.status.operation).toMatchObject({ kind: 'delete', phase: 'leaving' });
    expect(plan.events.map((event) => event.reason)).toEqual(['Cleanup', 'SavepointError']);
    const left = upgraded(object, plan);
    const configMaps = [{ name: 'app-cluster', uid: 'u', resourceVersion: '1', jobGraphKeys: ['jobGraph-1'] }];
    const end = pass(left, 12 * MINUTE, {
      jobManager: known(undefined, 0),
      jobManagerPods: known([], 0),
      remains: noRemains,
      ha: haWith({ configMaps }),
    });
    // What could start the job by itself under the next deployment of this name goes.
    expect(kindsOf(end)).toEqual(['remove-job-graphs', 'remove-finalizer']);
  });

  test('that Flink is still taking is waited for, however long it takes', () => {
    const object = deleting();
    const asked = upgraded(object, pass(object, 0, {}));
    expect(pass(asked, 30 * MINUTE, savepoint({ kind: 'in-progress' }, asked)).steps).toEqual([]);
  });
});

describe('A removal', () => {
  const removing = (): FlinkDeployment => {
    const { deployment } = aRunning();
    const object = { ...deployment, metadata: { ...deployment.metadata, deletionTimestamp: DELETED_AT } };
    return upgraded(object, pass(object, 0, {}));
  };
  const stuck = {
    jobManager: known(anOldJobManager({ deleting: true }), 0),
    remains: known({ deployment: true, pods: ['app-1'], services: [] } as never, 0),
    ha: unknown('not read', 0),
  };

  test('waits for what goes by itself', () => {
    expect(pass(removing(), MINUTE, stuck).steps).toEqual([]);
  });

  test('does not wait for ever: what is left is named and left to the garbage collector', () => {
    const plan = pass(removing(), 6 * MINUTE, stuck);
    expect(kindsOf(plan)).toEqual(['remove-finalizer']);
    expect(plan.events[0]).toMatchObject({ reason: 'CleanupFailed', message: expect.stringContaining('app-1') });
  });

  test('is never given up on what could not be read', () => {
    const plan = pass(removing(), 60 * MINUTE, { ...stuck, jobManager: unknown('no answer', 0) });
    expect(plan.steps).toEqual([]);
  });

  test('cancels a job that nobody wants a savepoint of', () => {
    const { deployment } = aRunning();
    const object = { ...deployment, metadata: { ...deployment.metadata, deletionTimestamp: DELETED_AT } };
    const world = runningWorld(object, aJob('RUNNING'));
    expect(kindsOf(decide(world, POLICY))).toEqual(['cancel-job', 'delete-job-manager']);
  });
});
