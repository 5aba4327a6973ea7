import type { FlinkSessionJob } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { known, unknown } from '../job/reading.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import {
  afterPlan,
  aRunningSessionJob,
  aSessionCluster,
  aSessionDeployment,
  aSessionJob,
  aSessionWorld,
  SESSION_POLICY,
} from '../testing/session-worlds.ts';
import { aJob, NOW } from '../testing/worlds.ts';
import { decideSessionJob } from './decide.ts';
import type { SessionJobPlan } from './plan.ts';
import type { FailedSubmission } from './submissions.ts';
import type { SessionJobWorld } from './world.ts';

const JOB = 'b'.repeat(32);
const OPERATION = 'a'.repeat(32);
const LATER = { operationId: 'd'.repeat(32), jobId: 'e'.repeat(32) };

const kinds = (plan: SessionJobPlan): string[] => plan.steps.map((step) => step.kind);
const decide = (world: SessionJobWorld): SessionJobPlan => decideSessionJob(world, SESSION_POLICY);
const ready = (plan: SessionJobPlan) => (plan.settled ?? plan.status).conditions?.find((one) => one.type === 'Ready');

function changed(sessionJob: FlinkSessionJob, job: Record<string, unknown>): FlinkSessionJob {
  return {
    ...sessionJob,
    metadata: { ...sessionJob.metadata, generation: (sessionJob.metadata.generation ?? 1) + 1 },
    spec: { ...sessionJob.spec, job: { ...sessionJob.spec.job, ...job } },
  };
}

function deleting(sessionJob: FlinkSessionJob, at = NOW): FlinkSessionJob {
  return { ...sessionJob, metadata: { ...sessionJob.metadata, deletionTimestamp: new Date(at).toISOString() } };
}

function failure(changes: Partial<FailedSubmission> = {}): FailedSubmission {
  return {
    ...{ kind: 'failed', operationId: OPERATION, stage: 'upload', certain: true, at: NOW, attempts: 1 },
    message: 'There is no https://jars.example.com/job.jar (404).',
    ...changes,
  };
}

