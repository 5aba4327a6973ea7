import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { createOperator } from '@drey/operator';
import { describe, expect, test } from 'vitest';
import { operatorWorld, statefulDeployment } from './operator-world.ts';

const NS = 'default';
const NO_HA = { 'high-availability.type': 'NONE' };
/** It needs high availability. */
const ROLLBACK = { 'kubernetes.operator.deployment.rollback.enabled': 'true' };

describe('A job whose new spec names a class that its jar has not', () => {
  test.each([
    ['savepoint', {}],
    ['savepoint', ROLLBACK],
    ['savepoint', NO_HA],
    ['last-state', {}],
    ['last-state', ROLLBACK],
    ['last-state', NO_HA],
  ] as const)('goes on with its state once the spec is corrected (%s, %j)', async (upgradeMode, configuration) => {
    const sim = await operatorWorld();
    const operator = createOperator(sim.env('drey'));
    await sim.drive(operator.start());
    const { spec, ...object } = statefulDeployment(NS, 'app');
    const flinkConfiguration = { ...spec.flinkConfiguration, ...configuration };
    const made: FlinkDeployment = {
      ...object,
      spec: { ...spec, flinkConfiguration, job: { ...spec.job, upgradeMode } },
    };
    await sim.drive(sim.admin.create(FlinkDeployments, made));
    const status = () =>
      (
        sim.world.server.server.reader.get('flink.apache.org', 'flinkdeployments', NS, 'app') as
          | FlinkDeployment
          | undefined
      )?.status;
    const change = (job: object) =>
      sim.drive(sim.admin.patch(FlinkDeployments, NS, 'app', 'merge', { spec: { job } }, { fieldManager: 'user' }));
    const runs = (): boolean => status()?.jobStatus?.state === 'RUNNING' && status()?.lifecycleState === 'STABLE';
    expect(await sim.until(runs, 180_000)).toBe(true);
    await sim.clock.advance(30_000, 500_000);

    await change({ entryClass: 'does.not.Exist' });
    expect(await sim.until(() => status()?.jobManagerDeploymentStatus === 'ERROR', 60_000)).toBe(true);
    await sim.clock.advance(60_000, 500_000);
    // A first attempt that does not help either.
    await change({ entryClass: 'does.not.ExistEither' });
    await sim.clock.advance(60_000, 500_000);
    await change({ entryClass: null });
    expect(await sim.until(runs, 300_000), JSON.stringify(status())).toBe(true);

    const started = sim.world.fabric.storage.history.filter((event) => event.type === 'started');
    expect(started).toHaveLength(2);
    expect(started[1]?.restoredFrom).toBeDefined();
    expect(started[1]?.position).toBeGreaterThan(25_000);
    await sim.drive(operator.stop());
    sim.world.stop();
  });
});
