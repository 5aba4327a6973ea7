import type { FlinkStateSnapshot } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { kinds } from '../testing/plans.ts';
import {
  aCheckpoint,
  afterPlan,
  aSnapshot,
  aSnapshotWorld,
  aTarget,
  SNAPSHOT_CONFIG,
  SNAPSHOT_NOW,
  TRIGGER_ID,
} from '../testing/snapshot-worlds.ts';
import { decide } from './decide.ts';
import type { SnapshotPlan } from './plan.ts';
import type { SnapshotWorld } from './world.ts';

const run = (world: SnapshotWorld): SnapshotPlan => decide(world, SNAPSHOT_CONFIG);
const ok = <T>(value: T) => ({ kind: 'ok', value }) as const;
const notFound = { kind: 'not-found', message: 'There is no savepoint operation' } as const;
const silent = { kind: 'unknown', reason: 'timeout', message: 'no answer', maybeDone: false } as const;
const failure = (message: string) =>
  ok({ kind: 'failed', failure: { type: 'X', message }, savepoint: undefined } as const);

/** A snapshot that Flink has accepted. */
function inProgress(snapshot: FlinkStateSnapshot = aSnapshot()): FlinkStateSnapshot {
  return afterPlan(snapshot, run(aSnapshotWorld(snapshot)));
}

function condition(plan: SnapshotPlan, type: string) {
  return (plan.settled ?? plan.status).conditions?.find((one) => one.type === type);
}

