import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { deployedSpec, lastReconciled } from '../../job/recorded-spec.ts';
import { FlowWorld } from '../../testing/flow-world.ts';
import { aDeployment, POLICY } from '../../testing/worlds.ts';
import { ROLLBACK_RULES, type RollbackFacts, rollbackRule } from './rollback-choice.ts';

const OVERDUE: RollbackFacts = {
  enabled: true,
  onTrial: true,
  stableSpec: 'running',
  flinkVersionChanged: false,
  overdue: true,
  runsWithoutBreak: false,
  stateless: false,
  jobState: 'RESTARTING',
  endSettled: true,
  ha: 'available',
  neverStarted: false,
  recordedMode: 'last-state',
  path: false,
};

/** One example for each rule, in the order of the rules. */
const EXAMPLES: readonly [rule: string, facts: RollbackFacts][] = [
  ['rollback is not wanted: nothing', { ...OVERDUE, enabled: false }],
  ['the deployed spec is stable, or not deployed yet: nothing', { ...OVERDUE, onTrial: false }],
  ['no spec was stable before: nothing', { ...OVERDUE, stableSpec: 'none' }],
  ['the stable spec was a suspended one: nothing', { ...OVERDUE, stableSpec: 'suspended' }],
  ['the stable spec has another Flink version: nothing', { ...OVERDUE, flinkVersionChanged: true }],
  ['the job may still become ready in time: nothing', { ...OVERDUE, overdue: false }],
  ['the job runs and is on its way to be stable: nothing', { ...OVERDUE, jobState: 'RUNNING', runsWithoutBreak: true }],
  ['a stateless job is put back from empty state', { ...OVERDUE, stateless: true, ha: 'absent' }],
  [
    'the job has only just ended, and a last checkpoint may not show yet: wait',
    { ...OVERDUE, jobState: 'FAILED', endSettled: false },
  ],
  [
    'a job that failed for good is put back from the state its end left',
    { ...OVERDUE, jobState: 'FAILED', path: true, ha: 'absent' },
  ],
  ['whether HA metadata exists could not be read: wait', { ...OVERDUE, ha: 'unknown' }],
  ['a job with HA metadata is put back from it', OVERDUE],
  [
    'a JobManager that never started has not touched the state it was given: put back from that',
    { ...OVERDUE, ha: 'absent', neverStarted: true, recordedMode: 'savepoint', path: true },
  ],
  ['no state is known to put the job back from: nothing', { ...OVERDUE, ha: 'absent' }],
];

describe('The choice of a rollback', () => {
  test.each(EXAMPLES)('%s', (rule, facts) => {
    expect(rollbackRule(facts).name).toBe(rule);
  });

  test('has one example for each of its rules', () => {
    expect(EXAMPLES.map(([rule]) => rule)).toEqual(ROLLBACK_RULES.map((rule) => rule.name));
  });
});

const K = 'kubernetes.operator.deployment';
const MINUTE = 60_000;

function wanted(configuration: Record<string, string> = {}): FlinkDeployment {
  return aDeployment({
    job: { upgradeMode: 'last-state' },
    configuration: {
      'high-availability.type': 'kubernetes',
      'high-availability.storageDir': 'file:///ha',
      [`${K}.rollback.enabled`]: 'true',
      [`${K}.readiness.timeout`]: '5 min',
      ...configuration,
    },
  });
}

function changed(object: FlinkDeployment, generation: number, spec: object): FlinkDeployment {
  return { ...object, metadata: { ...object.metadata, generation }, spec: { ...object.spec, ...spec } };
}

/** A deployment whose first spec is stable and whose second one has been deployed. */
function upgraded(configuration: Record<string, string> = {}): { world: FlowWorld; second: FlinkDeployment } {
  const object = wanted(configuration);
  const world = new FlowWorld(object, POLICY);
  world.pass();
  world.run('RUNNING');
  world.wait(2 * MINUTE);
  world.pass();
  expect(world.deployment.status?.lifecycleState).toBe('STABLE');
  const second = changed(object, 2, { image: 'flink:bad' });
  world.apply(second);
  for (let pass = 0; pass < 4; pass += 1) world.pass();
  expect(world.created).toHaveLength(2);
  return { world, second };
}

