import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { unknown } from '../job/reading.ts';
import type { FlinkCheckpoints } from '../runtime/ports.ts';
import { aSessionDeployment } from '../testing/session-worlds.ts';
import { aDeployment, aJob, aRunning, aWorld, haWith, POLICY, runningWorld, upgraded } from '../testing/worlds.ts';
import { decide } from './decide.ts';
import { foresee } from './foresee.ts';
import type { World } from './world.ts';

type Spec = FlinkDeployment['spec'];
const NOW = Date.parse('2026-01-01T00:00:00Z');
const CHECKPOINT = { id: 7, path: 'file:///state/checkpoints/chk-7', stateSizeBytes: 2048, triggeredAt: NOW - 41_000 };
const HA = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 'file:///state/ha' };

function next(deployment: FlinkDeployment, change: Partial<Spec>): FlinkDeployment {
  const metadata = { ...deployment.metadata, generation: (deployment.metadata.generation ?? 1) + 1 };
  return { ...deployment, metadata, spec: { ...deployment.spec, ...change } };
}

function world(deployment: FlinkDeployment, more: Partial<FlinkCheckpoints> = { completed: CHECKPOINT }): World {
  const seen = runningWorld(deployment);
  const value = { completed: undefined, savepoint: undefined, restored: undefined, pendingSince: undefined, ...more };
  return { ...seen, flink: { ...seen.flink, checkpoints: { kind: 'ok', value } } };
}

function running(upgradeMode: 'savepoint' | 'last-state' | 'stateless', configuration = {}): FlinkDeployment {
  return aRunning({ job: { upgradeMode }, configuration }).deployment;
}