describe('A new snapshot', () => {
  test('of a running job records its trigger id before Flink is asked, and is in progress only when Flink has accepted', () => {
    const plan = run(aSnapshotWorld(aSnapshot({ metadata: { finalizers: [] } })));
    expect(plan.steps).toEqual([
      { kind: 'add-finalizer' },
      {
        kind: 'trigger-savepoint',
        trigger: {
          jobId: 'b'.repeat(32),
          triggerId: TRIGGER_ID,
          targetDirectory: 'file:///state/savepoints',
          format: 'CANONICAL',
        },
      },
    ]);
    expect(plan.status).toMatchObject({ state: 'TRIGGER_PENDING', failures: 0, operation: { id: TRIGGER_ID } });
    expect(plan.status.triggerId).toBeUndefined();
    expect(plan.settled).toMatchObject({
      state: 'IN_PROGRESS',
      triggerId: TRIGGER_ID,
      triggerTimestamp: '2026-01-01T00:00:00.000Z',
    });
    expect(plan.labels).toEqual({
      'snapshot.type': 'SAVEPOINT',
      'snapshot.trigger-type': 'MANUAL',
      'snapshot.state': 'IN_PROGRESS',
      'job-reference.kind': 'FlinkDeployment',
      'job-reference.name': 'app',
    });
  });

  test('goes into the directory it names, in the format it names', () => {
    const own = aSnapshot({ spec: { savepoint: { path: 's3://b/own', formatType: 'NATIVE' } } });
    expect(run(aSnapshotWorld(own)).steps).toMatchObject([
      { trigger: { targetDirectory: 's3://b/own', format: 'NATIVE' } },
    ]);
  });

  test('as a checkpoint is a full one', () => {
    expect(run(aSnapshotWorld(aCheckpoint())).steps).toMatchObject([
      { kind: 'trigger-checkpoint', trigger: { type: 'FULL', triggerId: TRIGGER_ID } },
    ]);
  });

  test('of a savepoint that exists is complete at once, without a job, both times equal', () => {
    const { jobReference: _, ...spec } = aSnapshot({ spec: { savepoint: { alreadyExists: true, path: '/p' } } }).spec;
    const plan = run(aSnapshotWorld({ ...aSnapshot(), spec }, { target: { kind: 'none' } }));
    expect(plan.steps).toEqual([]);
    expect(plan.status).toMatchObject({ state: 'COMPLETED', path: '/p', failures: 0 });
    expect(plan.status.triggerTimestamp).toBe(plan.status.resultTimestamp);
    expect(plan.labels).toEqual({
      'snapshot.type': 'SAVEPOINT',
      'snapshot.trigger-type': 'MANUAL',
      'snapshot.state': 'COMPLETED',
    });
    expect(condition(plan, 'Ready')).toMatchObject({ status: 'True', reason: 'Completed' });
  });

  test('keeps the reason that its label gives', () => {
    const labelled = aSnapshot({ metadata: { labels: { 'snapshot.trigger-type': 'PERIODIC', mine: 'x' } } });
    expect(run(aSnapshotWorld(labelled)).labels['snapshot.trigger-type']).toBe('PERIODIC');
  });

  test.each([
    ['neither savepoint nor checkpoint', { savepoint: undefined } as never, 'Exactly one of checkpoint or savepoint'],
    ['no job reference', { jobReference: undefined } as never, 'Job reference must be supplied'],
  ])('with %s is told to be invalid and left alone', (_what, spec, message) => {
    const plan = run(aSnapshotWorld(aSnapshot({ spec })));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.state).toBe('TRIGGER_PENDING');
    expect(plan.events).toMatchObject([{ reason: 'ValidationError', component: 'Operator', type: 'Warning' }]);
    expect(plan.events[0]?.message).toContain(message);
    expect(condition(plan, 'Stalled')).toMatchObject({ status: 'True', reason: 'ValidationError' });
  });

  test('of a job that does not exist stays pending, as the Apache operator has it, and says so', () => {
    const plan = run(aSnapshotWorld(aSnapshot(), { target: { kind: 'missing' } }));
    expect(plan.status.state).toBe('TRIGGER_PENDING');
    expect(plan.events[0]?.message).toBe('Target for snapshot default/app was not found');
  });

  test.each([['FAILED'], ['FINISHED'], ['CANCELED'], ['SUSPENDED']] as const)(
    'of a job that is %s is abandoned at once',
    (state) => {
      const plan = run(aSnapshotWorld(aSnapshot(), { target: aTarget({ state, starting: false }) }));
      const error = 'Secondary resource app (FlinkDeployment) for savepoint snap is not running';
      expect(plan.status).toMatchObject({ state: 'ABANDONED', error, resultTimestamp: '2026-01-01T00:00:00.000Z' });
      expect(plan.events).toMatchObject([
        { reason: 'SnapshotAbandoned', type: 'Warning', component: 'Snapshot', message: error },
      ]);
      expect(condition(plan, 'Stalled')).toMatchObject({ status: 'True', reason: 'Abandoned' });
    },
  );

  test('of a job that is only starting waits for it, and is abandoned when the job takes longer than it may', () => {
    const target = aTarget({ state: 'RECONCILING' });
    const early = run(aSnapshotWorld(aSnapshot(), { target }));
    expect(early.status.state).toBe('TRIGGER_PENDING');
    expect(condition(early, 'Reconciling')).toMatchObject({ status: 'True', reason: 'JobStarting' });
    const late = run(aSnapshotWorld(aSnapshot(), { target, now: SNAPSHOT_NOW + 300_000 }));
    expect(late.status.state).toBe('ABANDONED');
  });

  test('of a job some of whose tasks are starting waits for them, since Flink would refuse it', () => {
    const job = { jobId: 'b'.repeat(32), name: 'x', state: 'RUNNING', startTime: 1, tasks: { total: 2, running: 1 } };
    const plan = run(aSnapshotWorld(aSnapshot(), { flink: { jobs: ok([job]) } }));
    expect(kinds(plan)).toEqual([]);
    expect(condition(plan, 'Reconciling')).toMatchObject({ reason: 'JobStarting' });
    const running = { ...job, tasks: { total: 2, running: 2 } };
    expect(kinds(run(aSnapshotWorld(aSnapshot(), { flink: { jobs: ok([running]) } })))).toEqual(['trigger-savepoint']);
  });

  test('as a checkpoint needs Flink 1.17', () => {
    const plan = run(aSnapshotWorld(aCheckpoint(), { target: aTarget({ flinkVersion: 'v1_16' }) }));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status).toMatchObject({ state: 'TRIGGER_PENDING', failures: 1 });
    expect(plan.events).toMatchObject([{ reason: 'CheckpointError', component: 'Snapshot' }]);
  });

  test('without any directory names the key', () => {
    const plan = run(aSnapshotWorld(aSnapshot(), { target: aTarget({ savepointDirectory: undefined }) }));
    expect(plan.status.error).toContain('execution.checkpointing.savepoint-dir');
  });

  test('of the format UNKNOWN is a failure', () => {
    const plan = run(aSnapshotWorld(aSnapshot({ spec: { savepoint: { formatType: 'UNKNOWN' }, backoffLimit: 0 } })));
    expect(plan.status.state).toBe('FAILED');
  });
});

