import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import type { FlinkException } from '../runtime/ports.ts';
import { decideSessionJob } from '../sessionjob/decide.ts';
import { aRunningSessionJob, aSessionWorld, SESSION_POLICY } from '../testing/session-worlds.ts';
import { aJob, aRunning, NOW, POLICY, runningWorld } from '../testing/worlds.ts';

const THROWN: FlinkException = {
  exception: 'java.lang.RuntimeException',
  stackTrace: 'java.lang.RuntimeException: boom\n\tat a.b.C',
  time: NOW - 1_000,
  task: 'map (1/2)',
  endpoint: '10.0.0.1:6122',
  taskManagerId: 'tm-1',
  labels: {},
};
const exceptions = { kind: 'ok', value: [THROWN] } as const;
const SUMMARY = {
  exception: 'java.lang.RuntimeException',
  message: 'java.lang.RuntimeException: boom',
  task: 'map (1/2)',
};

describe('12.1 item 15: an exception of a job that goes on', () => {
  test('is an event of its FlinkDeployment, and its summary is in the status', () => {
    const { deployment } = aRunning();
    const world = runningWorld(deployment);
    const plan = decide({ ...world, flink: { ...world.flink, exceptions } }, POLICY);
    expect(plan.events.map((event) => event.reason)).toEqual(['JobException']);
    expect(plan.status.jobStatus).toMatchObject({ state: 'RUNNING', lastFailure: SUMMARY });
  });

  test('is an event of its FlinkSessionJob, and its summary is in the status', () => {
    const world = aSessionWorld(aRunningSessionJob(), {}, [aJob('RUNNING')]);
    const plan = decideSessionJob({ ...world, flink: { ...world.flink, exceptions } }, SESSION_POLICY);
    expect(plan.events.map((event) => event.reason)).toEqual(['JobException']);
    expect(plan.status.jobStatus).toMatchObject({ state: 'RUNNING', lastFailure: SUMMARY });
  });
});
