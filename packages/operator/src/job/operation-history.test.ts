import { describe, expect, test } from 'vitest';
import { downtimes, isStableUnproven, withHistory } from './operation-history.ts';
import type { JobResourceStatus } from './resource.ts';

const T = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number): string => new Date(T + seconds * 1000).toISOString();
const operation = (kind: string, phase: string) => ({ id: 'x', kind, phase, startedAt: at(0) });

/** The statuses of a life, one after the other, `second` each. */
function life(...statuses: readonly JobResourceStatus[]): JobResourceStatus {
  return statuses.reduce<JobResourceStatus>((before, next, second) => withHistory(before, next, T + second * 1000), {});
}

const running: JobResourceStatus = { jobStatus: { state: 'RUNNING' } };

describe('The history of a job', () => {
  test('holds how long an upgrade took the job down', () => {
    const status = life(
      { ...running, operation: operation('upgrade', 'stopping') },
      { ...running, operation: operation('upgrade', 'removing') },
      { operation: operation('upgrade', 'deploying') },
      { jobStatus: { state: 'RECONCILING' } },
      { jobStatus: { state: 'CREATED' } },
      running,
    );
    expect(status.lastOperations).toEqual([{ kind: 'upgrade', startedAt: at(0), downAt: at(1), upAt: at(5) }]);
    expect(downtimes(status.lastOperations ?? [])).toEqual([4000]);
  });

  test('is not there for a job that nothing interrupted', () => {
    expect(life(running, { ...running, operation: operation('rescale', 'rescaling') }, running)).toEqual(running);
    expect(life({ operation: operation('deploy', 'deploying') }, running)).toEqual(running);
  });

  test('takes several operations in a row for one interruption', () => {
    const down = { operation: operation('recover', 'removing') };
    const status = life({ operation: operation('upgrade', 'removing') }, down, running);
    expect(status.lastOperations).toMatchObject([{ kind: 'upgrade', upAt: at(2) }]);
  });

  test('knows that a redeployed spec that never ran is called stable only', () => {
    const record = { reconciliationStatus: { lastReconciledSpec: '{}', lastStableSpec: '{}' } };
    const redeploying = { ...record, operation: operation('redeploy', 'removing') };
    const waiting = { ...record, jobStatus: { state: 'RECONCILING' } } as const;
    expect(isStableUnproven(life(redeploying, waiting))).toBe(true);
    expect(isStableUnproven(life({ operation: operation('upgrade', 'removing') }, redeploying, waiting))).toBe(true);
    expect(isStableUnproven(life(redeploying, { ...record, ...running }))).toBe(false);
    expect(isStableUnproven(life({ operation: operation('recover', 'removing') }, waiting))).toBe(false);
  });

  test('forgets an interruption after which the job did not run', () => {
    const ended: JobResourceStatus = { jobStatus: { state: 'FAILED' } };
    expect(life({ operation: operation('upgrade', 'removing') }, ended).lastOperations).toBeUndefined();
  });

  test('keeps the last five, newest first', () => {
    const one = [{ operation: operation('upgrade', 'removing') }, running];
    const status = life(...Array.from({ length: 7 }, () => one).flat());
    expect(status.lastOperations?.map((past) => past.upAt)).toEqual([at(13), at(11), at(9), at(7), at(5)]);
  });
});