describe('A request that may not have come through', () => {
  const recorded = (): FlinkStateSnapshot => {
    const snapshot = aSnapshot();
    return { ...snapshot, status: run(aSnapshotWorld(snapshot)).status };
  };
  const later = { now: SNAPSHOT_NOW + 1_000, fresh: { operationId: 'f'.repeat(32) } };

  test('is made again under the same id when Flink knows nothing of it', () => {
    const plan = run(aSnapshotWorld(recorded(), { ...later, flink: { savepoint: notFound } }));
    expect(plan.steps).toMatchObject([{ kind: 'trigger-savepoint', trigger: { triggerId: TRIGGER_ID } }]);
    expect(plan.settled?.triggerId).toBe(TRIGGER_ID);
  });

  test('is not made again when Flink does', () => {
    const plan = run(aSnapshotWorld(recorded(), { ...later, flink: { savepoint: ok({ kind: 'in-progress' }) } }));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status).toMatchObject({ state: 'IN_PROGRESS', triggerId: TRIGGER_ID });
  });

  test('is not made again while Flink does not answer', () => {
    const plan = run(aSnapshotWorld(recorded(), { ...later, flink: { savepoint: silent } }));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status).toMatchObject({ state: 'TRIGGER_PENDING', failures: 0 });
  });

  test('of another leader is left alone', () => {
    const snapshot = recorded();
    const status = { ...snapshot.status, operation: { id: 'x', kind: 'savepoint', epoch: 7 } };
    const plan = run(aSnapshotWorld({ ...snapshot, status }, { epoch: 6, flink: { savepoint: notFound } }));
    expect(plan.steps).toEqual([]);
    expect(plan.status).toBe(status);
  });
});