describe('The first start', () => {
  test('records job id, spec and operation before the jar is fetched', () => {
    const plan = decide(aSessionWorld(aSessionJob({ metadata: { finalizers: [] } })));
    expect(kinds(plan)).toEqual(['add-finalizer', 'upload-jar']);
    expect(plan.status).toMatchObject({
      lifecycleState: 'UPGRADING',
      jobStatus: { jobId: JOB, state: 'RECONCILING' },
      observedGeneration: 1,
      operation: { id: OPERATION, kind: 'deploy', phase: 'deploying', target: JOB },
      reconciliationStatus: { state: 'UPGRADING' },
    });
    expect(plan.settled).toBeUndefined();
    expect(plan.events).toMatchObject([{ reason: 'Submit', component: 'Job', message: 'Starting deployment' }]);
    expect(lastReconciled<'FlinkSessionJob'>(plan.status)).toMatchObject({
      firstDeployment: true,
      spec: { job: { state: 'suspended', upgradeMode: 'stateless' } },
    });
  });

  test('records which jar is run before it is run, under the job id that was chosen', () => {
    const uploading = afterPlan(aSessionJob(), decide(aSessionWorld(aSessionJob())));
    const submission = { kind: 'uploaded', operationId: OPERATION, jarId: 'jar-1' } as const;
    const plan = decide(aSessionWorld(uploading, { submission, fresh: LATER }));
    expect(plan.status.operation).toMatchObject({
      id: OPERATION,
      phase: 'submitting',
      triggerId: 'jar-1',
      target: JOB,
    });
    expect(plan.steps).toMatchObject([
      { kind: 'run-jar', run: { operationId: OPERATION, jarId: 'jar-1', request: { jobId: JOB, parallelism: 2 } } },
    ]);
  });

  test('is over when Flink lists the job, and the jar is deleted then', () => {
    const uploading = afterPlan(aSessionJob(), decide(aSessionWorld(aSessionJob())));
    const submission = { kind: 'uploaded', operationId: OPERATION, jarId: 'jar-1' } as const;
    const submitting = afterPlan(uploading, decide(aSessionWorld(uploading, { submission })));
    const plan = decide(aSessionWorld(submitting, {}, [aJob('RUNNING')]));
    expect(plan.steps).toEqual([{ kind: 'delete-jar', jarId: 'jar-1' }]);
    expect(plan.status.operation?.phase).toBe('submitting');
    expect(plan.settled).toMatchObject({
      lifecycleState: 'DEPLOYED',
      reconciliationStatus: { state: 'DEPLOYED' },
      jobStatus: { jobId: JOB, state: 'RECONCILING' },
    });
    expect(plan.settled?.operation).toBeUndefined();
  });

  test('is stable once the job was seen RUNNING', () => {
    const running = aRunningSessionJob();
    expect(running.status).toMatchObject({
      lifecycleState: 'STABLE',
      jobStatus: { state: 'RUNNING', jobName: 'a job' },
    });
    expect(running.status?.conditions?.find((one) => one.type === 'Ready')).toMatchObject({ status: 'True' });
    expect(running.status?.conditions?.find((one) => one.type === 'Running')).toMatchObject({
      status: 'True',
      reason: 'Running',
      message: 'Job status RUNNING',
    });
  });

  test('takes the state from initialSavepointPath where there is one', () => {
    const created = aSessionJob({ job: { initialSavepointPath: 'file:///sp' } });
    const plan = decide(aSessionWorld(created));
    expect(plan.status.jobStatus?.upgradeSavepointPath).toBe('file:///sp');
    expect(lastReconciled<'FlinkSessionJob'>(plan.status)?.spec.job?.upgradeMode).toBe('savepoint');
    const submission = { kind: 'uploaded', operationId: OPERATION, jarId: 'jar-1' } as const;
    const run = decide(aSessionWorld(afterPlan(created, plan), { submission }));
    expect(run.steps).toMatchObject([{ run: { request: { savepointPath: 'file:///sp' } } }]);
  });

  test('of a suspended job does nothing', () => {
    const plan = decide(aSessionWorld(aSessionJob({ job: { state: 'suspended' } })));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.operation).toBeUndefined();
  });

  test('of an invalid spec only tells why', () => {
    const plan = decide(aSessionWorld(aSessionJob({ job: { parallelism: 0 } })));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.error).toContain('Job parallelism must be larger than 0');
    expect(plan.events).toMatchObject([{ reason: 'ValidationError', component: 'Operator' }]);
    expect(ready(plan)).toMatchObject({ status: 'False', reason: 'ValidationError' });
  });

  test.each([
    ['does not exist', { cluster: known(undefined, NOW) }, 'SessionClusterMissing'],
    ['is not known', { cluster: unknown('the caches are not filled yet', NOW) }, 'SessionClusterUnknown'],
    [
      'does not answer',
      {
        flink: { ...aSessionWorld(aSessionJob()).flink, jobs: undefined },
        cluster: known(aSessionCluster({ reachable: false }), NOW),
      },
      'SessionClusterNotReady',
    ],
    [
      'is being replaced',
      {
        cluster: known(
          aSessionCluster({
            deployment: aSessionDeployment(
              {},
              {
                status: { jobManagerDeploymentStatus: 'READY', reconciliationStatus: { state: 'UPGRADING' } },
              },
            ),
          }),
          NOW,
        ),
      },
      'SessionClusterNotReady',
    ],
  ] as const)('waits for a cluster that %s, and says so', (_what, more, reason) => {
    const plan = decide(aSessionWorld(aSessionJob(), more as Partial<SessionJobWorld>));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.operation).toBeUndefined();
    expect(ready(plan)).toMatchObject({ status: 'False', reason });
    expect(plan.status.summary).toContain('session');
  });

  test('is refused on an application cluster', () => {
    const deployment = { ...aSessionDeployment(), spec: { ...aSessionDeployment().spec, job: { parallelism: 1 } } };
    const plan = decide(aSessionWorld(aSessionJob(), { cluster: known(aSessionCluster({ deployment }), NOW) }));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.error).toContain('Can not submit session job to application cluster');
  });
});

