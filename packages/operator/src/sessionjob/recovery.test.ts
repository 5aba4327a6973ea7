import type { FlinkSessionJob } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { known, unknown } from '../job/reading.ts';
import { decide, JOB, kinds, LATER, ready } from '../testing/session-plans.ts';
import {
  afterPlan,
  aRunningSessionJob,
  aSessionCluster,
  aSessionDeployment,
  aSessionWorld,
} from '../testing/session-worlds.ts';
import { aJob, NOW } from '../testing/worlds.ts';
import type { SessionJobPlan } from './plan.ts';
import type { SessionJobWorld } from './world.ts';

describe('A job that ends', () => {
  const running = aRunningSessionJob();
  const none = { kind: 'not-found', message: 'off' } as const;
  const completed = { id: 7, path: 'file:///state/checkpoints/7', stateSizeBytes: 1, triggeredAt: NOW };
  const some = {
    kind: 'ok',
    value: { completed, savepoint: undefined, restored: undefined, pendingSince: undefined },
  } as const;

  const seen = (state: string, checkpoints: typeof none | typeof some = none, job = running): FlinkSessionJob => {
    const world = aSessionWorld(job, {}, [aJob(state)]);
    return afterPlan(job, decide({ ...world, flink: { ...world.flink, checkpoints } }));
  };

  test('stays FINISHED, also when the JobManager forgets it or goes away', () => {
    const finished = seen('FINISHED');
    expect(finished.status).toMatchObject({ lifecycleState: 'STABLE', jobStatus: { state: 'FINISHED' } });
    for (const world of [
      aSessionWorld(finished, {}, []),
      aSessionWorld(finished, { cluster: known(undefined, NOW) }),
    ]) {
      const plan = decide({ ...world, now: NOW + 3_600_000 });
      expect(kinds(plan)).toEqual([]);
      expect(plan.status).toMatchObject({ lifecycleState: 'STABLE', jobStatus: { state: 'FINISHED' } });
      expect(ready(plan)).toMatchObject({ status: 'True', reason: 'Finished' });
    }
  });

  test('by a failure tells why, and is left alone', () => {
    const world = aSessionWorld(running, {}, [aJob('FAILED')]);
    const why = { kind: 'ok', value: { type: 'java.lang.Exception', message: 'boom' } } as const;
    const plan = decide({ ...world, flink: { ...world.flink, checkpoints: some, failure: why } });
    expect(plan.status).toMatchObject({
      lifecycleState: 'FAILED',
      jobStatus: { upgradeSavepointPath: completed.path },
    });
    expect(plan.events).toMatchObject([
      { reason: 'JobStatusChanged' },
      { reason: 'Error', component: 'Job', message: 'boom' },
    ]);
  });

  test('by a failure is restarted from what it left, where that is wanted', () => {
    const wanted = aRunningSessionJob({
      spec: { flinkConfiguration: { 'kubernetes.operator.job.restart.failed': 'true' } },
    });
    const world = aSessionWorld(wanted, { fresh: LATER }, [aJob('FAILED')]);
    const plan = decide({ ...world, flink: { ...world.flink, checkpoints: some } });
    expect(plan.status).toMatchObject({ jobStatus: { jobId: LATER.jobId, upgradeSavepointPath: completed.path } });
    expect(plan.status.operation?.kind).toBe('recover');
  });

  test.each([
    ['is changed', {}, 2],
    ['is restarted after failures', { 'kubernetes.operator.job.restart.failed': 'true' }, 1],
  ])(
    'because it could not restore its state is not started from nothing when it %s',
    (_, flinkConfiguration, generation) => {
      const ran = aRunningSessionJob({ spec: { flinkConfiguration } });
      const exception = 'org.apache.flink.runtime.client.JobInitializationException';
      const lastFailure = { jobId: JOB, time: new Date(NOW).toISOString(), exception, message: 'no such file' };
      const failed = {
        ...ran,
        metadata: { ...ran.metadata, generation },
        spec: { ...ran.spec, restartNonce: generation },
        status: { ...ran.status, jobStatus: { ...ran.status?.jobStatus, state: 'FAILED' as const, lastFailure } },
      };
      const decided = (status: FlinkSessionJob['status']): SessionJobPlan => {
        const object = { ...failed, ...(status === undefined ? {} : { status }) };
        const world = aSessionWorld(object, { fresh: LATER, now: NOW + 60_000 }, [aJob('FAILED')]);
        return decide({ ...world, flink: { ...world.flink, checkpoints: none } });
      };
      const plan = decided(failed.status);
      expect(plan.status.jobStatus?.jobId).toBe(JOB);
      expect(plan.status.error).toContain('Manual restore required.');
      // One that failed by itself had no state yet.
      const other = { ...lastFailure, exception: 'java.lang.IllegalStateException' };
      const started = decided({ ...failed.status, jobStatus: { ...failed.status.jobStatus, lastFailure: other } });
      expect(started.status.jobStatus?.jobId).toBe(LATER.jobId);
    },
  );

  test('because somebody cancelled it is started again from where it stopped, whatever it was started from', () => {
    const cancelled = seen('CANCELED', some);
    const early = decide(aSessionWorld(cancelled, { fresh: LATER, now: NOW + 1_000 }, [aJob('CANCELED')]));
    expect(kinds(early)).toEqual([]);
    expect(early.status.lifecycleState).toBe('SUSPENDED');
    const newer = { ...completed, id: 8, path: 'file:///state/checkpoints/8' };
    const checkpoints = { ...some, value: { ...some.value, completed: newer } };
    const world = aSessionWorld(cancelled, { fresh: LATER, now: NOW + 4_000 }, [aJob('CANCELED')]);
    const plan = decide({ ...world, flink: { ...world.flink, checkpoints } });
    expect(plan.status).toMatchObject({
      jobStatus: { jobId: LATER.jobId, upgradeSavepointPath: newer.path },
      operation: { phase: 'deploying' },
    });
  });
});