describe('A snapshot in progress', () => {
  test('that Flink has completed has its place', () => {
    const done = ok({ kind: 'completed', location: 'file:/sp/1' } as const);
    const plan = run(aSnapshotWorld(inProgress(), { now: SNAPSHOT_NOW + 700, flink: { savepoint: done } }));
    expect(plan.status).toMatchObject({
      state: 'COMPLETED',
      path: 'file:/sp/1',
      triggerId: TRIGGER_ID,
      triggerTimestamp: '2026-01-01T00:00:00.000Z',
      resultTimestamp: '2026-01-01T00:00:00.700Z',
    });
    expect(plan.status.operation).toBeUndefined();
    expect(plan.wakeUp).toEqual({ kind: 'on-change' });
  });

  test('is looked at often at first, and seldom when it takes long', () => {
    const answer = { flink: { savepoint: ok({ kind: 'in-progress' } as const) } };
    const after = (ms: number) => run(aSnapshotWorld(inProgress(), { now: SNAPSHOT_NOW + ms, ...answer })).wakeUp;
    expect(after(500)).toMatchObject({ ms: 100 });
    expect(after(600_000)).toMatchObject({ ms: 1_000 });
  });

  test('is not counted as failed because Flink does not answer, and not triggered again', () => {
    for (const savepoint of [silent, undefined]) {
      const plan = run(aSnapshotWorld(inProgress(), { flink: { savepoint } }));
      expect(kinds(plan)).toEqual([]);
      expect(plan.status).toMatchObject({ state: 'IN_PROGRESS', failures: 0 });
      expect(condition(plan, 'Reconciling')).toMatchObject({ reason: 'FlinkNotAnswering' });
    }
  });

  test('that Flink has forgotten counts as a failed attempt', () => {
    const plan = run(aSnapshotWorld(inProgress(), { flink: { savepoint: notFound } }));
    expect(plan.status).toMatchObject({ state: 'TRIGGER_PENDING', failures: 1 });
    expect(plan.status.operation).toBeUndefined();
  });

  test('of a session job whose cluster is gone counts as a failed attempt, which nobody could tell of any more', () => {
    const target = aTarget({ kind: 'FlinkSessionJob', state: 'RECONCILING', clusterGone: true });
    const plan = run(aSnapshotWorld(inProgress(), { target }));
    expect(plan.status).toMatchObject({ state: 'TRIGGER_PENDING', failures: 1 });
  });

  test('whose JobManager was replaced counts as a failed attempt, and is abandoned when the next one does not come up', () => {
    const replaced = aTarget({ state: 'RECONCILING', jobManager: 'jm-2' });
    expect(run(aSnapshotWorld(inProgress(), { target: aTarget({ state: 'RECONCILING' }) })).status.failures).toBe(0);
    const failed = run(aSnapshotWorld(inProgress(), { target: replaced }));
    expect(failed.status).toMatchObject({ state: 'TRIGGER_PENDING', failures: 1 });
    const later = { ...inProgress(), status: failed.status };
    const plan = run(aSnapshotWorld(later, { target: replaced, now: SNAPSHOT_NOW + 600_000 }));
    expect(plan.status.state).toBe('ABANDONED');
  });

  test('of a job that has failed is abandoned, without a place', () => {
    const target = aTarget({ state: 'FAILED', starting: false });
    const plan = run(aSnapshotWorld(inProgress(), { target, flink: { savepoint: ok({ kind: 'in-progress' }) } }));
    expect(plan.status.state).toBe('ABANDONED');
    expect(plan.status.path).toBeUndefined();
  });

  test('of a job that is gone is abandoned', () => {
    const plan = run(aSnapshotWorld(inProgress(), { target: { kind: 'missing' } }));
    expect(plan.status.error).toBe('Secondary resource app (FlinkDeployment) for savepoint snap was not found');
  });

  test('that is complete although its job has just ended is complete', () => {
    const target = aTarget({ state: 'FINISHED', starting: false });
    const done = ok({ kind: 'completed', location: 'file:/sp/1' } as const);
    expect(run(aSnapshotWorld(inProgress(), { target, flink: { savepoint: done } })).status.state).toBe('COMPLETED');
  });

  test('as a checkpoint is complete when its place is known', () => {
    const checkpoint = ok({ kind: 'completed', checkpointId: 7 } as const);
    const seen = (place: SnapshotWorld['flink']['place']) =>
      run(aSnapshotWorld(inProgress(aCheckpoint()), { flink: { checkpoint, place } }));
    expect(seen(ok({ kind: 'completed', path: 'file:/cp/chk-7' })).status).toMatchObject({
      state: 'COMPLETED',
      path: 'file:/cp/chk-7',
    });
    expect(seen(ok({ kind: 'in-progress' })).status.state).toBe('IN_PROGRESS');
    expect(seen(silent).status.state).toBe('IN_PROGRESS');
  });

  test('as a checkpoint that is not listed yet is looked for until Flink’s own cache must have passed', () => {
    const flink = { checkpoint: ok({ kind: 'completed', checkpointId: 7 } as const), place: notFound };
    let snapshot = inProgress(aCheckpoint());
    let state: string | null | undefined;
    let now = SNAPSHOT_NOW + 60_000;
    for (; now < SNAPSHOT_NOW + 90_000; now += 500) {
      const plan = run(aSnapshotWorld(snapshot, { now, flink }));
      snapshot = afterPlan(snapshot, plan);
      state = plan.status.state;
      if (state !== 'IN_PROGRESS') break;
      expect(plan.status.triggerTimestamp).toBe('2026-01-01T00:00:00.000Z');
    }
    expect(now).toBe(SNAPSHOT_NOW + 70_000);
    expect(snapshot.status).toMatchObject({ state: 'COMPLETED', path: '' });
    expect(snapshot.status?.operation).toBeUndefined();
  });

  test('as a checkpoint that Flink cannot describe is complete with an empty place and a warning', () => {
    const checkpoint = ok({ kind: 'completed', checkpointId: 7 } as const);
    const place = ok({ kind: 'failed' } as const);
    const plan = run(aSnapshotWorld(inProgress(aCheckpoint()), { flink: { checkpoint, place } }));
    expect(plan.status).toMatchObject({ state: 'COMPLETED', path: '' });
    expect(plan.events[0]).toMatchObject({ reason: 'CheckpointError', component: 'Snapshot' });
    expect(plan.events[0]?.message).toContain('web.checkpoints.history');
  });

  test('that another operator triggered is followed by the id it recorded', () => {
    const status = { state: 'IN_PROGRESS', triggerId: 'c'.repeat(32), failures: 0 } as const;
    const done = ok({ kind: 'completed', location: 'file:/sp/2' } as const);
    expect(run(aSnapshotWorld(aSnapshot({ status }), { flink: { savepoint: done } })).status.path).toBe('file:/sp/2');
  });
});

