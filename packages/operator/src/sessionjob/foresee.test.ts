import type { FlinkSessionJob } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { known } from '../job/reading.ts';
import type { FlinkCheckpoints } from '../runtime/ports.ts';
import { changed, decide, deleting, kinds } from '../testing/session-plans.ts';
import {
  afterPlan,
  aRunningSessionJob,
  aSessionCluster,
  aSessionDeployment,
  aSessionJob,
  aSessionWorld,
  SESSION_POLICY,
} from '../testing/session-worlds.ts';
import { aDeployment, aJob, NOW } from '../testing/worlds.ts';
import { foreseeSessionJob } from './foresee.ts';
import type { SessionCluster, SessionJobWorld } from './world.ts';

const CHECKPOINT = { id: 7, path: 'file:///state/checkpoints/chk-7', stateSizeBytes: 2048, triggeredAt: NOW - 41_000 };
const OVERRIDES = { 'pipeline.jobvertex-parallelism-overrides': 'v1:4' };
const foreseen = (world: SessionJobWorld) => foreseeSessionJob(world, SESSION_POLICY);

/** The job runs on a cluster that serves. */
function running(
  sessionJob: FlinkSessionJob,
  more: Partial<FlinkCheckpoints> = { completed: CHECKPOINT },
  cluster: SessionCluster | undefined = aSessionCluster(),
): SessionJobWorld {
  const seen = aSessionWorld(sessionJob, { cluster: known(cluster, NOW) }, [aJob('RUNNING')]);
  const value = { completed: undefined, savepoint: undefined, restored: undefined, pendingSince: undefined, ...more };
  const requirements = { kind: 'ok', value: { v1: { lowerBound: 1, upperBound: 2 } } } as const;
  return { ...seen, flink: { ...seen.flink, checkpoints: { kind: 'ok', value }, requirements } };
}

function configured(sessionJob: FlinkSessionJob, flinkConfiguration: Record<string, string>): FlinkSessionJob {
  const next = changed(sessionJob, {});
  return { ...next, spec: { ...next.spec, flinkConfiguration } };
}

const scheduledBy = (scheduler: string, flinkVersion = 'v1_20'): SessionCluster => {
  const deployment = aSessionDeployment({ 'jobmanager.scheduler': scheduler });
  return aSessionCluster({ deployment: { ...deployment, spec: { ...deployment.spec, flinkVersion } as never } });
};

describe('A session job that is not there yet', () => {
  const away = (cluster: SessionCluster | undefined): SessionJobWorld => {
    const world = aSessionWorld(aSessionJob(), { cluster: known(cluster, NOW) });
    return { ...world, flink: { ...world.flink, jobs: undefined } };
  };

  test('is created on the cluster that is there', () => {
    expect(foreseen(aSessionWorld(aSessionJob()))).toEqual({
      change: 'create',
      differences: [],
      upgrade: undefined,
      state: { kind: 'empty' },
      restarts: { jobManager: false, taskManagers: false, job: true },
      downtime: undefined,
      firstSteps: ['upload-jar'],
      warnings: [],
    });
  });

  test('starts from the state that its user names', () => {
    const job = aSessionJob({ job: { initialSavepointPath: 'file:///sp' } });
    expect(foreseen(aSessionWorld(job)).state).toMatchObject({ kind: 'snapshot', path: 'file:///sp' });
  });

  test.each([
    ['does not exist', undefined, 'Waiting for the FlinkDeployment session, which does not exist in this namespace.'],
    [
      'has no JobManager',
      aSessionCluster({ jobManagerExists: false, reachable: false }),
      'Waiting for the session cluster session: there is no JobManager.',
    ],
    [
      'is not ready',
      aSessionCluster({ reachable: false }),
      'Waiting for the session cluster session: its JobManager is not ready.',
    ],
  ])('waits for a cluster that %s, and says so', (_, cluster, warning) => {
    expect(foreseen(away(cluster))).toMatchObject({ change: 'create', firstSteps: [], warnings: [warning] });
  });

  test('waits for a cluster that is being changed', () => {
    const deployment = aSessionDeployment();
    const operation = { id: '1', kind: 'upgrade', phase: 'stopping' } as const;
    const busy = aSessionCluster({ deployment: { ...deployment, status: { ...deployment.status, operation } } });
    const seen = aSessionWorld(aSessionJob(), { cluster: known(busy, NOW) });
    expect(foreseen(seen).warnings).toEqual(['Waiting for the session cluster session: it is being changed.']);
  });

  test('takes a cluster that cannot be asked from here to be ready when its status says so', () => {
    const seen = aSessionWorld(aSessionJob());
    const jobs = { kind: 'unknown', reason: 'unreachable', message: 'no route', maybeDone: false } as const;
    expect(foreseen({ ...seen, flink: { ...seen.flink, jobs } })).toMatchObject({
      change: 'create',
      firstSteps: ['upload-jar'],
      warnings: [
        'Flink could not be asked from here (no route): the session cluster is taken to be ready, as its status says.',
      ],
    });
  });

  test('is nothing when it is to be suspended', () => {
    const suspended = aSessionJob({ job: { state: 'suspended' } });
    expect(foreseen(aSessionWorld(suspended))).toMatchObject({ change: 'nothing', firstSteps: [] });
  });

  test('is refused on an application cluster', () => {
    const deployment = aDeployment({ metadata: { name: 'session' } });
    const seen = aSessionWorld(aSessionJob(), { cluster: known(aSessionCluster({ deployment }), NOW) });
    expect(foreseen(seen)).toMatchObject({
      change: 'invalid',
      warnings: ['The spec is invalid and would not be acted on: Can not submit session job to application cluster'],
    });
  });

  test('is nothing more while it is being started', () => {
    const starting = afterPlan(aSessionJob(), decide(aSessionWorld(aSessionJob())));
    expect(foreseen(aSessionWorld(starting))).toMatchObject({
      change: 'nothing',
      warnings: ['An operation is under way (deploy, deploying); it goes on.'],
    });
  });
});

