import { describe, expect, test } from 'vitest';
import { known } from '../job/reading.ts';
import { decide, deleting, JOB, kinds, LATER, OPERATION } from '../testing/session-plans.ts';
import {
  afterPlan,
  aRunningSessionJob,
  aSessionCluster,
  aSessionJob,
  aSessionWorld,
} from '../testing/session-worlds.ts';
import { aJob, NOW } from '../testing/worlds.ts';

describe('A deletion', () => {
  const running = aRunningSessionJob();

  test('cancels the job, and ends when that is over', () => {
    const first = decide(aSessionWorld(deleting(running), { fresh: LATER }, [aJob('RUNNING')]));
    expect(first.steps).toEqual([{ kind: 'cancel-job', jobId: JOB }]);
    expect(first.status).toMatchObject({
      lifecycleState: 'DELETING',
      operation: { kind: 'delete', phase: 'cancelling' },
    });
    expect(first.events.map((event) => event.reason)).toContain('Cleanup');
    const second = decide(aSessionWorld(afterPlan(deleting(running), first), {}, [aJob('CANCELLING')]));
    expect(kinds(second)).toEqual([]);
    const third = decide(aSessionWorld(afterPlan(deleting(running), first), {}, [aJob('CANCELED')]));
    expect(kinds(third)).toEqual(['remove-finalizer']);
  });

  test('takes a savepoint first where that is wanted', () => {
    const wanted = aRunningSessionJob({
      spec: { flinkConfiguration: { 'kubernetes.operator.job.savepoint-on-deletion': 'true' } },
    });
    const first = decide(aSessionWorld(deleting(wanted), { fresh: LATER }, [aJob('RUNNING')]));
    expect(kinds(first)).toEqual(['stop-with-savepoint']);
    const world = aSessionWorld(afterPlan(deleting(wanted), first), {}, [aJob('FINISHED')]);
    const savepoint = { kind: 'ok', value: { kind: 'completed', location: 'file:///sp' } } as const;
    const second = decide({ ...world, flink: { ...world.flink, savepoint } });
    expect(kinds(second)).toEqual(['remove-finalizer']);
    expect(second.events).toMatchObject([{ reason: 'SavepointTaken', message: expect.stringContaining('file:///sp') }]);
  });

  test.each([
    ['the cluster is gone', { cluster: known(undefined, NOW) }],
    [
      'there is no JobManager any more',
      {
        cluster: known(aSessionCluster({ jobManagerExists: false, reachable: false }), NOW),
        flink: { ...aSessionWorld(running).flink, jobs: undefined },
      },
    ],
  ] as const)('ends at once when %s', (_what, more) => {
    expect(kinds(decide(aSessionWorld(deleting(running), more)))).toEqual(['remove-finalizer']);
  });

  test('12.1 item 10: waits for a cluster that does not answer, but not for ever', () => {
    const flink = {
      ...aSessionWorld(running).flink,
      jobs: { kind: 'unknown', reason: 'timeout', message: 'no answer', maybeDone: false } as const,
    };
    expect(kinds(decide(aSessionWorld(deleting(running), { flink })))).toEqual([]);
    const late = decide(aSessionWorld(deleting(running, NOW - 300_001), { flink }));
    expect(kinds(late)).toEqual(['remove-finalizer']);
    expect(late.events).toMatchObject([{ reason: 'Cleanup' }, { reason: 'CleanupFailed', type: 'Warning' }]);
  });

  test.each([
    ['that never was started', aSessionJob()],
    [
      'that is over',
      {
        ...running,
        status: { ...running.status, jobStatus: { ...running.status?.jobStatus, state: 'FINISHED' as const } },
      },
    ],
  ])('of a job %s needs nothing', (_what, job) => {
    expect(kinds(decide(aSessionWorld(deleting(job), {}, [])))).toEqual(['remove-finalizer']);
  });

  test('while a run is not answered yet waits for it', () => {
    const uploading = afterPlan(aSessionJob(), decide(aSessionWorld(aSessionJob())));
    const uploaded = { kind: 'uploaded', operationId: OPERATION, jarId: 'jar-1' } as const;
    const submitting = afterPlan(uploading, decide(aSessionWorld(uploading, { submission: uploaded })));
    const asked = { kind: 'running', operationId: OPERATION } as const;
    expect(kinds(decide(aSessionWorld(deleting(submitting), { submission: asked }, [])))).toEqual([]);
    const listed = decide(aSessionWorld(deleting(submitting), { submission: asked }, [aJob('RUNNING')]));
    expect(kinds(listed)).toEqual(['delete-jar', 'cancel-job']);
  });

  test('of an object without the finalizer is nobody’s business', () => {
    const plain = { ...running, metadata: { ...running.metadata, finalizers: [] } };
    expect(kinds(decide(aSessionWorld(deleting(plain), {}, [aJob('RUNNING')])))).toEqual([]);
  });
});
