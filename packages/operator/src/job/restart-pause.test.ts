import { expect, test } from 'vitest';
import { restartPauseMs } from './restart-pause.ts';

const AT = Date.parse('2026-01-01T00:00:00Z');
const text = (seconds: number): string => new Date(AT + seconds * 1_000).toISOString();

/** A job that has been down since `AT`, and that was started last so many seconds later. */
const down = (launchedAfterS: number, upAt?: string) => ({
  reconciliationStatus: { reconciliationTimestamp: AT + launchedAfterS * 1_000 },
  lastOperations: [{ kind: 'recover', startedAt: text(0), downAt: text(0), ...(upAt === undefined ? {} : { upAt }) }],
});

test.each([
  [0.2, 0.3, 900],
  [10, 11, 4_000],
  [10, 15, 0],
  [600, 600, 300_000],
  [7_200, 7_499, 1_000],
])('A job that was started again after %d s is left alone after %d s for %d ms more', (launched, at, left) => {
  expect(Math.round(restartPauseMs(down(launched), AT + at * 1_000))).toBe(left);
});

test('One that ran since is started at once', () => {
  expect(restartPauseMs(down(600, text(601)), AT + 602_000)).toBe(0);
  expect(restartPauseMs({}, AT)).toBe(0);
});