describe('A start that is interrupted', () => {
  const uploading = afterPlan(aSessionJob(), decide(aSessionWorld(aSessionJob())));
  const uploaded = { kind: 'uploaded', operationId: OPERATION, jarId: 'jar-1' } as const;
  const submitting = afterPlan(uploading, decide(aSessionWorld(uploading, { submission: uploaded })));

  test('begins the upload again under the same ids', () => {
    const plan = decide(aSessionWorld(uploading, { fresh: LATER }));
    expect(plan.steps).toMatchObject([{ kind: 'upload-jar', upload: { operationId: OPERATION } }]);
    expect(plan.status).toEqual(uploading.status);
  });

  test('runs the recorded jar again under the same job id, so that Flink refuses a second run', () => {
    const plan = decide(aSessionWorld(submitting, { fresh: LATER }));
    expect(plan.steps).toMatchObject([{ kind: 'run-jar', run: { jarId: 'jar-1', request: { jobId: JOB } } }]);
  });

  test('is not repeated while Flink does not say which jobs it has', () => {
    const flink = {
      ...aSessionWorld(submitting).flink,
      jobs: { kind: 'unknown', reason: 'timeout', message: 'no answer', maybeDone: false } as const,
    };
    expect(kinds(decide(aSessionWorld(submitting, { flink })))).toEqual([]);
  });

  test('takes the newer spec under the same job id while only the jar is on its way', () => {
    const plan = decide(aSessionWorld(changed(uploading, { parallelism: 4 }), { fresh: LATER }));
    expect(plan.status).toMatchObject({
      observedGeneration: 2,
      jobStatus: { jobId: JOB },
      operation: { id: LATER.operationId },
    });
    expect(kinds(plan)).toEqual(['upload-jar']);
  });

  test('does not take a newer spec while the run of the older one may start a job', () => {
    const plan = decide(aSessionWorld(changed(submitting, { parallelism: 4 }), { fresh: LATER }));
    expect(plan.status.observedGeneration).toBe(1);
    expect(plan.steps).toMatchObject([{ kind: 'run-jar', run: { request: { parallelism: 2 } } }]);
  });

  test('by a suspension starts nothing', () => {
    const plan = decide(aSessionWorld(changed(uploading, { state: 'suspended' }), { submission: uploaded }));
    expect(kinds(plan)).toEqual(['delete-jar']);
    expect(plan.status).toMatchObject({ lifecycleState: 'SUSPENDED' });
    expect(plan.status.operation).toBeUndefined();
  });
});

describe('A submission that fails', () => {
  const uploading = afterPlan(aSessionJob(), decide(aSessionWorld(aSessionJob())));

  test('is told, and tried again later and later without end', () => {
    const first = decide(aSessionWorld(uploading, { submission: failure() }));
    expect(kinds(first)).toEqual([]);
    expect(first.wakeUp).toEqual({ kind: 'after', ms: 5_000, jitter: false });
    expect(first.status.error).toContain('There is no https://jars.example.com/job.jar');
    expect(ready(first)).toMatchObject({ status: 'False', reason: 'SubmissionFailed' });
    const hundredth = decide(aSessionWorld(uploading, { submission: failure({ attempts: 100 }) }));
    expect(hundredth.wakeUp).toEqual({ kind: 'after', ms: 300_000, jitter: false });
    const due = decide(aSessionWorld(uploading, { submission: failure({ attempts: 100, at: NOW - 300_000 }) }));
    expect(kinds(due)).toEqual(['upload-jar']);
  });

  test('heals when the spec is corrected', () => {
    const corrected = changed(uploading, { jarURI: 'https://jars.example.com/right.jar' });
    const plan = decide(aSessionWorld(corrected, { submission: failure(), fresh: LATER }));
    expect(plan.steps).toMatchObject([{ kind: 'upload-jar', upload: { uri: 'https://jars.example.com/right.jar' } }]);
    expect(plan.status.error).toBeUndefined();
  });

  test('because Flink refuses the program begins anew with the jar, and the old one is deleted', () => {
    const uploaded = { kind: 'uploaded', operationId: OPERATION, jarId: 'jar-1' } as const;
    const submitting = afterPlan(uploading, decide(aSessionWorld(uploading, { submission: uploaded })));
    const refused = failure({ stage: 'run', message: 'ProgramInvocationException: no main class' });
    const plan = decide(aSessionWorld(submitting, { submission: refused }));
    expect(plan.steps).toEqual([{ kind: 'delete-jar', jarId: 'jar-1' }]);
    expect(plan.status.operation).toMatchObject({ id: OPERATION, phase: 'deploying', target: JOB });
    expect(plan.status.operation?.triggerId).toBeUndefined();
    expect(plan.status.error).toContain('no main class');
  });

  test('without an answer asks again for the same run', () => {
    const uploaded = { kind: 'uploaded', operationId: OPERATION, jarId: 'jar-1' } as const;
    const submitting = afterPlan(uploading, decide(aSessionWorld(uploading, { submission: uploaded })));
    const unheard = failure({ stage: 'run', certain: false, at: NOW - 5_000 });
    const plan = decide(aSessionWorld(submitting, { submission: unheard }));
    expect(plan.steps).toMatchObject([{ kind: 'run-jar', run: { jarId: 'jar-1' } }]);
  });

  test('after a listed job is no failure any more', () => {
    const uploaded = { kind: 'uploaded', operationId: OPERATION, jarId: 'jar-1' } as const;
    const submitting = afterPlan(uploading, decide(aSessionWorld(uploading, { submission: uploaded })));
    const refused = failure({ stage: 'run', message: 'Could not execute application.' });
    const failed = { ...aJob('FAILED') };
    const flink = { ...aSessionWorld(submitting).flink, checkpoints: { kind: 'not-found', message: 'off' } as const };
    const plan = decide(
      aSessionWorld(submitting, { submission: refused, flink: { ...flink, jobs: { kind: 'ok', value: [failed] } } }),
    );
    expect(plan.settled?.reconciliationStatus?.state).toBe('DEPLOYED');
  });
});

