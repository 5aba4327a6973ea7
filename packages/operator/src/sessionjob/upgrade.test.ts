import type { FlinkSessionJob } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { lastReconciled } from '../job/recorded-spec.ts';
import { changed, decide, JOB, kinds, LATER } from '../testing/session-plans.ts';
import { afterPlan, aRunningSessionJob, aSessionWorld } from '../testing/session-worlds.ts';
import { aJob, NOW } from '../testing/worlds.ts';

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

  test('that its user takes back, or spoils, while the job is cancelled goes on from what the job left', () => {
    const wanted = changed(running, { savepointRedeployNonce: 1, initialSavepointPath: 'file:///named' });
    const cancelling = afterPlan(wanted, decide(aSessionWorld(wanted, { fresh: LATER }, [aJob('RUNNING')])));
    const completed = { id: 7, path: 'file:///state/checkpoints/7', stateSizeBytes: 1, triggeredAt: NOW };
    const value = { completed, savepoint: undefined, restored: undefined, pendingSince: undefined };
    for (const job of [{}, { parallelism: -1 }, { savepointRedeployNonce: 1 }]) {
      const other = {
        ...cancelling,
        spec: { ...running.spec, job: { ...running.spec.job, ...job } },
      } as FlinkSessionJob;
      const world = aSessionWorld(other, { fresh: LATER }, [aJob('CANCELED')]);
      const seen = afterPlan(
        other,
        decide({ ...world, flink: { ...world.flink, checkpoints: { kind: 'ok', value } } }),
      );
      const later = { fresh: LATER, now: NOW + 60_000 };
      const again = aSessionWorld(seen, later, [aJob('CANCELED')]);
      const { status } = decide({ ...again, flink: { ...again.flink, checkpoints: { kind: 'ok', value } } });
      expect(status.jobStatus).toMatchObject({ jobId: LATER.jobId, upgradeSavepointPath: completed.path });
    }
  });

  test('without a path is refused, and the job runs on', () => {
    const plan = decide(aSessionWorld(changed(running, { savepointRedeployNonce: 1 }), {}, [aJob('RUNNING')]));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.error).toContain('initialSavepointPath');
  });
});
