import { expect, test } from 'vitest';
import { known } from '../../job/reading.ts';
import type { JobManagerDeployment, ObservedPod, World } from '../world.ts';
import { servingProcess } from './job-manager-process.ts';

const pod = (uid: string, createdAt: number): ObservedPod => ({
  ...{ name: uid, uid, createdAt, ip: '10.0.0.1', ready: true, deleting: false, failure: undefined, restarts: 0 },
});

const world = (...pods: ObservedPod[]): World =>
  ({
    jobManager: known({ uid: 'd', createdAt: 5_000 } as JobManagerDeployment, 9_000),
    jobManagerPods: known(pods, 9_000),
  }) as unknown as World;

test('A pod that is older than its Deployment serves nobody: the cache of pods does not know yet that it is gone', () => {
  expect(servingProcess(world(pod('old', 1_000)))).toBeUndefined();
  expect(servingProcess(world(pod('old', 1_000), pod('new', 5_000)))).toBe('new/0');
  expect(servingProcess(world(pod('new', 6_000)))).toBe('new/0');
  expect(servingProcess(world(pod('one', 6_000), pod('two', 6_000)))).toBeUndefined();
});
