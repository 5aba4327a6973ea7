import type { FlinkStateSnapshot, FlinkStateSnapshotSpec, FlinkStateSnapshotStatus } from '@drey/api';
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
} from '../testing/snapshot-worlds.ts';
import { decide } from './decide.ts';
import type { SnapshotPlan } from './plan.ts';
import type { SnapshotWorld } from './world.ts';

const run = (world: SnapshotWorld): SnapshotPlan => decide(world, SNAPSHOT_CONFIG);
const ok = <T>(value: T) => ({ kind: 'ok', value }) as const;
const silent = { kind: 'unknown', reason: 'timeout', message: 'no answer', maybeDone: false } as const;
const forgotten = { kind: 'not-found', message: 'Operation not found' } as const;
const PATH = 'file:/sp/1';
const COMPLETED: FlinkStateSnapshotStatus = { state: 'COMPLETED', path: PATH, failures: 0 };

function deleted(status: FlinkStateSnapshotStatus | undefined, spec: Partial<FlinkStateSnapshotSpec> = {}) {
  const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z' };
  return aSnapshot({ metadata, spec, ...(status === undefined ? {} : { status }) });
}

/** A snapshot whose disposal Flink has accepted under the id `d`. */
function disposing(): FlinkStateSnapshot {
  const snapshot = deleted(COMPLETED);
  const begun = afterPlan(snapshot, run(aSnapshotWorld(snapshot)));
  return {
    ...begun,
    status: { ...begun.status, operation: { id: '', kind: '', ...begun.status?.operation, triggerId: 'd' } },
  };
}

describe('A snapshot that is deleted', () => {
  test('with its data on a running job asks Flink to delete them, after that is recorded', () => {
    const plan = run(aSnapshotWorld(deleted(COMPLETED)));
    expect(plan.steps).toEqual([{ kind: 'begin-disposal', path: PATH }]);
    expect(plan.status.operation).toMatchObject({ kind: 'dispose', target: PATH });
    expect(plan.status.state).toBe('COMPLETED');
  });

  test('goes when Flink says that the files are gone, and not before', () => {
    const waiting = run(aSnapshotWorld(disposing(), { flink: { disposal: ok({ kind: 'in-progress' }) } }));
    expect(kinds(waiting)).toEqual([]);
    const gone = run(aSnapshotWorld(disposing(), { flink: { disposal: ok({ kind: 'completed' }) } }));
    expect(kinds(gone)).toEqual(['remove-finalizer']);
  });

  test('whose files are gone already goes', () => {
    const failure = { type: 'java.io.FileNotFoundException', message: 'Cannot find checkpoint or savepoint file' };
    const plan = run(aSnapshotWorld(disposing(), { flink: { disposal: ok({ kind: 'failed', failure }) } }));
    expect(kinds(plan)).toEqual(['remove-finalizer']);
  });

  test('asks again when Flink has forgotten the disposal, and after a while when it failed', () => {
    expect(kinds(run(aSnapshotWorld(disposing(), { flink: { disposal: forgotten } })))).toEqual(['begin-disposal']);
    const failed = ok({ kind: 'failed', failure: { type: 'java.io.IOException', message: 'denied' } } as const);
    const flink = { disposal: failed };
    expect(kinds(run(aSnapshotWorld(disposing(), { now: SNAPSHOT_NOW + 3_000, flink })))).toEqual([]);
    expect(kinds(run(aSnapshotWorld(disposing(), { now: SNAPSHOT_NOW + 10_000, flink })))).toEqual(['begin-disposal']);
  });

  test('does not change what is recorded while Flink does not answer, so that nothing is written in circles', () => {
    const snapshot = deleted(COMPLETED);
    const begun = { ...snapshot, status: run(aSnapshotWorld(snapshot)).status };
    const later = { now: SNAPSHOT_NOW + 5_000, fresh: { operationId: 'e'.repeat(32) } };
    const plan = run(aSnapshotWorld(begun, later));
    expect(kinds(plan)).toEqual(['begin-disposal']);
    expect(plan.status).toEqual(begun.status);
  });

  test.each([
    ['keeps its data', deleted(COMPLETED, { savepoint: { disposeOnDelete: false } })],
    ['is a checkpoint', aCheckpoint({ metadata: { deletionTimestamp: 'x' }, status: COMPLETED })],
    ['has no place', deleted({ state: 'COMPLETED' })],
    ['failed', deleted({ state: 'FAILED', failures: 1 })],
    ['was abandoned', deleted({ state: 'ABANDONED' })],
    ['was never triggered', deleted({ state: 'TRIGGER_PENDING' })],
    ['has no status at all', deleted(undefined)],
    ['has an empty status', deleted({})],
    ['was there before and does not ask for it', deleted(COMPLETED, { savepoint: { alreadyExists: true } })],
  ])('and %s goes at once', (_what, snapshot) => {
    const plan = run(aSnapshotWorld(snapshot));
    expect(kinds(plan)).toEqual(['remove-finalizer']);
    expect(plan.events).toEqual([]);
  });

  test('without a job goes at once', () => {
    expect(kinds(run(aSnapshotWorld(deleted(COMPLETED), { target: { kind: 'none' } })))).toEqual(['remove-finalizer']);
  });

  test('that was there before takes its data along when it says so', () => {
    const snapshot = deleted(COMPLETED, { savepoint: { alreadyExists: true, disposeOnDelete: true } });
    expect(kinds(run(aSnapshotWorld(snapshot)))).toEqual(['begin-disposal']);
  });

  test.each(['file:/sp/1', 'file:///sp/1/', '/sp/1'])('leaves data alone that are referred to as %s', (path) => {
    const references = [{ path, by: 'FlinkDeployment/other' }];
    const plan = run(aSnapshotWorld(deleted(COMPLETED), { references }));
    expect(kinds(plan)).toEqual(['remove-finalizer']);
    expect(plan.events[0]).toMatchObject({ reason: 'CleanupFailed', type: 'Warning', component: 'Snapshot' });
    expect(plan.events[0]?.message).toContain('FlinkDeployment/other');
    expect(plan.events[0]?.message).toContain(PATH);
  });

  test('goes when its job is gone, and says where the data stay', () => {
    const plan = run(aSnapshotWorld(deleted(COMPLETED), { target: { kind: 'missing' } }));
    expect(kinds(plan)).toEqual(['remove-finalizer']);
    expect(plan.events[0]?.message).toContain(PATH);
  });

  test('goes when its cluster does not answer within the cleanup timeout', () => {
    const target = aTarget({ state: 'FINISHED', starting: false });
    const early = run(
      aSnapshotWorld(disposing(), { target, now: SNAPSHOT_NOW + 200_000, flink: { disposal: silent } }),
    );
    expect(kinds(early)).toEqual([]);
    const late = run(aSnapshotWorld(disposing(), { target, now: SNAPSHOT_NOW + 300_000, flink: { disposal: silent } }));
    expect(kinds(late)).toEqual(['remove-finalizer']);
    expect(late.events[0]?.message).toContain(PATH);
  });

  test('without the finalizer is nobody’s business', () => {
    const plan = run(aSnapshotWorld(aSnapshot({ metadata: { deletionTimestamp: 'x', finalizers: [] } })));
    expect(kinds(plan)).toEqual([]);
  });
});