describe('A new spec of a session job that runs', () => {
  const job = aRunningSessionJob();
  const inMode = (upgradeMode: 'savepoint' | 'last-state' | 'stateless') =>
    aRunningSessionJob({ job: { upgradeMode } });

  test('is nothing when it is the one that runs', () => {
    expect(foreseen(running(job))).toMatchObject({
      change: 'nothing',
      differences: [],
      state: { kind: 'kept' },
      restarts: { job: false },
      warnings: [],
    });
  });

  test('restarts the job from a new savepoint, and nothing of the cluster', () => {
    const seen = foreseen(running(changed(job, { parallelism: 4 })));
    expect(seen.differences[0]).toMatchObject({ field: 'job.parallelism', class: 'upgrade' });
    expect(seen).toMatchObject({
      change: 'upgrade',
      upgrade: { kind: 'now', mode: 'SAVEPOINT', asked: 'savepoint' },
      state: { kind: 'new-savepoint', path: 'file:///state/savepoints', sizeBytes: 2048 },
      restarts: { jobManager: false, taskManagers: false, job: true },
      firstSteps: ['stop-with-savepoint'],
      warnings: [],
    });
  });

  test('starts from the newest checkpoint in last-state mode, with path, age and size', () => {
    const high = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 'file:///ha' };
    for (const cluster of [aSessionCluster(), aSessionCluster({ deployment: aSessionDeployment(high) })]) {
      expect(foreseen(running(changed(inMode('last-state'), { parallelism: 4 }), undefined, cluster))).toMatchObject({
        upgrade: { kind: 'now', mode: 'CANCEL' },
        state: { kind: 'checkpoint', path: CHECKPOINT.path, ageMs: 41_000, sizeBytes: 2048 },
        firstSteps: ['cancel-job'],
      });
    }
  });

  test('says which other mode is used, and why', () => {
    const seen = foreseen(running(changed(inMode('last-state'), { parallelism: 4 }), {}));
    expect(seen.upgrade).toMatchObject({ kind: 'now', mode: 'SAVEPOINT', asked: 'last-state' });
    expect(seen.warnings).toEqual([
      'The upgrade mode is last-state, but savepoint will be used: last-state without HA metadata, the job runs without any checkpoint: stop with savepoint.',
    ]);
  });

  test('says that stateless drops what is there', () => {
    const seen = foreseen(running(changed(inMode('stateless'), { parallelism: 4 })));
    expect(seen).toMatchObject({ upgrade: { mode: 'STATELESS' }, state: { kind: 'empty' } });
    expect(seen.warnings).toEqual(['The job has checkpoints, and upgradeMode stateless drops its state.']);
  });

  test('has to wait while its cluster does not answer, and the job stays as it is', () => {
    const seen = running(changed(job, { parallelism: 4 }), {}, aSessionCluster({ reachable: false }));
    expect(foreseen({ ...seen, flink: { ...seen.flink, jobs: undefined } })).toMatchObject({
      change: 'upgrade',
      upgrade: { kind: 'waits', because: 'Waiting for the session cluster session: its JobManager is not ready.' },
      state: { kind: 'kept' },
      warnings: [],
    });
  });

  test('takes the job to be as its status says where Flink cannot be asked from here', () => {
    const seen = running(changed(job, { parallelism: 4 }));
    const jobs = { kind: 'unknown', reason: 'unreachable', message: 'no route', maybeDone: false } as const;
    const foresight = foreseen({ ...seen, flink: { ...seen.flink, jobs, checkpoints: jobs } });
    expect(foresight.upgrade).toMatchObject({ kind: 'now', mode: 'SAVEPOINT' });
    expect(foresight.warnings[0]).toContain('the job is taken to be RUNNING');
  });

  test('rescales in place on the adaptive scheduler', () => {
    const seen = running(configured(job, OVERRIDES), undefined, scheduledBy('adaptive'));
    expect(foreseen(seen)).toMatchObject({
      change: 'rescale',
      upgrade: undefined,
      state: { kind: 'kept' },
      restarts: { job: false },
      firstSteps: ['rescale-job'],
      warnings: [],
    });
  });

  test.each([
    ['another scheduler', scheduledBy('default')],
    ['a version of Flink that cannot rescale', scheduledBy('adaptive', 'v1_17')],
  ])('is an upgrade on %s', (_, cluster) => {
    expect(foreseen(running(configured(job, OVERRIDES), undefined, cluster)).change).toBe('upgrade');
  });

  test('is an upgrade where Flink itself refuses to rescale', () => {
    const seen = running(configured(job, OVERRIDES), undefined, scheduledBy('adaptive'));
    const requirements = { kind: 'rejected', status: 400, message: 'not adaptive' } as const;
    expect(foreseen({ ...seen, flink: { ...seen.flink, requirements } })).toMatchObject({
      change: 'upgrade',
      upgrade: { kind: 'now', mode: 'SAVEPOINT' },
    });
  });

  test('is refused when it names another cluster, and the job stays', () => {
    const next = changed(job, {});
    const moved = { ...next, spec: { ...next.spec, deploymentName: 'other' } };
    for (const cluster of [undefined, aSessionCluster()]) {
      expect(foreseen(running(moved, undefined, cluster))).toMatchObject({
        change: 'invalid',
        differences: [],
        state: { kind: 'kept' },
        warnings: ["The spec is invalid and would not be acted on: The deploymentName can't be changed"],
      });
    }
  });

  test('is refused when it is invalid', () => {
    const seen = foreseen(running(changed(job, { parallelism: 0 })));
    expect(seen).toMatchObject({ change: 'invalid', firstSteps: [] });
    expect(seen.warnings[0]).toContain('Job parallelism must be larger than 0');
  });

  test('does not matter while the object is being deleted', () => {
    expect(foreseen(running(deleting(changed(job, { parallelism: 4 }))))).toMatchObject({
      change: 'nothing',
      warnings: ['It is being deleted, and nothing else is done about it.'],
    });
  });

  test('is a redeployment from the path its user names', () => {
    const next = changed(job, { savepointRedeployNonce: 1, initialSavepointPath: 'file:///mine' });
    expect(foreseen(running(next))).toMatchObject({
      change: 'redeploy',
      state: { kind: 'snapshot', path: 'file:///mine' },
      firstSteps: ['cancel-job'],
    });
  });

  test('takes the downtime from the last times', () => {
    const lastOperations = [8, 3, 5].map((seconds) => ({
      kind: 'upgrade',
      downAt: new Date(NOW).toISOString(),
      upAt: new Date(NOW + seconds * 1000).toISOString(),
    }));
    const next = changed({ ...job, status: { ...job.status, lastOperations } }, { parallelism: 4 });
    expect(foreseen(running(next)).downtime).toEqual({ expectedMs: 5000, longestMs: 8000, basedOn: 3 });
  });

  test('starts a job that its cluster lost, from the newest state that is known', () => {
    const seen = { jobId: 'b'.repeat(32), path: CHECKPOINT.path, process: 'p', triggeredAt: 0 };
    const next = changed(job, { parallelism: 4 });
    const lost = aSessionWorld(next, { seen, now: NOW + 3_600_000 }, []);
    expect(foreseen(lost)).toMatchObject({
      change: 'upgrade',
      upgrade: { kind: 'now', mode: 'NOOP', because: 'the session cluster lost the job: start from what is known' },
      state: { kind: 'snapshot', path: CHECKPOINT.path },
      firstSteps: ['upload-jar'],
    });
  });

  test('is the decision itself: its first steps are those of the plan', () => {
    const seen = running(changed(job, { parallelism: 4 }));
    expect(foreseen(seen).firstSteps).toEqual(kinds(decide(seen)));
  });
});