describe('A job on trial', () => {
  test('is stable when it has run for the whole window, and not at its first sign of life', () => {
    const { world } = upgraded();
    world.run('RUNNING');
    expect(world.deployment.status?.lifecycleState).toBe('DEPLOYED');
    world.wait(MINUTE);
    world.pass();
    expect(world.deployment.status?.lifecycleState).toBe('STABLE');
  });

  test('is stable at once where the window is 0, or where no rollback is wanted', () => {
    for (const [key, value] of [
      ['rollback.stability-window', '0'],
      ['rollback.enabled', 'false'],
    ] as const) {
      const { world } = upgraded({ [`${K}.${key}`]: value });
      world.run('RUNNING');
      expect(world.deployment.status?.lifecycleState).toBe('STABLE');
    }
  });

  test('that starts and fails again and again is rolled back when its time is over', () => {
    const { world } = upgraded();
    for (let crash = 0; crash < 8; crash += 1) {
      world.run('RUNNING');
      world.wait(40_000);
      world.pass();
      world.run('RESTARTING');
      if (world.deployment.status?.reconciliationStatus?.state !== 'DEPLOYED') break;
    }
    expect(world.deployment.status).toMatchObject({
      lifecycleState: 'ROLLING_BACK',
      operation: { kind: 'rollback', phase: 'removing' },
    });
    expect(world.events.map((event) => event.reason)).toContain('Rollback');
  });

  test('is not rolled back while it runs, however late it came', () => {
    const { world } = upgraded();
    world.wait(6 * MINUTE);
    world.run('RUNNING');
    expect(world.deployment.status?.lifecycleState).toBe('DEPLOYED');
    world.wait(MINUTE);
    world.pass();
    expect(world.deployment.status?.lifecycleState).toBe('STABLE');
  });
});

function rolledBack(): { world: FlowWorld; second: FlinkDeployment } {
  const { world, second } = upgraded();
  world.wait(6 * MINUTE);
  for (let pass = 0; pass < 4; pass += 1) world.pass();
  expect(world.deployment.status?.reconciliationStatus?.state).toBe('ROLLED_BACK');
  return { world, second };
}

describe('A rollback', () => {
  test('runs the stable spec from the HA metadata, and keeps the one that failed recorded', () => {
    const { world } = rolledBack();
    expect(world.created.at(-1)).toMatchObject({
      deployment: { spec: { image: 'flink:1.20' } },
      savepointPath: 'KUBERNETES_OPERATOR_LAST_STATE',
    });
    const status = world.deployment.status ?? {};
    expect(lastReconciled(status)?.spec.image).toBe('flink:bad');
    expect(deployedSpec(status)?.spec.image).toBe('flink:1.20');
    world.run('RUNNING');
    world.wait(10 * MINUTE);
    world.pass();
    expect(world.deployment.status).toMatchObject({ lifecycleState: 'ROLLED_BACK', observedGeneration: 2 });
    expect(world.deployment.status?.conditions?.find((one) => one.type === 'Stalled')).toMatchObject({
      status: 'True',
      reason: 'RolledBack',
    });
    expect(world.created).toHaveLength(3);
  });

  test('is not undone by the loss of the JobManager: the stable spec is put back again', () => {
    const { world } = rolledBack();
    world.run('RUNNING');
    world.cluster = undefined;
    for (let pass = 0; pass < 4; pass += 1) world.pass();
    expect(world.created).toHaveLength(4);
    expect(world.created.at(-1)?.deployment.spec.image).toBe('flink:1.20');
    expect(world.deployment.status?.reconciliationStatus?.state).toBe('ROLLED_BACK');
  });

  test('ends when the user writes another spec, which starts from the state of the job', () => {
    const { world, second } = rolledBack();
    world.run('RUNNING');
    world.apply(changed(second, 3, { image: 'flink:good' }));
    for (let pass = 0; pass < 4; pass += 1) world.pass();
    expect(world.created.at(-1)).toMatchObject({
      deployment: { spec: { image: 'flink:good' } },
      savepointPath: 'KUBERNETES_OPERATOR_LAST_STATE',
    });
    expect(world.deployment.status?.reconciliationStatus?.state).toBe('DEPLOYED');
  });

  test('ends without a restart when the user goes back to the spec that runs', () => {
    const { world, second } = rolledBack();
    world.run('RUNNING');
    world.apply(changed(second, 3, { image: 'flink:1.20' }));
    for (let pass = 0; pass < 4; pass += 1) world.pass();
    expect(world.created).toHaveLength(3);
    world.wait(2 * MINUTE);
    world.pass();
    expect(world.deployment.status).toMatchObject({ lifecycleState: 'STABLE', observedGeneration: 3 });
  });

  test('gives way to a spec that is written while it is under way', () => {
    const { world, second } = upgraded();
    world.wait(6 * MINUTE);
    world.pass();
    expect(world.deployment.status?.operation).toMatchObject({ kind: 'rollback' });
    world.apply(changed(second, 3, { image: 'flink:good' }));
    for (let pass = 0; pass < 4; pass += 1) world.pass();
    expect(world.created.at(-1)?.deployment.spec.image).toBe('flink:good');
    expect(world.created).toHaveLength(3);
  });
});
