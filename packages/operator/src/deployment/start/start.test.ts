import { describe, expect, test } from 'vitest';
import { known } from '../../job/reading.ts';
import { aDeployment, anOldJobManager, aWorld, NOW, POLICY } from '../../testing/worlds.ts';
import { decide } from '../decide.ts';

describe('A start', () => {
  test('that finds the cluster of another operation removes it as a new operation', () => {
    const begun = decide(aWorld(aDeployment()), POLICY);
    const deploying = { ...aDeployment(), status: begun.status };
    const fresh = { operationId: 'c'.repeat(32), jobId: 'd'.repeat(32) };
    const plan = decide(
      aWorld(deploying, { jobManager: known(anOldJobManager({ operationId: 'e'.repeat(32) }), NOW), fresh }),
      POLICY,
    );
    expect(plan.steps).toEqual([]);
    // An older leader may still be creating a cluster under the first id: that has to go as well.
    expect(plan.status.operation).toMatchObject({ id: fresh.operationId, kind: 'deploy', phase: 'removing' });
    expect(plan.status.operation?.target).toBe(begun.status.operation?.target);
  });
});
