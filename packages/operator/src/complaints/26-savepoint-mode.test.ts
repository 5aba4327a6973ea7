import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import { foresee } from '../deployment/foresee.ts';
import type { World } from '../deployment/world.ts';
import { aJob, aRunning, haWith, POLICY, runningWorld } from '../testing/worlds.ts';

const HA = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 'file:///ha' };

/** A changed deployment in savepoint mode whose job is in `state`. */
function changedWhile(state: string, configuration: Record<string, string>): World {
  const { deployment } = aRunning({ configuration });
  const metadata = { ...deployment.metadata, generation: 2 };
  const wanted: FlinkDeployment = { ...deployment, metadata, spec: { ...deployment.spec, image: 'flink:other' } };
  return { ...runningWorld(wanted, aJob(state)), ha: haWith() };
}

describe('12.1 item 26: upgradeMode savepoint', () => {
  test('of a job that cannot take a savepoint: that it falls back to last-state is told before, with the reason', () => {
    const seen = foresee(changedWhile('RESTARTING', HA), POLICY);
    expect(seen.upgrade).toMatchObject({ kind: 'now', mode: 'LAST_STATE', asked: 'savepoint' });
    expect(seen.warnings.join()).toMatch(/upgrade mode is savepoint, but last-state will be used: .+/);
  });

  test('where nothing may be fallen back to: the object says that it waits and for what, and nothing is touched', () => {
    const strict = { ...HA, 'kubernetes.operator.job.upgrade.last-state-fallback.enabled': 'false' };
    const world = changedWhile('RESTARTING', strict);
    const plan = decide(world, POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status.operation ?? undefined).toBeUndefined();
    const reconciling = plan.status.conditions?.find((one) => one.type === 'Reconciling');
    expect(reconciling).toMatchObject({ status: 'True', reason: 'UpgradePending' });
    expect(reconciling?.message).toMatch(/savepoint/);
    expect(foresee(world, POLICY).upgrade).toMatchObject({ kind: 'waits', asked: 'savepoint' });
  });
});
