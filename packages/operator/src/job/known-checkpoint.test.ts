import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import { anOldJobManager, aPod, aRunning, aWorld, POLICY, upgraded } from '../testing/worlds.ts';
import { recordedCheckpoint } from './known-checkpoint.ts';
import { known } from './reading.ts';

const JOB = 'b'.repeat(32);
const RUN = { jobId: JOB, process: 'p/0' };
const seenAt = (number: number) => ({ ...RUN, path: `file:///cp/chk-${number}`, triggeredAt: number * 1000 });
const recordedAs = (number: number) => ({
  ...RUN,
  path: `file:///cp/chk-${number}`,
  triggeredAt: new Date(number * 1000).toISOString(),
});
const MINUTE = 60_000;

describe('The newest checkpoint of a job without high availability', () => {
  test('is written into the status when the first one is seen, and then every three minutes at most', () => {
    const { deployment, world } = aRunning();
    const first = decide({ ...world, seen: seenAt(1) }, POLICY);
    expect(first.status.jobStatus?.newestCheckpoint).toMatchObject({
      ...recordedAs(1),
      recordedAt: expect.any(String),
    });
    const later = upgraded(deployment, first);
    const soon = decide({ ...world, deployment: later, now: world.now + 2 * MINUTE, seen: seenAt(9) }, POLICY);
    expect(soon.status).toEqual(later.status);
    const after = decide({ ...world, deployment: later, now: world.now + 3 * MINUTE, seen: seenAt(13) }, POLICY);
    expect(after.status.jobStatus?.newestCheckpoint).toMatchObject(recordedAs(13));
  });

  test.each([
    ['that is stateless', { job: { upgradeMode: 'stateless' as const } }],
    [
      'that has high availability',
      { configuration: { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 'file:///ha' } },
    ],
  ])('is not written for a job %s', (_, changes) => {
    const { deployment, world } = aRunning(changes);
    expect(decide({ ...world, seen: seenAt(1) }, POLICY).status).toEqual(deployment.status);
  });

  test('is where the job starts when the JobManager died together with the operator', () => {
    const { deployment, world } = aRunning();
    const recorded = upgraded(deployment, decide({ ...world, seen: seenAt(4) }, POLICY));
    const seen = recordedCheckpoint(recorded);
    const gone = decide(aWorld(recorded, { seen }), POLICY);
    expect(gone.status).toMatchObject({
      operation: { kind: 'recover' },
      jobStatus: { upgradeSavepointPath: 'file:///cp/chk-4' },
    });
    // A JobManager that was restarted by the kubelet begins the job from older state.
    const restarted = { jobManager: known(anOldJobManager(), 0), jobManagerPods: known([aPod({ restarts: 1 })], 0) };
    expect(decide(aWorld(recorded, { seen, ...restarted }), POLICY).status.operation).toMatchObject({
      kind: 'recover',
    });
  });

  test('is not taken for the state of a later run, also when the user fixed the job id', () => {
    const { deployment, world } = aRunning({ configuration: { '$internal.pipeline.job-id': JOB } });
    const recorded = upgraded(deployment, decide({ ...world, seen: seenAt(4) }, POLICY));
    const lost = upgraded(recorded, decide(aWorld(recorded, { seen: recordedCheckpoint(recorded) }), POLICY));
    const remains = known(
      { deployment: false, taskManagers: undefined, pods: [], jobManagerPods: [], services: [] },
      0,
    );
    const restarted = decide(
      aWorld(lost, {
        seen: recordedCheckpoint(lost),
        remains,
        ha: known({ configMaps: [], available: false, hasCheckpoint: false }, 0),
      }),
      POLICY,
    );
    expect(restarted.steps).toMatchObject([{ kind: 'create-cluster', cluster: { savepointPath: 'file:///cp/chk-4' } }]);
    const retired = recordedCheckpoint(upgraded(lost, restarted));
    expect(retired).toEqual({ jobId: JOB, path: 'file:///cp/chk-4', process: undefined, triggeredAt: 4000 });
    const runs = { ...world, deployment: upgraded(lost, restarted), seen: retired };
    expect(decide(runs, POLICY).steps).toEqual([]);
    expect(decide(runs, POLICY).status.operation).toBeUndefined();
  });
});