describe('The suspension of a session job', () => {
  const wish = changed(aRunningSessionJob(), { state: 'suspended' });

  test('keeps its state in a new savepoint', () => {
    expect(foreseen(running(wish))).toMatchObject({
      change: 'suspend',
      upgrade: { kind: 'now', mode: 'SAVEPOINT' },
      state: { kind: 'new-savepoint' },
      downtime: undefined,
    });
  });

  test('ends with a start from that savepoint', () => {
    const stopping = afterPlan(wish, decide(running(wish)));
    const seen = running(stopping);
    const savepoint = { kind: 'ok', value: { kind: 'completed', location: 'file:///sp/1' } } as const;
    const jobs = { kind: 'ok', value: [aJob('FINISHED')] } as const;
    const suspended = afterPlan(stopping, decide({ ...seen, flink: { ...seen.flink, jobs, savepoint } }));
    expect(foreseen(aSessionWorld(suspended))).toMatchObject({ change: 'nothing', state: { kind: 'none' } });
    expect(foreseen(aSessionWorld(changed(suspended, { state: 'running' })))).toMatchObject({
      change: 'resume',
      state: { kind: 'snapshot', path: 'file:///sp/1' },
      firstSteps: ['upload-jar'],
    });
    const stateless = changed(suspended, { state: 'running', upgradeMode: 'stateless' });
    expect(foreseen(aSessionWorld(stateless)).state).toEqual({ kind: 'empty' });
  });
});