describe('A savepoint that is deleted while it is being taken', () => {
  const taking = (): FlinkStateSnapshot => {
    const snapshot = aSnapshot();
    const begun = afterPlan(snapshot, run(aSnapshotWorld(snapshot)));
    return { ...begun, metadata: { ...begun.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  };

  test('is waited for, completed, and then disposed of', () => {
    const waiting = run(aSnapshotWorld(taking(), { flink: { savepoint: ok({ kind: 'in-progress' }) } }));
    expect(kinds(waiting)).toEqual([]);
    const done = run(aSnapshotWorld(taking(), { flink: { savepoint: ok({ kind: 'completed', location: PATH }) } }));
    expect(done.status).toMatchObject({ state: 'COMPLETED', path: PATH });
    expect(kinds(run(aSnapshotWorld(afterPlan(taking(), done))))).toEqual(['begin-disposal']);
  });

  test('is waited for however long it takes while Flink says so', () => {
    const flink = { savepoint: ok({ kind: 'in-progress' } as const) };
    expect(kinds(run(aSnapshotWorld(taking(), { now: SNAPSHOT_NOW + 3_600_000, flink })))).toEqual([]);
  });

  test('goes when it failed or is forgotten', () => {
    const failed = ok({ kind: 'failed', failure: { type: 'X', message: 'x' }, savepoint: undefined } as const);
    for (const savepoint of [failed, forgotten]) {
      expect(kinds(run(aSnapshotWorld(taking(), { flink: { savepoint } })))).toEqual(['remove-finalizer']);
    }
  });

  test('goes with its job, or when Flink stays silent', () => {
    const gone = run(aSnapshotWorld(taking(), { target: { kind: 'missing' } }));
    expect(kinds(gone)).toEqual(['remove-finalizer']);
    expect(gone.events[0]?.reason).toBe('CleanupFailed');
    expect(kinds(run(aSnapshotWorld(taking(), { flink: { savepoint: silent } })))).toEqual([]);
    const late = run(aSnapshotWorld(taking(), { now: SNAPSHOT_NOW + 300_000, flink: { savepoint: silent } }));
    expect(kinds(late)).toEqual(['remove-finalizer']);
  });
});
