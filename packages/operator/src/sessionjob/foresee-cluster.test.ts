import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import { describe, expect, test } from 'vitest';
import type { World } from '../deployment/world.ts';
import { known, unknown } from '../job/reading.ts';
import type { FlinkJob } from '../runtime/ports.ts';
import {
  aRunningSessionJob,
  aSessionCluster,
  aSessionDeployment,
  aSessionJob,
  aSessionWorld,
  SESSION_POLICY,
} from '../testing/session-worlds.ts';
import { aJob, NOW, POLICY, runningWorld } from '../testing/worlds.ts';
import { foreseeSessionCluster } from './foresee-cluster.ts';
import type { SessionJobWorld } from './world.ts';

const CHECKPOINT = { id: 7, path: 'file:///state/checkpoints/chk-7', stateSizeBytes: 2048, triggeredAt: NOW - 41_000 };
const SAVEPOINT = { id: 9, path: 'file:///sp/9', stateSizeBytes: 1024, triggeredAt: NOW - 5_000 };
const HA = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 'file:///ha' };

type Spec = FlinkDeployment['spec'];

function next(deployment: FlinkDeployment, change: Partial<Spec>): FlinkDeployment {
  return {
    ...deployment,
    metadata: { ...deployment.metadata, generation: 2 },
    spec: { ...deployment.spec, ...change },
  };
}

/** A session job as it is seen on the cluster. */
function on(deployment: FlinkDeployment, sessionJob: FlinkSessionJob, jobs: readonly FlinkJob[] = [aJob('RUNNING')]) {
  const cluster = known(aSessionCluster({ deployment }), NOW);
  const seen = aSessionWorld(sessionJob, { cluster }, jobs);
  const value = { completed: CHECKPOINT, savepoint: SAVEPOINT, restored: undefined, pendingSince: undefined };
  return { ...seen, flink: { ...seen.flink, checkpoints: { kind: 'ok', value } } } satisfies SessionJobWorld;
}

function view(deployment: FlinkDeployment, jobs: readonly SessionJobWorld[], changes: Partial<World> = {}) {
  const world = { ...runningWorld(deployment), sessionJobs: known([], NOW), ...changes };
  return foreseeSessionCluster({ world, jobs, config: POLICY, jobConfig: SESSION_POLICY });
}

const session = aSessionDeployment();
const image = (deployment: FlinkDeployment): FlinkDeployment => next(deployment, { image: 'flink:x' });
const named = (name: string, upgradeMode: 'savepoint' | 'last-state' | 'stateless') =>
  aRunningSessionJob({ metadata: { name }, job: { upgradeMode } });

describe('A change that restarts a session cluster', () => {
  test('tells of each job how it is brought down and from which state it starts again', () => {
    const jobs = (['savepoint', 'last-state', 'stateless'] as const).map((mode) => on(session, named(mode, mode)));
    const seen = view(image(session), jobs);
    expect(seen).toMatchObject({ change: 'upgrade', restarts: { jobManager: true, job: false } });
    expect(seen.interrupts).toMatchObject([
      {
        name: 'savepoint',
        how: 'brought-down',
        upgrade: { kind: 'now', mode: 'SAVEPOINT', asked: 'savepoint' },
        state: { kind: 'new-savepoint', path: 'file:///state/savepoints', sizeBytes: 1024 },
      },
      {
        name: 'last-state',
        how: 'brought-down',
        upgrade: { kind: 'now', mode: 'CANCEL' },
        state: { kind: 'checkpoint', path: SAVEPOINT.path, ageMs: 5_000, sizeBytes: 1024 },
      },
      { name: 'stateless', how: 'goes-with-cluster', upgrade: undefined, state: { kind: 'empty' } },
    ]);
    expect(seen.warnings).toEqual(['stateless: The job has checkpoints, and upgradeMode stateless drops its state.']);
  });

  test('leaves the jobs to high availability, which knows checkpoints only', () => {
    const cluster = aSessionDeployment(HA);
    const jobs = [on(cluster, named('a', 'savepoint')), on(cluster, named('b', 'stateless'))];
    const seen = view(image(cluster), jobs);
    const kept = { how: 'high-availability', upgrade: undefined, state: { kind: 'checkpoint', path: CHECKPOINT.path } };
    expect(seen.interrupts).toMatchObject([kept, kept]);
    expect(seen.warnings).toEqual([]);
  });

  test.each([
    ['another version of Flink', { flinkVersion: 'v2_0', image: 'flink:2.0' } as const],
    ['the end of high availability', { flinkConfiguration: session.spec.flinkConfiguration ?? {} }],
  ])('brings the jobs down for %s', (_, change) => {
    const cluster = aSessionDeployment(HA);
    const seen = view(next(cluster, change), [on(cluster, named('a', 'savepoint'))]);
    expect(seen.interrupts).toMatchObject([{ how: 'brought-down', upgrade: { mode: 'SAVEPOINT' } }]);
  });

  test('says which job it waits for', () => {
    const starting = on(session, named('a', 'savepoint'), [aJob('RUNNING', { tasks: { total: 2, running: 1 } })]);
    const seen = view(image(session), [starting]);
    expect(seen.interrupts).toMatchObject([
      { how: 'brought-down', upgrade: { kind: 'waits' }, state: { kind: 'kept' } },
    ]);
    expect(seen.warnings).toEqual(['a: The cluster is not replaced before: the tasks of the job are starting.']);
  });

  test('says from what a job that cannot be brought down starts, and when nobody knows', () => {
    const restarting = on(session, named('a', 'savepoint'), [aJob('RESTARTING')]);
    const remembered = {
      ...restarting,
      seen: { jobId: 'b'.repeat(32), path: CHECKPOINT.path, process: 'p', triggeredAt: 0 },
    };
    const seen = view(image(session), [remembered, restarting]);
    expect(seen.interrupts).toMatchObject([
      { how: 'goes-with-cluster', state: { kind: 'snapshot', path: CHECKPOINT.path } },
      { how: 'lost', state: { kind: 'none' } },
    ]);
    expect(seen.warnings).toEqual([
      'a: Its newest state is not known, and it is not started before somebody names one.',
    ]);
  });

  test('leaves out what does not run, and names what nobody starts again', () => {
    const jobs = [on(session, aSessionJob()), on(session, named('over', 'savepoint'), [aJob('FINISHED')])];
    const byHand = aJob('RUNNING', { jobId: 'c'.repeat(32), name: 'try-out' });
    const seen = view(image(session), jobs, {
      flink: { ...runningWorld(session).flink, jobs: { kind: 'ok', value: [byHand, aJob('FINISHED')] } },
    });
    expect(seen.interrupts).toEqual([]);
    expect(seen.warnings).toEqual([
      '1 running job(s) that no FlinkSessionJob describes end with the cluster: try-out.',
    ]);
  });

  test('says when the session jobs could not be read', () => {
    const seen = view(image(session), [], {
      sessionJobs: unknown('forbidden', NOW),
      flink: { ...runningWorld(session).flink, jobs: undefined },
    });
    expect(seen.warnings).toEqual(['Which session jobs are interrupted is not known: forbidden.']);
  });
});

test('A change in place interrupts no job', () => {
  const jobs = [on(session, named('a', 'savepoint'))];
  expect(view(next(session, { ingress: { template: 'a.example.com' } }), jobs)).toMatchObject({
    change: 'service',
    interrupts: [],
    warnings: [],
  });
});