describe('An upgrade', () => {
  const running = aRunningSessionJob();

  test('with a savepoint records the operation, whose id is the trigger id', () => {
    const plan = decide(aSessionWorld(changed(running, { parallelism: 4 }), { fresh: LATER }, [aJob('RUNNING')]));
    expect(plan.status.operation).toMatchObject({
      id: LATER.operationId,
      kind: 'upgrade',
      phase: 'stopping',
      target: JOB,
    });
    expect(plan.steps).toMatchObject([
      {
        kind: 'stop-with-savepoint',
        request: { jobId: JOB, triggerId: LATER.operationId, targetDirectory: 'file:///state/savepoints' },
      },
    ]);
    expect(plan.events.map((event) => event.reason)).toEqual(['SpecChanged', 'Suspended']);
    expect(plan.status.lifecycleState).toBe('UPGRADING');
  });

  test('starts the new job from the savepoint under another id', () => {
    const wanted = changed(running, { parallelism: 4 });
    const stopping = afterPlan(wanted, decide(aSessionWorld(wanted, { fresh: LATER }, [aJob('RUNNING')])));
    const flink = {
      ...aSessionWorld(stopping).flink,
      jobs: { kind: 'ok', value: [aJob('FINISHED')] } as const,
      savepoint: { kind: 'ok', value: { kind: 'completed', location: 'file:///state/savepoints/1' } } as const,
    };
    const plan = decide(
      aSessionWorld(stopping, { fresh: { operationId: 'f'.repeat(32), jobId: 'c'.repeat(32) }, flink }),
    );
    const status = plan.settled ?? plan.status;
    expect(status).toMatchObject({
      jobStatus: { jobId: 'c'.repeat(32), state: 'RECONCILING', upgradeSavepointPath: 'file:///state/savepoints/1' },
      operation: { kind: 'upgrade', phase: 'deploying', target: 'c'.repeat(32) },
      observedGeneration: 2,
    });
  });

  test('of a stateless job cancels it and starts without state', () => {
    const wanted = changed(aRunningSessionJob({ job: { upgradeMode: 'stateless' } }), { parallelism: 4 });
    const first = decide(aSessionWorld(wanted, { fresh: LATER }, [aJob('RUNNING')]));
    expect(first.steps).toEqual([{ kind: 'cancel-job', jobId: JOB }]);
    const second = decide(aSessionWorld(afterPlan(wanted, first), { fresh: LATER }, []));
    expect(kinds(second)).toEqual(['upload-jar']);
    expect(second.status.jobStatus).toMatchObject({ jobId: LATER.jobId, upgradeSavepointPath: null });
  });

  test('with last-state cancels and starts from the newest checkpoint', () => {
    const wanted = changed(aRunningSessionJob({ job: { upgradeMode: 'last-state' } }), { parallelism: 4 });
    const completed = { id: 7, path: 'file:///state/checkpoints/7', stateSizeBytes: 1, triggeredAt: NOW };
    const checkpoints = {
      kind: 'ok',
      value: { completed, savepoint: undefined, restored: undefined, pendingSince: undefined },
    } as const;
    const world = aSessionWorld(wanted, { fresh: LATER }, [aJob('RUNNING')]);
    const first = decide({ ...world, flink: { ...world.flink, checkpoints } });
    expect(first.steps).toEqual([{ kind: 'cancel-job', jobId: JOB }]);
    const cancelling = afterPlan(wanted, first);
    const ended = aSessionWorld(cancelling, { fresh: LATER }, [aJob('CANCELED')]);
    const seen = afterPlan(cancelling, decide({ ...ended, flink: { ...ended.flink, checkpoints } }));
    expect(seen.status?.operation?.phase).toBe('cancelling');
    const settled = aSessionWorld(seen, { fresh: LATER, now: NOW + 5_000 }, [aJob('CANCELED')]);
    const second = decide({ ...settled, flink: { ...settled.flink, checkpoints } });
    expect(second.status.jobStatus).toMatchObject({ jobId: LATER.jobId, upgradeSavepointPath: completed.path });
  });

  test('of an option of the operator needs no restart', () => {
    const wanted = {
      ...running,
      metadata: { ...running.metadata, generation: 2 },
      spec: { ...running.spec, flinkConfiguration: { 'kubernetes.operator.job.restart.failed': 'true' } },
    };
    const plan = decide(aSessionWorld(wanted, {}, [aJob('RUNNING')]));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status).toMatchObject({ observedGeneration: 2, lifecycleState: 'STABLE' });
  });

  test('by restartNonce is one', () => {
    const wanted = {
      ...running,
      metadata: { ...running.metadata, generation: 2 },
      spec: { ...running.spec, restartNonce: 1 },
    };
    expect(kinds(decide(aSessionWorld(wanted, {}, [aJob('RUNNING')])))).toEqual(['stop-with-savepoint']);
  });

  test('to an invalid spec leaves the running job alone', () => {
    const plan = decide(aSessionWorld(changed(running, { parallelism: -1 }), {}, [aJob('RUNNING')]));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status).toMatchObject({ observedGeneration: 1, lifecycleState: 'STABLE' });
    expect(plan.status.error).toContain('ValidationException');
  });

  test('whose savepoint fails lets the job go on and tries again', () => {
    const wanted = changed(running, { parallelism: 4 });
    const stopping = afterPlan(wanted, decide(aSessionWorld(wanted, { fresh: LATER }, [aJob('RUNNING')])));
    const savepoint = {
      kind: 'ok',
      value: { kind: 'failed', failure: { type: 'java.io.IOException', message: 'disk full' }, savepoint: undefined },
    } as const;
    const world = aSessionWorld(stopping, {}, [aJob('RUNNING')]);
    const plan = decide({ ...world, flink: { ...world.flink, savepoint } });
    expect(plan.status.operation?.phase).toBe('failed');
    expect(plan.status.error).toContain('disk full');
    const later = decide(aSessionWorld(afterPlan(wanted, plan), { now: NOW + 10_001 }, [aJob('RUNNING')]));
    expect(kinds(later)).toEqual(['stop-with-savepoint']);
  });
});