describe('What a new spec would do', () => {
  test('is nothing for the spec that runs, although the record names another upgrade mode', () => {
    expect(foresee(world(running('savepoint')), POLICY)).toMatchObject({
      change: 'nothing',
      differences: [],
      state: { kind: 'kept' },
      restarts: { jobManager: false, taskManagers: false, job: false },
      downtime: undefined,
      firstSteps: [],
      warnings: [],
    });
  });

  test('to a deployment that is not there yet is its creation', () => {
    expect(foresee(aWorld(aDeployment()), POLICY)).toMatchObject({ change: 'create', state: { kind: 'empty' } });
    const from = aDeployment({ job: { initialSavepointPath: 'file:///sp' } });
    expect(foresee(aWorld(from), POLICY).state).toMatchObject({ kind: 'snapshot', path: 'file:///sp' });
  });

  test('with another image is an upgrade from a new savepoint', () => {
    expect(foresee(world(next(running('savepoint'), { image: 'flink:x' })), POLICY)).toMatchObject({
      change: 'upgrade',
      upgrade: {
        kind: 'now',
        mode: 'SAVEPOINT',
        asked: 'savepoint',
        because: 'savepoint, and the job runs: stop with savepoint',
      },
      state: { kind: 'new-savepoint', path: 'file:///state/savepoints', sizeBytes: 2048 },
      restarts: { jobManager: true, taskManagers: true, job: true },
      firstSteps: ['stop-with-savepoint'],
      warnings: [],
    });
  });

  test('in last-state mode without high availability starts from the newest checkpoint, with path, age and size', () => {
    const seen = foresee(world(next(running('last-state'), { image: 'flink:x' })), POLICY);
    expect(seen).toMatchObject({
      upgrade: { kind: 'now', mode: 'CANCEL' },
      state: { kind: 'checkpoint', path: CHECKPOINT.path, ageMs: 41_000, sizeBytes: 2048 },
    });
  });

  test('in last-state mode with high availability keeps its metadata', () => {
    const wanted = next(running('last-state', HA), { image: 'flink:x' });
    expect(foresee({ ...world(wanted), ha: haWith() }, POLICY)).toMatchObject({
      upgrade: { kind: 'now', mode: 'LAST_STATE' },
      state: { kind: 'checkpoint', path: CHECKPOINT.path },
    });
  });

  test('that has to wait says for what', () => {
    const wanted = next(running('last-state'), { image: 'flink:x' });
    expect(foresee(world(wanted, {}), POLICY).upgrade).toMatchObject({ kind: 'now', mode: 'SAVEPOINT' });
    const starting = runningWorld(wanted, aJob('CREATED'));
    const seen = foresee({ ...starting, ha: unknown('not read', NOW) }, POLICY);
    expect(seen.upgrade).toMatchObject({ kind: 'waits' });
    expect(seen.state).toEqual({ kind: 'kept' });
  });

  test('in another mode than the user asked for is said to be', () => {
    const wanted = next(running('last-state'), { image: 'flink:x' });
    expect(foresee(world(wanted, {}), POLICY).warnings).toEqual([
      'The upgrade mode is last-state, but savepoint will be used: last-state without HA metadata, the job runs without any checkpoint: stop with savepoint.',
    ]);
  });

  test('that drops state warns', () => {
    const seen = foresee(world(next(running('stateless'), { image: 'flink:x' })), POLICY);
    expect(seen).toMatchObject({ upgrade: { mode: 'STATELESS' }, state: { kind: 'empty' } });
    expect(seen.warnings).toEqual(['The job has checkpoints, and upgradeMode stateless drops its state.']);
  });

  test('that is a suspension, and the way back', () => {
    const deployment = running('stateless');
    const suspended = next(deployment, { job: { ...deployment.spec.job, state: 'suspended' } });
    expect(foresee(world(suspended), POLICY)).toMatchObject({ change: 'suspend', restarts: { job: true } });
  });

  test('that is being carried out already is nothing more', () => {
    const deployment = next(running('stateless'), { image: 'flink:x' });
    const begun = upgraded(deployment, decide(world(deployment), POLICY));
    expect(foresee(world(begun), POLICY)).toMatchObject({
      change: 'nothing',
      warnings: ['An operation is under way (upgrade, removing); it goes on.'],
    });
  });

  test('does not matter while the object is being deleted', () => {
    const wanted = next(running('savepoint'), { image: 'flink:x' });
    const metadata = { ...wanted.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(foresee(world({ ...wanted, metadata }), POLICY)).toMatchObject({
      change: 'nothing',
      warnings: ['It is being deleted, and nothing else is done about it.'],
    });
  });

  test('that is a redeployment starts from the path the user names', () => {
    const deployment = running('savepoint');
    const job = { ...deployment.spec.job, savepointRedeployNonce: 1, initialSavepointPath: 'file:///mine' };
    expect(foresee(world(next(deployment, { job })), POLICY)).toMatchObject({
      change: 'redeploy',
      state: { kind: 'snapshot', path: 'file:///mine' },
    });
  });

  test('that is invalid is refused, and says why', () => {
    const deployment = running('savepoint');
    const seen = foresee(world(next(deployment, { job: { ...deployment.spec.job, parallelism: 0 } })), POLICY);
    expect(seen).toMatchObject({ change: 'invalid', state: { kind: 'kept' }, firstSteps: [] });
    expect(seen.warnings[0]).toContain('Job parallelism must be larger than 0');
  });

  test('in place restarts nothing, and warns when logging takes effect later', () => {
    const logging = { 'log4j-console.properties': 'monitorInterval = 5' };
    const seen = foresee(world(next(running('savepoint'), { logConfiguration: logging })), POLICY);
    expect(seen).toMatchObject({ change: 'logging', restarts: { jobManager: false }, firstSteps: ['change-objects'] });
    expect(seen.warnings[0]).toContain('monitorInterval');
  });

  test('takes the downtime from the last times', () => {
    const deployment = running('savepoint');
    const past = [8, 3, 5].map((seconds, index) => ({
      kind: 'upgrade',
      downAt: new Date(NOW + index * 60_000).toISOString(),
      upAt: new Date(NOW + index * 60_000 + seconds * 1000).toISOString(),
    }));
    const wanted = next({ ...deployment, status: { ...deployment.status, lastOperations: past } }, { image: 'x' });
    expect(foresee(world(wanted), POLICY).downtime).toEqual({ expectedMs: 5000, longestMs: 8000, basedOn: 3 });
  });

  test('takes the job to be as its status says where Flink cannot be asked from here', () => {
    const wanted = next(running('savepoint'), { image: 'flink:x' });
    const seen = world(wanted);
    const jobs = { kind: 'unknown', reason: 'unreachable', message: 'no route', maybeDone: false } as const;
    const foresight = foresee({ ...seen, flink: { ...seen.flink, jobs, checkpoints: jobs } }, POLICY);
    expect(foresight.upgrade).toMatchObject({ kind: 'now', mode: 'SAVEPOINT' });
    expect(foresight.warnings[0]).toContain('the job is taken to be RUNNING');
  });

  test('is the decision itself: its first steps are those of the plan', () => {
    const seen = world(next(running('savepoint'), { image: 'flink:x' }));
    expect(foresee(seen, POLICY).firstSteps).toEqual(decide(seen, POLICY).steps.map((step) => step.kind));
  });
});

describe('What a new spec would do to a session cluster', () => {
  const session = aSessionDeployment();
  const seen = (deployment: FlinkDeployment): World => runningWorld(deployment);

  test('is an upgrade that restarts the cluster', () => {
    const foresight = foresee(seen(next(session, { image: 'flink:x' })), POLICY);
    expect(foresight).toMatchObject({
      change: 'upgrade',
      upgrade: undefined,
      state: { kind: 'none' },
      restarts: { jobManager: true, taskManagers: true, job: false },
    });
  });

  test('is in place for its ingress', () => {
    const foresight = foresee(seen(next(session, { ingress: { template: 'a.example.com' } })), POLICY);
    expect(foresight).toMatchObject({ change: 'service', firstSteps: ['change-objects'], warnings: [] });
  });
});
