import { expect, test } from 'vitest';
import { aRunningSessionJob, aSessionJob } from '../testing/session-worlds.ts';
import { sessionClusterName } from './session-cluster-name.ts';

test('A job that was submitted stays on its cluster, whatever its spec says since', () => {
  const moved = (job: ReturnType<typeof aSessionJob>) => ({ ...job, spec: { ...job.spec, deploymentName: 'other' } });
  expect(sessionClusterName(moved(aSessionJob()))).toBe('other');
  expect(sessionClusterName(moved(aRunningSessionJob()))).toBe('session');
});

test('An object that says nothing, or whose record cannot be read, goes by its spec', () => {
  expect(sessionClusterName({ spec: {} })).toBe('');
  const status = { reconciliationStatus: { lastReconciledSpec: '{' } };
  expect(sessionClusterName({ spec: { deploymentName: 'a' }, status })).toBe('a');
});