describe('Suspension and resumption', () => {
  const running = aRunningSessionJob();

  test('leave the job id away and keep where the state is', () => {
    const wanted = changed(running, { state: 'suspended' });
    const stopping = afterPlan(wanted, decide(aSessionWorld(wanted, { fresh: LATER }, [aJob('RUNNING')])));
    expect(stopping.status?.operation?.kind).toBe('suspend');
    const world = aSessionWorld(stopping, {}, [aJob('FINISHED')]);
    const savepoint = { kind: 'ok', value: { kind: 'completed', location: 'file:///sp' } } as const;
    const plan = decide({ ...world, flink: { ...world.flink, savepoint } });
    const status = plan.settled ?? plan.status;
    expect(status).toMatchObject({
      lifecycleState: 'SUSPENDED',
      jobStatus: { jobId: null, state: 'FINISHED', upgradeSavepointPath: 'file:///sp' },
      reconciliationStatus: { state: 'DEPLOYED' },
    });
    expect(status.reconciliationStatus?.lastStableSpec).toBe(status.reconciliationStatus?.lastReconciledSpec);
    const resumed = changed({ ...stopping, status }, { state: 'running' });
    const again = decide(aSessionWorld(resumed, { fresh: LATER }));
    expect(again.status.jobStatus).toMatchObject({ jobId: LATER.jobId, upgradeSavepointPath: 'file:///sp' });
    expect(again.events.map((event) => event.reason)).toEqual(['SpecChanged', 'Submit']);
  });
});

