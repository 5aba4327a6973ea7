import { describe, expect, test } from 'vitest';
import { known, unknown } from '../../job/reading.ts';
import { aDeployment, aJob, anOldJobManager, aPod, aWorld, noRemains, POLICY, upgraded } from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import type { Plan } from '../plan.ts';
import type { ObservedSessionJob, World } from '../world.ts';

const NOW = aWorld(aDeployment()).now;

/** A ready session cluster that its user deletes. */
function deleting(configuration: Record<string, string> = {}, seconds = 1): World {
  const created = aDeployment({ spec: { job: null }, configuration });
  const serve = (deployment: typeof created): World =>
    aWorld(deployment, {
      jobManager: known(anOldJobManager(), NOW),
      jobManagerPods: known([aPod()], NOW),
      sessionJobs: known([], NOW),
      flink: { ...aWorld(deployment).flink, jobs: { kind: 'ok', value: [] } },
    });
  const deploying = upgraded(created, decide(aWorld(created), POLICY));
  const ready = upgraded(deploying, decide(serve(deploying), POLICY));
  const deletionTimestamp = new Date(NOW - seconds * 1000).toISOString();
  return serve({ ...ready, metadata: { ...ready.metadata, deletionTimestamp } });
}

const job = (changes: Partial<ObservedSessionJob> = {}): ObservedSessionJob => ({
  name: 'job',
  deleting: false,
  jobId: undefined,
  runsWithState: false,
  ...changes,
});
const withJobs = (world: World, ...jobs: ObservedSessionJob[]): World => ({ ...world, sessionJobs: known(jobs, NOW) });
const withAnswer = (world: World, jobs: World['flink']['jobs']): World => ({
  ...world,
  flink: { ...world.flink, jobs },
});
const removes = (plan: Plan): boolean => plan.steps.some((step) => step.kind === 'delete-job-manager');
const silent = { kind: 'unknown', reason: 'timeout', message: 'no answer', maybeDone: false } as const;

describe('A session cluster that is deleted', () => {
  test('is removed when nothing refers to it and no job runs on it', () => {
    expect(removes(decide(deleting(), POLICY))).toBe(true);
  });

  test('waits for its session jobs, and says for which', () => {
    const plan = decide(withJobs(deleting(), job({ name: 'a' }), job({ name: 'b' })), POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status.lifecycleState).toBe('DELETING');
    expect(plan.events.map(({ reason, message }) => [reason, message])).toEqual([
      ['CleanupFailed', 'The session jobs [a, b] should be deleted first'],
    ]);
    const again = decide(
      {
        ...withJobs(deleting(), job({ name: 'a' }), job({ name: 'b' })),
        deployment: upgraded(deleting().deployment, plan),
      },
      POLICY,
    );
    expect(again.events).toEqual([]);
  });

  test('does not wait for session jobs where its user wants none waited for', () => {
    const key = 'kubernetes.operator.session.deletion.block-on-session-jobs';
    const world = withAnswer(withJobs(deleting({ [key]: 'false' }), job()), { kind: 'ok', value: [aJob('RUNNING')] });
    expect(removes(decide(world, POLICY))).toBe(true);
  });

  test('12.1 item 10: waits for a session job that is deleted too as long as there is a JobManager to bring it down', () => {
    const both = withJobs(deleting(), job({ deleting: true }));
    expect(decide(both, POLICY).steps).toEqual([]);
    const gone = { ...both, jobManager: known(undefined, NOW), jobManagerPods: known([], NOW), remains: noRemains };
    expect(decide(gone, POLICY).status.operation).toMatchObject({ kind: 'delete' });
  });

  test('waits while its session jobs cannot be read', () => {
    const plan = decide({ ...deleting(), sessionJobs: unknown('not filled yet', NOW) }, POLICY);
    expect(plan.steps).toEqual([]);
  });

  test('12.1 item 12: waits for jobs that were submitted by hand, and for no others', () => {
    const foreign = withAnswer(deleting(), { kind: 'ok', value: [aJob('RUNNING'), aJob('FINISHED', { jobId: 'f' })] });
    const plan = decide(foreign, POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.events[0]?.message).toBe(
      `The session cluster has non terminated jobs [${aJob('RUNNING').jobId}] that should be cancelled first`,
    );
    expect(removes(decide(withAnswer(deleting(), { kind: 'ok', value: [aJob('FINISHED')] }), POLICY))).toBe(true);
  });

  test('12.1 item 9: takes a job list that cannot be read for no empty one, however long that lasts', () => {
    for (const seconds of [1, 3_600]) {
      const plan = decide(withAnswer(deleting({}, seconds), silent), POLICY);
      expect(plan.steps).toEqual([]);
      expect(plan.status.conditions?.find((one) => one.type === 'Ready')?.message).toContain('block-on-unmanaged-jobs');
    }
  });

  test('is removed although it cannot be asked when its JobManager cannot start, or did not for long', () => {
    const starting = { ...withAnswer(deleting(), undefined), jobManagerPods: known([aPod({ ready: false })], NOW) };
    expect(removes(decide(starting, POLICY))).toBe(false);
    const failure = { reason: 'CrashLoopBackOff', message: 'back-off' };
    const broken = { ...starting, jobManagerPods: known([aPod({ ready: false, failure })], NOW) };
    expect(removes(decide(broken, POLICY))).toBe(true);
    const late = { ...withAnswer(deleting({}, 400), undefined), jobManagerPods: known([aPod({ ready: false })], NOW) };
    expect(removes(decide(late, POLICY))).toBe(true);
  });

  test('12.1 item 12: does not ask for jobs of others where its user does not care about them', () => {
    const key = 'kubernetes.operator.session.deletion.block-on-unmanaged-jobs';
    expect(removes(decide(withAnswer(deleting({ [key]: 'false' }), silent), POLICY))).toBe(true);
  });
});