describe('A job that its cluster lost', () => {
  const running = aRunningSessionJob();
  const later = NOW + 60_000;
  const lost = (job: FlinkSessionJob, more: Partial<SessionJobWorld> = {}): SessionJobPlan =>
    decide(aSessionWorld(job, { now: later, fresh: LATER, ...more }, []));

  test('is started from the newest checkpoint that was seen', () => {
    const seen = { jobId: JOB, process: 'p/0', path: 'file:///state/checkpoints/chk-9', triggeredAt: 0 };
    const plan = lost(running, { seen });
    expect(plan.status).toMatchObject({
      jobStatus: { jobId: LATER.jobId, upgradeSavepointPath: seen.path },
      operation: { kind: 'recover' },
    });
    expect(plan.events.map((event) => event.reason)).toEqual(['Missing', 'RecoverJob', 'Submit']);
  });

  test('keeps the record of a snapshot that was being asked for, whose object may be there already', () => {
    const operation = { id: 'f'.repeat(32), kind: 'snapshot', phase: 'creating', target: 'sj-checkpoint-periodic-1' };
    const asking = { ...running, status: { ...running.status, operation } };
    const plan = decide(aSessionWorld(asking, {}, []));
    expect(plan.steps).toEqual([]);
    expect(plan.status.operation).toEqual(operation);
  });

  test('stops and says so when nobody knows any state of it', () => {
    const plan = lost(running);
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.error).toContain('Manual restore required');
    expect(ready(plan)).toMatchObject({ status: 'False', reason: 'RestoreFailed' });
  });

  test('is started anew when it carries no state', () => {
    const plan = lost(aRunningSessionJob({ job: { upgradeMode: 'stateless' } }));
    expect(kinds(plan)).toEqual(['upload-jar']);
    expect(plan.status.jobStatus?.upgradeSavepointPath).toBeNull();
  });

  test('may only not be listed yet right after its start', () => {
    expect(kinds(decide(aSessionWorld(running, { now: NOW + 1_000 }, [])))).toEqual([]);
  });

  test('is waited for where high availability holds it, or nobody knows whether it does', () => {
    const deployment = aSessionDeployment({
      'high-availability.type': 'kubernetes',
      'high-availability.storageDir': 'file:///ha',
    });
    const cluster = known(aSessionCluster({ deployment }), NOW);
    for (const heldByHa of [known(true, NOW), unknown('the API server did not answer', NOW)]) {
      const plan = lost(running, { cluster, heldByHa, now: NOW + 3_600_000 });
      expect(kinds(plan)).toEqual([]);
      expect(ready(plan)).toMatchObject({ reason: 'JobNotListed' });
    }
  });

  test.each([
    ['shows that it does not', known(false, NOW), 29_000, 31_000],
    ['does not answer', unknown('refused', NOW), 299_000, 301_000],
  ] as const)('is waited for some time where an ensemble of ZooKeeper %s', (_, heldByHa, patientMs, overMs) => {
    const deployment = aSessionDeployment({
      'high-availability.type': 'zookeeper',
      'high-availability.storageDir': 'file:///ha',
      'high-availability.zookeeper.quorum': 'zk:2181',
    });
    const cluster = known(aSessionCluster({ deployment }), NOW);
    const stateless = aRunningSessionJob({ job: { upgradeMode: 'stateless' } });
    const missed = afterPlan(stateless, lost(stateless, { cluster, heldByHa }));
    const since = Number(missed.status?.jobStatus?.updateTime);
    expect(kinds(lost(missed, { cluster, heldByHa, now: since + patientMs }))).toEqual([]);
    expect(kinds(lost(missed, { cluster, heldByHa, now: since + overMs }))).not.toEqual([]);
  });

  test('is not lost while the cluster does not answer', () => {
    const flink = {
      ...aSessionWorld(running).flink,
      jobs: { kind: 'unknown', reason: 'unreachable', message: 'refused', maybeDone: false } as const,
    };
    const plan = lost(running, { flink });
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.jobStatus?.state).toBe('RECONCILING');
  });

  test('tries the next checkpoint when the one that was seen is gone', () => {
    const seen = { jobId: JOB, process: 'p/0', path: 'file:///c/chk-9', triggeredAt: 0 };
    const recovering = {
      ...running,
      status: {
        ...running.status,
        jobStatus: { ...running.status?.jobStatus, upgradeSavepointPath: 'file:///c/chk-9' },
      },
    };
    const world = aSessionWorld(recovering, { seen, fresh: LATER }, [aJob('FAILED')]);
    const failure = {
      kind: 'ok',
      value: {
        type: 'java.io.IOException',
        message: "Cannot find checkpoint or savepoint file/directory 'file:///c/chk-9'",
      },
    } as const;
    const plan = decide({
      ...world,
      flink: { ...world.flink, failure, checkpoints: { kind: 'not-found', message: 'off' } },
    });
    expect(plan.status.jobStatus?.upgradeSavepointPath).toBe('file:///c/chk-10');
  });
});

describe('A job of which a snapshot is being asked for', () => {
  test('is not taken for lost: the target of that operation is no job', () => {
    const running = aRunningSessionJob();
    const operation = { id: 'b'.repeat(32), kind: 'snapshot', phase: 'creating', target: 'job-savepoint-periodic-1' };
    const asking = { ...running, status: { ...running.status, operation } };
    const plan = decide({ ...aSessionWorld(asking, {}, [aJob('RUNNING')]), now: NOW + 3_600_000 });
    expect(kinds(plan)).not.toContain('upload-jar');
    expect(plan.status.jobStatus).toMatchObject({ jobId: JOB, state: 'RUNNING' });
  });
});
