import { type DeploymentMode, type DiffType, diffSpecs, type FlinkDeploymentSpec } from '@drey/api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ADAPTIVE, base, classify, DEAF, LOUD, log, OVERRIDES, REACTIVE, WATCHED } from '../testing/change-specs.ts';
import { CHANGE_CLASSES, type ChangeClass } from './change-class.ts';

/** What the Apache operator does at most for a type (reference: apache-operator.md 3.5 and 3.9). */
const APACHE_LIMIT: Readonly<Record<DiffType, ChangeClass>> = {
  IGNORE: 'operator-only',
  SCALE: 'upgrade',
  UPGRADE: 'upgrade',
  SAVEPOINT_REDEPLOY: 'redeploy',
};

const strength = (change: ChangeClass): number => CHANGE_CLASSES.indexOf(change);

const anyConfiguration = fc.dictionary(
  fc.constantFrom(
    OVERRIDES,
    'kubernetes.operator.x',
    'kubernetes.rest-service.annotations',
    'state.backend.type',
    'job.autoscaler.enabled',
    'execution.savepoint.path',
    'parallelism.default',
    'kubernetes.operatorx',
  ),
  fc.constantFrom('a:1', 'a:2', 'a:2,b:1'),
  { maxKeys: 4 },
);
const anySpec = fc
  .record({
    configuration: anyConfiguration,
    scheduler: fc.constantFrom({}, ADAPTIVE, REACTIVE),
    image: fc.constantFrom('flink:1', 'flink:2'),
    session: fc.boolean(),
    ingress: fc.option(fc.constantFrom({ template: 'a.b' }, { template: 'c.d' }), { nil: null }),
    logConfiguration: fc.option(fc.constantFrom(log(WATCHED), log(LOUD), log(DEAF)), { nil: {} }),
    job: fc.record({
      parallelism: fc.integer({ min: 1, max: 3 }),
      upgradeMode: fc.constantFrom('savepoint', 'stateless', 'last-state'),
      state: fc.constantFrom('running', 'suspended'),
      savepointRedeployNonce: fc.option(fc.integer({ min: 1, max: 2 }), { nil: null }),
      savepointTriggerNonce: fc.option(fc.integer({ min: 1, max: 2 }), { nil: null }),
    }),
    replicas: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null }),
    flinkVersion: fc.constantFrom('v1_17', 'v1_20', 'v2_0'),
    restartNonce: fc.option(fc.integer({ min: 1, max: 2 }), { nil: null }),
  })
  .map(({ configuration, scheduler, session: isSession, replicas: count, logConfiguration, ...rest }) => ({
    ...base,
    ...rest,
    ...logConfiguration,
    taskManager: { ...base.taskManager, replicas: count },
    ...(isSession ? { job: null } : {}),
    flinkConfiguration: { ...configuration, ...scheduler },
  })) as fc.Arbitrary<FlinkDeploymentSpec>;

describe('A class', () => {
  test('is never stronger than what the Apache operator does for the same change', () => {
    const checked = fc.property(
      anySpec,
      anySpec,
      fc.constantFrom<DeploymentMode>('native', 'standalone'),
      fc.boolean(),
      (left, right, mode, jobRuns) => {
        const diff = diffSpecs('FlinkDeployment', left, right, mode);
        const { class: change, differences } = classify(left, right, { mode, jobRuns });
        expect(strength(change)).toBeLessThanOrEqual(strength(APACHE_LIMIT[diff.type]));
        for (const one of differences)
          expect(strength(one.class)).toBeLessThanOrEqual(strength(APACHE_LIMIT[one.type]));
        expect(differences.length).toBe(diff.differences.length);
        if (diff.differences.length === 0) expect(change).toBe('nothing');
        // What the Apache operator scales in place is scaled in place.
        if (diff.type === 'SCALE' && apacheScalesInPlace(left, right, mode, jobRuns))
          expect(strength(change)).toBeLessThan(strength('upgrade'));
      },
    );
    fc.assert(checked, { numRuns: 500 });
  });
});

function apacheScalesInPlace(
  left: FlinkDeploymentSpec,
  right: FlinkDeploymentSpec,
  mode: DeploymentMode,
  jobRuns: boolean,
): boolean {
  const [before, after] = [left.flinkConfiguration ?? {}, right.flinkConfiguration ?? {}];
  if (mode === 'standalone') return before['scheduler-mode'] === 'reactive' && right.job !== null;
  const vertices = (text: unknown): string[] =>
    String(text ?? '')
      .split(',')
      .map((pair) => pair.split(':')[0] ?? '');
  const dropped =
    before[OVERRIDES] !== undefined &&
    vertices(before[OVERRIDES]).some((one) => !vertices(after[OVERRIDES]).includes(one));
  return (
    jobRuns &&
    right.job !== null &&
    right.flinkVersion !== 'v1_17' &&
    after['jobmanager.scheduler'] === 'adaptive' &&
    before['scheduler-mode'] === undefined &&
    !dropped
  );
}