describe('A start from a named savepoint', () => {
  const running = aRunningSessionJob();

  test('cancels the job first, and is recorded as a first one', () => {
    const wanted = changed(running, { savepointRedeployNonce: 1, initialSavepointPath: 'file:///named' });
    const first = decide(aSessionWorld(wanted, { fresh: LATER }, [aJob('RUNNING')]));
    expect(first.steps).toEqual([{ kind: 'cancel-job', jobId: JOB }]);
    expect(first.status.operation).toMatchObject({ kind: 'redeploy', phase: 'cancelling' });
    const second = decide(aSessionWorld(afterPlan(wanted, first), { fresh: LATER }, []));
    expect(second.status.jobStatus).toMatchObject({ jobId: LATER.jobId, upgradeSavepointPath: 'file:///named' });
    expect(lastReconciled<'FlinkSessionJob'>(second.status)).toMatchObject({
      firstDeployment: true,
      spec: { job: { upgradeMode: 'savepoint' } },
    });
  });

  test('without a path is refused, and the job runs on', () => {
    const plan = decide(aSessionWorld(changed(running, { savepointRedeployNonce: 1 }), {}, [aJob('RUNNING')]));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.error).toContain('initialSavepointPath');
  });
});

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
    const seen = { jobId: JOB, process: 'p/0', path: 'file:///state/checkpoints/chk-9' };
    const plan = lost(running, { seen });
    expect(plan.status).toMatchObject({
      jobStatus: { jobId: LATER.jobId, upgradeSavepointPath: seen.path },
      operation: { kind: 'recover' },
    });
    expect(plan.events.map((event) => event.reason)).toEqual(['Missing', 'RecoverJob', 'Submit']);
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
    const seen = { jobId: JOB, process: 'p/0', path: 'file:///c/chk-9' };
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

  test('waits for a cluster that does not answer, but not for ever', () => {
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

describe('What another operator left', () => {
  test('is taken over without a restart', () => {
    const { operation: _, conditions: __, summary: ___, ...status } = aRunningSessionJob().status ?? {};
    const plan = decide(aSessionWorld(aSessionJob({ status }), {}, [aJob('RUNNING')]));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status).toMatchObject({ lifecycleState: 'STABLE', jobStatus: { jobId: JOB } });
  });

  test('between record and submission is submitted under the recorded id', () => {
    const { operation: _, ...status } = decide(aSessionWorld(aSessionJob())).status;
    const plan = decide(aSessionWorld(aSessionJob({ status }), { fresh: LATER }));
    expect(plan.status).toMatchObject({ jobStatus: { jobId: JOB }, operation: { target: JOB } });
    const made = decide(aSessionWorld(aSessionJob({ status }), { fresh: LATER }, [aJob('RUNNING')]));
    expect(kinds(made)).toEqual([]);
    expect(made.status.reconciliationStatus?.state).toBe('DEPLOYED');
  });

  test('under a newer leader is left to it', () => {
    const running = aRunningSessionJob();
    const operation = { id: 'x', kind: 'upgrade', phase: 'stopping', epoch: 9 };
    const plan = decide(aSessionWorld({ ...running, status: { ...running.status, operation } }, { epoch: 3 }, []));
    expect(kinds(plan)).toEqual([]);
  });
});
