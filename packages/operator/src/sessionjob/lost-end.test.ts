import type { Answer } from '@drey/flink';
import { describe, expect, test } from 'vitest';
import type { SavepointProgress } from '../runtime/ports.ts';
import { changed, decide, kinds, LATER } from '../testing/session-plans.ts';
import { afterPlan, aRunningSessionJob, aSessionWorld } from '../testing/session-worlds.ts';
import { aJob, NOW } from '../testing/worlds.ts';

const NO_CHECKPOINTS = { kind: 'not-found', message: 'no checkpoints' } as const;

describe('A job that ended with its savepoint, and whose JobManager died before it named the savepoint', () => {
  const wanted = changed(aRunningSessionJob(), { parallelism: 4 });
  const stopping = afterPlan(wanted, decide(aSessionWorld(wanted, { fresh: LATER }, [aJob('RUNNING')])));
  const ended = aSessionWorld(stopping, {}, [aJob('FINISHED')]);
  const unread: Answer<SavepointProgress> = {
    kind: 'unknown',
    reason: 'unreachable',
    message: 'connection reset',
    maybeDone: false,
  };
  const seen = afterPlan(
    stopping,
    decide({ ...ended, flink: { ...ended.flink, checkpoints: NO_CHECKPOINTS, savepoint: unread } }),
  );
  const later = (savepoint: Answer<SavepointProgress>) => {
    const world = aSessionWorld(seen, { now: NOW + 20_000 });
    return decide({ ...world, flink: { ...world.flink, savepoint } });
  };

  test('is known to have ended', () => {
    expect(seen.status).toMatchObject({ jobStatus: { state: 'FINISHED' }, operation: { phase: 'stopping' } });
  });

  test('is not started from nothing: a person has to say where its state is', () => {
    const lost = later({ kind: 'not-found', message: 'no such trigger' });
    expect(kinds(lost)).toEqual([]);
    const next = decide(aSessionWorld(afterPlan(seen, lost), { now: NOW + 20_500 }));
    expect(kinds(next)).toEqual([]);
    expect(next.status.error).toContain('Manual restore required');
  });

  test('is waited for while the answer about the savepoint cannot be read', () => {
    const waiting = later(unread);
    expect(kinds(waiting)).toEqual([]);
    expect(waiting.status.operation?.phase).toBe('stopping');
  });

  test('is started from the savepoint that the user names then', () => {
    const lost = afterPlan(seen, later({ kind: 'not-found', message: 'no such trigger' }));
    const named = changed(lost, { savepointRedeployNonce: 1, initialSavepointPath: 'file:///sp/1' });
    const plan = decide(aSessionWorld(named, { fresh: LATER, now: NOW + 30_000 }));
    expect(kinds(plan)).toEqual(['upload-jar']);
    expect(plan.status.jobStatus?.upgradeSavepointPath).toBe('file:///sp/1');
  });
});

describe('A job that a new JobManager has taken up and that has not restored its state yet', () => {
  test('is not cancelled for an upgrade, since it would leave nothing', () => {
    const wanted = changed(aRunningSessionJob({ job: { upgradeMode: 'last-state' } }), { parallelism: 4 });
    const world = aSessionWorld(wanted, { fresh: LATER }, [aJob('INITIALIZING')]);
    const plan = decide({ ...world, flink: { ...world.flink, checkpoints: NO_CHECKPOINTS } });
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.operation).toBeUndefined();
  });

  test('is not asked again to be cancelled before it has', () => {
    const wanted = changed(aRunningSessionJob({ job: { upgradeMode: 'last-state' } }), { parallelism: 4 });
    const completed = { id: 7, path: 'file:///state/checkpoints/7', stateSizeBytes: 1, triggeredAt: NOW };
    const value = { completed, savepoint: undefined, restored: undefined, pendingSince: undefined };
    const world = aSessionWorld(wanted, { fresh: LATER }, [aJob('RUNNING')]);
    const begun = decide({ ...world, flink: { ...world.flink, checkpoints: { kind: 'ok', value } } });
    expect(kinds(begun)).toEqual(['cancel-job']);
    const cancelling = afterPlan(wanted, begun);
    expect(kinds(decide(aSessionWorld(cancelling, {}, [aJob('INITIALIZING')])))).toEqual([]);
    expect(kinds(decide(aSessionWorld(cancelling, {}, [aJob('RUNNING')])))).toEqual(['cancel-job']);
  });
});
