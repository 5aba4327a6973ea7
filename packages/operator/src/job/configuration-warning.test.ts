import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import { aRunning, POLICY, runningWorld, upgraded } from '../testing/index.ts';
import { configurationWarningDrafts, configurationWarningEvents } from './configuration-warning.ts';

const warning = (key: string, kind: 'unknown' | 'value' | 'other-version' = 'unknown') => ({
  key,
  kind,
  message: `${key} is odd.`,
});

describe('The condition ConfigurationWarning', () => {
  test('is not there when there is nothing to say', () => {
    expect(configurationWarningDrafts([])).toEqual([]);
  });

  test('tells a few warnings in full and counts the rest', () => {
    const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => warning(key));
    expect(configurationWarningDrafts(many)[0]?.message).toBe(
      'a is odd. b is odd. c is odd. d is odd. e is odd. There are 2 more.',
    );
  });

  test.each([
    [[warning('a', 'value')], 'InvalidValue'],
    [[warning('a', 'value'), warning('b', 'unknown')], 'UnknownOption'],
    [[warning('a', 'other-version')], 'OptionWithoutEffect'],
  ] as const)('has a reason for the kind of warnings: %#', (warnings, reason) => {
    expect(configurationWarningDrafts(warnings)[0]).toMatchObject({ status: 'True', reason });
  });

  test('gives an event when it says something new, and none while it says the same', () => {
    const drafts = configurationWarningDrafts([warning('a')]);
    expect(configurationWarningEvents(drafts, [])).toMatchObject([{ type: 'Warning', reason: 'ConfigurationWarning' }]);
    const recorded = drafts.map(({ type, status, message }) => ({ type, status, message }));
    expect(configurationWarningEvents(drafts, recorded)).toEqual([]);
  });
});

test('A mistyped key of a running deployment is told, changes nothing, and is told no more once it is corrected', () => {
  const { deployment } = aRunning({ configuration: { 'kubernetes.operator.job.restart.fail': 'true' } });
  const condition = (status: typeof deployment.status) =>
    status?.conditions?.find(({ type }) => type === 'ConfigurationWarning');
  expect(condition(deployment.status)).toMatchObject({
    status: 'True',
    message: expect.stringContaining('Did you mean kubernetes.operator.job.restart.failed?'),
  });
  const again = decide(runningWorld(deployment), POLICY);
  expect(again.events.filter(({ reason }) => reason === 'ConfigurationWarning')).toEqual([]);
  const { 'kubernetes.operator.job.restart.fail': _, ...correct } = deployment.spec.flinkConfiguration ?? {};
  const corrected = { ...deployment, spec: { ...deployment.spec, flinkConfiguration: correct } };
  const plan = decide(runningWorld(corrected), POLICY);
  expect(condition(upgraded(corrected, plan).status)).toBeUndefined();
  expect(plan.steps).toEqual([]);
});
