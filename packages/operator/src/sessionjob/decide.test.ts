import { describe, expect, test } from 'vitest';
import { known, unknown } from '../job/reading.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import { changed, decide, failure, JOB, kinds, LATER, OPERATION, ready } from '../testing/session-plans.ts';
import {
  afterPlan,
  aRunningSessionJob,
  aSessionCluster,
  aSessionDeployment,
  aSessionJob,
  aSessionWorld,
} from '../testing/session-worlds.ts';
import { aJob, NOW } from '../testing/worlds.ts';
import type { SessionJobWorld } from './world.ts';

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
