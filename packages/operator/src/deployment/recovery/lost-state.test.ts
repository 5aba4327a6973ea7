import { expect, test } from 'vitest';
import { recordedCheckpoint } from '../../job/known-checkpoint.ts';
import { known } from '../../job/reading.ts';
import { anOldJobManager, aPod, aRunning, aWorld, NOW, noRemains, POLICY, upgraded } from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import type { World } from '../world.ts';

const JOB = 'b'.repeat(32);
const SEEN = { jobId: JOB, process: 'p/0', path: 'file:///cp/chk-4', triggeredAt: 0 };
const CRASHES = { reason: 'CrashLoopBackOff', message: 'back-off 10s' };
const NO_HA = known({ configMaps: [], available: false, hasCheckpoint: false }, NOW);

/** A job whose JobManager died, so that it is started again from the checkpoint that was seen last. */
function recovered() {
  const { deployment, world } = aRunning();
  const recorded = upgraded(deployment, decide({ ...world, seen: SEEN }, POLICY));
  const lost = upgraded(recorded, decide(aWorld(recorded, { seen: recordedCheckpoint(recorded) }), POLICY));
  const removed = { remains: noRemains, ha: NO_HA, seen: recordedCheckpoint(lost) };
  return upgraded(lost, decide(aWorld(lost, removed), POLICY));
}

/** What is done about it while its JobManager is as given, so many milliseconds later. */
function pass(deployment: ReturnType<typeof recovered>, laterMs: number, failure: typeof CRASHES | undefined) {
  const now = NOW + laterMs;
  const changes: Partial<World> = {
    ...{ now, seen: { ...SEEN, process: undefined } },
    jobManager: known(anOldJobManager({ neverAvailable: true, availableReplicas: 0 }), now),
    jobManagerPods: known([aPod({ ready: false, restarts: 2, failure })], now),
  };
  return decide(aWorld(deployment, changes), POLICY);
}

test('A JobManager that ends at each start is given the checkpoints after the one that was seen, one after the other', () => {
  let deployment = recovered();
  expect(deployment.status?.jobStatus?.upgradeSavepointPath).toBe('file:///cp/chk-4');
  const given: (string | null | undefined)[] = [];
  for (let turn = 1; turn <= 5; turn++) {
    // Less and less often: the first time after a second.
    const laterMs = 10_000 * 2 ** turn;
    expect(pass(deployment, laterMs / 2 + 500, CRASHES).status.operation === undefined).toBe(turn > 1);
    const plan = pass(deployment, laterMs, CRASHES);
    expect(plan.status.operation).toMatchObject({ kind: 'recover' });
    given.push(plan.status.jobStatus?.upgradeSavepointPath);
    const lost = upgraded(deployment, plan);
    const removed = { remains: noRemains, ha: NO_HA, now: NOW + laterMs };
    deployment = upgraded(lost, decide(aWorld(lost, removed), POLICY));
  }
  // Then the first one again: whatever it was that ended the process may be over.
  expect(given.map((path) => path?.replace('file:///cp/', ''))).toEqual(['chk-5', 'chk-6', 'chk-7', 'chk-4', 'chk-5']);
});

test('One that is only starting, or that cannot start for another reason, is left alone', () => {
  const deployment = recovered();
  expect(pass(deployment, 20_000, undefined).status.operation).toBeUndefined();
  const unpulled = { reason: 'ImagePullBackOff', message: 'no such image' };
  expect(pass(deployment, 20_000, unpulled).status.operation).toBeUndefined();
  // One that crashes at once is given a moment.
  expect(pass(deployment, 500, CRASHES).status.operation).toBeUndefined();
});