describe('Failed attempts', () => {
  /** Fails once more, and gives the snapshot and the pause after it. */
  function fail(
    snapshot: FlinkStateSnapshot,
    now: number,
  ): { snapshot: FlinkStateSnapshot; pauseMs: number | undefined } {
    const begun = afterPlan(snapshot, run(aSnapshotWorld(snapshot, { now })));
    const plan = run(aSnapshotWorld(begun, { now, flink: { savepoint: failure('no space left') } }));
    const { wakeUp } = plan;
    return { snapshot: afterPlan(begun, plan), pauseMs: wakeUp.kind === 'after' ? wakeUp.ms : undefined };
  }

  test('are repeated after 10, 20, 40, 80 s … and at most an hour, without end', () => {
    let snapshot = aSnapshot();
    let now = SNAPSHOT_NOW;
    const pauses: (number | undefined)[] = [];
    for (let attempt = 0; attempt < 40; attempt += 1) {
      const { snapshot: failed, pauseMs } = fail(snapshot, now);
      pauses.push(pauseMs);
      snapshot = failed;
      now += pauseMs ?? 0;
    }
    expect(pauses.slice(0, 5)).toEqual([10_000, 20_000, 40_000, 80_000, 160_000]);
    expect(pauses.at(-1)).toBe(3_600_000);
    expect(snapshot.status).toMatchObject({ state: 'TRIGGER_PENDING', failures: 40 });
  });

  test('are not repeated before their time, whoever wakes the snapshot', () => {
    const { snapshot } = fail(aSnapshot(), SNAPSHOT_NOW);
    const plan = run(aSnapshotWorld(snapshot, { now: SNAPSHOT_NOW + 4_000 }));
    expect(kinds(plan)).toEqual([]);
    expect(plan.wakeUp).toMatchObject({ ms: 6_000 });
  });

  test('are repeated under another id', () => {
    const { snapshot } = fail(aSnapshot(), SNAPSHOT_NOW);
    const again = { now: SNAPSHOT_NOW + 10_000, fresh: { operationId: 'd'.repeat(32) } };
    expect(run(aSnapshotWorld(snapshot, again)).steps).toMatchObject([{ trigger: { triggerId: 'd'.repeat(32) } }]);
  });

  test.each([
    [0, ['FAILED']],
    [1, ['TRIGGER_PENDING', 'FAILED']],
  ] as const)('are as many as backoffLimit %s allows', (backoffLimit, states) => {
    let snapshot = aSnapshot({ spec: { backoffLimit } });
    let now = SNAPSHOT_NOW;
    for (const state of states) {
      const { snapshot: failed, pauseMs } = fail(snapshot, now);
      snapshot = failed;
      now += pauseMs ?? 0;
      expect(snapshot.status?.state).toBe(state);
    }
    expect(snapshot.status?.failures).toBe(states.length);
    expect(run(aSnapshotWorld(snapshot, { now })).steps).toEqual([]);
  });

  test('are told with the error as other resources have it', () => {
    const plan = run(aSnapshotWorld(inProgress(), { flink: { savepoint: failure('no space left') } }));
    const error =
      '{"type":"org.apache.flink.kubernetes.operator.exception.ReconciliationException","message":"no space left","additionalMetadata":{},"throwableList":[]}';
    expect(plan.status.error).toBe(error);
    expect(plan.events).toEqual([{ type: 'Warning', reason: 'SavepointError', message: error, component: 'Snapshot' }]);
    expect(plan.labels['snapshot.state']).toBe('TRIGGER_PENDING');
  });

  test('leave no error behind when one succeeds', () => {
    const { snapshot } = fail(aSnapshot(), SNAPSHOT_NOW);
    const begun = afterPlan(snapshot, run(aSnapshotWorld(snapshot, { now: SNAPSHOT_NOW + 10_000 })));
    const done = ok({ kind: 'completed', location: 'file:/sp/1' } as const);
    const plan = run(aSnapshotWorld(begun, { now: SNAPSHOT_NOW + 11_000, flink: { savepoint: done } }));
    expect(plan.status).toMatchObject({ state: 'COMPLETED', failures: 1 });
    expect(plan.status.error).toBeUndefined();
  });
});

test('A decision is total: it is made for every state, with and without a job', () => {
  for (const state of ['TRIGGER_PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'ABANDONED', null] as const) {
    for (const target of [aTarget(), { kind: 'none' } as const, { kind: 'missing' } as const]) {
      for (const deletionTimestamp of [undefined, '2026-01-01T00:00:00Z']) {
        const metadata = deletionTimestamp === undefined ? {} : { deletionTimestamp };
        const plan = run(aSnapshotWorld(aSnapshot({ metadata, status: { state } }), { target }));
        expect(plan.wakeUp).toBeDefined();
      }
    }
  }
});
