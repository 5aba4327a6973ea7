import { FlinkConfig } from '@drey/flink';
import { describe, expect, test } from 'vitest';
import {
  INPUT_NOW,
  K,
  legacyInput,
  nextInput,
  notFound,
  ok,
  type SnapshotsInput,
  stepKinds,
} from '../../testing/snapshots-input.ts';
import { holdsBackChanges, jobSnapshots } from './job-snapshots.ts';
import { recordedNonce } from './nonce.ts';

describe('A snapshot that only the status knows', () => {
  const asked = legacyInput({ job: { savepointTriggerNonce: 5 } });
  const begun = jobSnapshots(asked);
  const seen = (savepoint: SnapshotsInput['readings']['savepoint'], changes: Partial<SnapshotsInput> = {}) =>
    jobSnapshots(
      nextInput(asked, begun, { readings: { ...asked.readings, savepoint }, now: INPUT_NOW + 1_000, ...changes }),
    );

  test('is recorded with its id before Flink is asked, and holds back changes until it is over', () => {
    expect(begun.status.jobStatus?.savepointInfo).toEqual({
      triggerId: 'a'.repeat(32),
      triggerTimestamp: INPUT_NOW,
      triggerType: 'MANUAL',
      formatType: 'CANONICAL',
    });
    expect(begun.steps).toMatchObject([{ kind: 'trigger-savepoint', trigger: { triggerId: 'a'.repeat(32) } }]);
    expect(begun.settled).toBeUndefined();
    expect(holdsBackChanges({ ...asked, status: begun.status })).toBe(true);
    expect(begun.conditions).toMatchObject([{ type: 'ManualSavepoint', status: 'Unknown', reason: 'Pending' }]);
    const ignoring = FlinkConfig.of({ [`${K}job.upgrade.ignore-pending-savepoint`]: 'true' });
    expect(holdsBackChanges({ options: ignoring, status: begun.status })).toBe(false);
  });

  test('is waited for, however long, while Flink takes it or does not answer', () => {
    for (const answer of [ok({ kind: 'in-progress' } as const), undefined]) {
      const result = seen(answer, { now: INPUT_NOW + 600_000 });
      expect(stepKinds(result)).toEqual([]);
      expect(result.status.jobStatus?.savepointInfo?.triggerId).toBe('a'.repeat(32));
    }
  });

  test('is remembered as the last one and in the history when it is complete', () => {
    const result = seen(ok({ kind: 'completed', location: 'file:/sp/1' }));
    const taken = {
      timeStamp: INPUT_NOW,
      location: 'file:/sp/1',
      triggerType: 'MANUAL',
      formatType: 'CANONICAL',
      triggerNonce: 5,
    };
    expect(result.status.jobStatus?.savepointInfo).toEqual({ lastSavepoint: taken, savepointHistory: [taken] });
    expect(recordedNonce(result.status, 'SAVEPOINT')).toBe(5);
    expect(result.conditions).toMatchObject([{ type: 'ManualSavepoint', status: 'True' }]);
  });

  test('is asked for again under the same id while Flink knows nothing of it, within the grace period', () => {
    expect(seen(notFound).steps).toMatchObject([{ trigger: { triggerId: 'a'.repeat(32) } }]);
    expect(stepKinds(seen(notFound, { now: INPUT_NOW + 60_000 }))).toEqual([]);
  });

  const broken = ok({ kind: 'failed', failure: { type: 'X', message: 'no space' }, savepoint: undefined } as const);

  test('is tried again after a failure, not at once, until the grace period is over', () => {
    const failed = seen(broken);
    expect(failed.events).toEqual([
      {
        type: 'Warning',
        reason: 'SavepointError',
        message: 'Savepoint failed for savepointTriggerNonce: 5: no space',
        component: 'Operator',
      },
    ]);
    expect(stepKinds(failed)).toEqual([]);
    expect(recordedNonce(failed.status, 'SAVEPOINT')).toBeUndefined();
    const again = (now: number) => stepKinds(jobSnapshots(nextInput(asked, failed, { now })));
    expect(again(INPUT_NOW + 9_000)).toEqual([]);
    expect(again(INPUT_NOW + 10_000)).toEqual(['trigger-savepoint']);
    const late = seen(broken, { now: INPUT_NOW + 60_000 });
    expect(recordedNonce(late.status, 'SAVEPOINT')).toBe(5);
    expect(late.conditions).toEqual([]);
  });

  test('of a period is not tried again before the next one', () => {
    const periodic = legacyInput({ config: { [`${K}periodic.savepoint.interval`]: '30 min' } });
    const first = jobSnapshots(periodic);
    expect(first.status.jobStatus?.savepointInfo?.lastPeriodicSavepointTimestamp).toBe(INPUT_NOW);
    const readings = { ...periodic.readings, savepoint: broken };
    const failed = jobSnapshots(nextInput(periodic, first, { readings, now: INPUT_NOW + 20_000 }));
    expect(failed.events[0]?.message).toBe('Periodic savepoint failed: no space');
    expect(stepKinds(failed)).toEqual([]);
  });

  test('is given up when its job does not run any more', () => {
    const status = { ...begun.status, jobStatus: { ...begun.status.jobStatus, state: 'FAILED' } } as const;
    const result = seen(ok({ kind: 'in-progress' }), { status });
    expect(result.status.jobStatus?.savepointInfo?.triggerId).toBeUndefined();
    expect(recordedNonce(result.status, 'SAVEPOINT')).toBe(5);
    expect(result.events).toHaveLength(1);
    const unsure = seen(undefined, {
      status: { ...status, jobStatus: { ...status.jobStatus, state: 'RECONCILING' } },
      stateIsKnown: false,
    });
    expect(unsure.status.jobStatus?.savepointInfo?.triggerId).toBe('a'.repeat(32));
  });

  test('as a checkpoint has the configured type, and no place', () => {
    const one = legacyInput({ job: { checkpointTriggerNonce: 3 }, config: { [`${K}checkpoint.type`]: 'INCREMENTAL' } });
    const first = jobSnapshots(one);
    expect(first.steps).toMatchObject([{ kind: 'trigger-checkpoint', trigger: { type: 'INCREMENTAL' } }]);
    const readings = { ...one.readings, checkpoint: ok({ kind: 'completed', checkpointId: 9 } as const) };
    expect(jobSnapshots(nextInput(one, first, { readings })).status.jobStatus?.checkpointInfo).toEqual({
      lastCheckpoint: { timeStamp: INPUT_NOW, triggerType: 'MANUAL', formatType: 'INCREMENTAL', triggerNonce: 3 },
    });
  });
});
