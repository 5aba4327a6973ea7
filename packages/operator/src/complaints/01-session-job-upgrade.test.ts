import { describe, expect, test } from 'vitest';
import type { SessionJobWorld } from '../sessionjob/world.ts';
import { changed, decide, kinds } from '../testing/session-plans.ts';
import { afterPlan, aRunningSessionJob, aSessionWorld } from '../testing/session-worlds.ts';
import { aJob, NOW } from '../testing/worlds.ts';

const freshIds = (n: number) => ({
  operationId: n.toString(16).padStart(32, 'd'),
  jobId: n.toString(16).padStart(32, 'e'),
});

const savepoint = (value: object) => ({ kind: 'ok', value }) as SessionJobWorld['flink']['savepoint'];
const FAILED = savepoint({
  kind: 'failed',
  failure: { type: 'java.io.IOException', message: 'disk full' },
  savepoint: undefined,
});

/** Attempts after which another operator would have given up long ago. */
const ATTEMPTS = 100;

describe('12.1 item 1: a session job whose upgrade fails', () => {
  test('is tried again without end, and goes through when the reason is gone', () => {
    let job = changed(aRunningSessionJob(), { parallelism: 4 });
    let now = NOW;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const stop = decide(aSessionWorld(job, { now, fresh: freshIds(attempt) }, [aJob('RUNNING')]));
      expect(kinds(stop), `attempt ${attempt}`).toEqual(['stop-with-savepoint']);
      job = afterPlan(job, stop);
      const world = aSessionWorld(job, { now }, [aJob('RUNNING')]);
      const failed = decide({ ...world, flink: { ...world.flink, savepoint: FAILED } });
      expect(failed.status.error).toContain('disk full');
      expect(failed.wakeUp).toMatchObject({ kind: 'after' });
      job = afterPlan(job, failed);
      now += 60_000;
    }
    const last = decide(aSessionWorld(job, { now, fresh: freshIds(0) }, [aJob('RUNNING')]));
    job = afterPlan(job, last);
    const world = aSessionWorld(job, { now, fresh: freshIds(1) }, [aJob('FINISHED')]);
    const done = decide({
      ...world,
      flink: { ...world.flink, savepoint: savepoint({ kind: 'completed', location: 'file:///sp/1' }) },
    });
    expect(done.settled ?? done.status).toMatchObject({
      jobStatus: { upgradeSavepointPath: 'file:///sp/1' },
      operation: { kind: 'upgrade', phase: 'deploying' },
    });
  });

  test('because nobody knows its state says so, is looked at again, and goes on from where its user says', () => {
    const wanted = changed(aRunningSessionJob(), { parallelism: 4 });
    let lost = wanted;
    for (let pass = 1; pass <= ATTEMPTS; pass += 1) {
      const plan = decide(aSessionWorld(lost, { now: NOW + pass * 60_000, fresh: freshIds(pass) }, []));
      expect(kinds(plan)).toEqual([]);
      expect(plan.status.error).toContain('Manual restore required');
      expect(plan.wakeUp).toMatchObject({ kind: 'after' });
      lost = afterPlan(lost, plan);
    }
    const now = NOW + (ATTEMPTS + 1) * 60_000;
    const named = changed(lost, { initialSavepointPath: 'file:///sp/9', savepointRedeployNonce: 1 });
    const plan = decide(aSessionWorld(named, { now, fresh: freshIds(7) }, []));
    expect(kinds(plan)).toEqual(['upload-jar']);
    expect(plan.status).toMatchObject({
      operation: { kind: 'redeploy' },
      jobStatus: { upgradeSavepointPath: 'file:///sp/9' },
    });
  });
});
