import { describe, expect, test } from 'vitest';
import { anObject, INPUT_NOW, K, nextInput, snapshotsInput, stepKinds } from '../../testing/snapshots-input.ts';
import { jobSnapshots } from './job-snapshots.ts';
import { recordedNonce } from './nonce.ts';
import { selectedLabels } from './snapshot-object.ts';

describe('A nonce', () => {
  test('that is new makes a snapshot under a name that is recorded first, and is carried out with it', () => {
    const result = jobSnapshots(snapshotsInput({ job: { savepointTriggerNonce: 5 } }));
    const name = `app-savepoint-manual-${INPUT_NOW}`;
    expect(result.status.operation).toMatchObject({ kind: 'snapshot', target: name, nonce: 5 });
    expect(recordedNonce(result.status, 'SAVEPOINT')).toBeUndefined();
    expect(result.steps).toEqual([
      {
        kind: 'create-snapshot',
        optional: false,
        snapshot: {
          apiVersion: 'flink.apache.org/v1beta1',
          kind: 'FlinkStateSnapshot',
          metadata: { name, namespace: 'default', labels: { 'snapshot.trigger-type': 'MANUAL' } },
          spec: {
            backoffLimit: 0,
            jobReference: { kind: 'FlinkDeployment', name: 'app' },
            savepoint: {
              path: 'file:///state/savepoints',
              formatType: 'CANONICAL',
              disposeOnDelete: false,
              alreadyExists: false,
            },
          },
        },
      },
    ]);
    expect(recordedNonce(result.settled ?? {}, 'SAVEPOINT')).toBe(5);
    expect(result.settled?.operation).toBeUndefined();
    expect(result.settled?.jobStatus?.savepointInfo?.triggerId).toBeUndefined();
  });

  test('makes a snapshot with those labels of the job that the operator selects objects by', () => {
    const asked = snapshotsInput({ job: { savepointTriggerNonce: 5 } });
    const policy = { ...asked.policy, inheritedLabels: selectedLabels('team=a,stage in (dev,test),!old') };
    const metadata = { ...asked.metadata, labels: { team: 'a', stage: 'dev', mine: 'x' } };
    expect(jobSnapshots({ ...asked, policy, metadata }).steps).toMatchObject([
      { snapshot: { metadata: { labels: { team: 'a', stage: 'dev', 'snapshot.trigger-type': 'MANUAL' } } } },
    ]);
    expect(selectedLabels('team=a, stage in (dev,test),!old')).toEqual(['team', 'stage']);
    expect(selectedLabels(undefined)).toEqual([]);
  });

  test('whose snapshot was begun by a process that died makes the same object, for the nonce of that time', () => {
    const begun = jobSnapshots(snapshotsInput({ job: { savepointTriggerNonce: 5 } }));
    const later = snapshotsInput({
      job: { savepointTriggerNonce: 6 },
      more: { now: INPUT_NOW + 60_000, operation: begun.status.operation ?? null },
    });
    const result = jobSnapshots(later);
    expect(result.steps).toMatchObject([{ snapshot: { metadata: { name: `app-savepoint-manual-${INPUT_NOW}` } } }]);
    expect(recordedNonce(result.settled ?? {}, 'SAVEPOINT')).toBe(5);
    // The newer one is another snapshot.
    expect(jobSnapshots(nextInput(later, result)).steps).toMatchObject([
      { snapshot: { metadata: { name: `app-savepoint-manual-${INPUT_NOW + 60_000}` } } },
    ]);
  });

  test('for each kind makes one of each, savepoints first', () => {
    const first = snapshotsInput({ job: { savepointTriggerNonce: 5, checkpointTriggerNonce: 5 } });
    const savepoint = jobSnapshots(first);
    expect(savepoint.wakeUp).toEqual({ kind: 'after', ms: 0, jitter: false });
    const checkpoint = jobSnapshots(nextInput(first, savepoint));
    expect(checkpoint.steps).toMatchObject([{ snapshot: { spec: { checkpoint: {} } } }]);
    expect(stepKinds(jobSnapshots(nextInput(first, checkpoint)))).toEqual([]);
  });

  test('that is carried out, or taken away, asks for nothing', () => {
    expect(stepKinds(jobSnapshots(snapshotsInput({ recorded: { savepointTriggerNonce: 5 } })))).toEqual([]);
    expect(
      stepKinds(
        jobSnapshots(snapshotsInput({ recorded: { savepointTriggerNonce: 5 }, job: { savepointTriggerNonce: null } })),
      ),
    ).toEqual([]);
  });

  test('waits while the job does not run, or nobody knows whether it does', () => {
    const job = { savepointTriggerNonce: 5 };
    expect(stepKinds(jobSnapshots(snapshotsInput({ job, jobStatus: { state: 'RESTARTING' } })))).toEqual([]);
    expect(stepKinds(jobSnapshots(snapshotsInput({ job, more: { stateIsKnown: false } })))).toEqual([]);
    const starting = jobSnapshots(snapshotsInput({ job, more: { tasksStarting: true } }));
    expect(stepKinds(starting)).toEqual([]);
    expect(starting.wakeUp).toMatchObject({ ms: 500 });
  });

  test('for a checkpoint has no effect before Flink 1.17', () => {
    const job = { checkpointTriggerNonce: 5 };
    expect(stepKinds(jobSnapshots(snapshotsInput({ job, more: { flinkVersion: 'v1_16' } })))).toEqual([]);
  });

  test('of a session job makes a snapshot of that', () => {
    const result = jobSnapshots(
      snapshotsInput({ job: { savepointTriggerNonce: 1 }, more: { kind: 'FlinkSessionJob' } }),
    );
    expect(result.steps).toMatchObject([
      { snapshot: { spec: { jobReference: { kind: 'FlinkSessionJob', name: 'app' } } } },
    ]);
  });
});

describe('A schedule', () => {
  const every = (text: string) => ({ [`${K}periodic.savepoint.interval`]: text });

  test('is due from its interval after the creation of the job on, and then after the last snapshot', () => {
    const due = snapshotsInput({ config: every('30 min') });
    const result = jobSnapshots(due);
    expect(result.steps).toMatchObject([{ snapshot: { metadata: { name: `app-savepoint-periodic-${INPUT_NOW}` } } }]);
    expect(result.settled?.jobStatus?.savepointInfo?.lastPeriodicSavepointTimestamp).toBe(INPUT_NOW);
    const resting = jobSnapshots(nextInput(due, result));
    expect(stepKinds(resting)).toEqual([]);
    expect(resting.wakeUp).toEqual({ kind: 'after', ms: 30 * 60_000 + 1, jitter: false });
    expect(stepKinds(jobSnapshots(nextInput(due, result, { now: INPUT_NOW + 30 * 60_000 + 1 })))).toEqual([
      'create-snapshot',
    ]);
  });

  test.each(['0 0 * * * ?', '0 * * * *', '0 0 * ? * * 2026'])('of a cron expression (%s) is followed', (text) => {
    const one = snapshotsInput({ config: every(text), more: { now: Date.parse('2026-01-01T12:30:00Z') } });
    const taken = jobSnapshots(one);
    expect(stepKinds(taken)).toEqual(['create-snapshot']);
    const early = jobSnapshots(nextInput(one, taken, { now: Date.parse('2026-01-01T12:59:59Z') }));
    expect(stepKinds(early)).toEqual([]);
    expect(early.wakeUp).toMatchObject({ ms: 1_001 });
    expect(stepKinds(jobSnapshots(nextInput(one, taken, { now: Date.parse('2026-01-01T13:00:00.001Z') })))).toEqual([
      'create-snapshot',
    ]);
  });

  test('survives the end of the operator, also when the last snapshot failed', () => {
    for (const state of ['COMPLETED', 'FAILED'] as const) {
      const objects = [anObject(600, 'PERIODIC', state)];
      expect(stepKinds(jobSnapshots(snapshotsInput({ config: every('30 min'), objects })))).toEqual([]);
      expect(stepKinds(jobSnapshots(snapshotsInput({ config: every('5 min'), objects })))).toEqual(['create-snapshot']);
    }
  });

  test('skips a period while the snapshot of the last one is not finished', () => {
    const objects = [anObject(600, 'PERIODIC', 'IN_PROGRESS')];
    expect(stepKinds(jobSnapshots(snapshotsInput({ config: every('5 min'), objects })))).toEqual([]);
  });

  test('of a few milliseconds is not followed to the letter', () => {
    const one = snapshotsInput({ config: every('10') });
    const taken = jobSnapshots(one);
    expect(stepKinds(taken)).toEqual(['create-snapshot']);
    expect(stepKinds(jobSnapshots(nextInput(one, taken, { now: INPUT_NOW + 9_999 })))).toEqual([]);
    expect(taken.conditions).toMatchObject([{ type: 'SavepointSchedule', status: 'True', reason: 'TooOften' }]);
  });

  test.each(['', '0', '0 s'])('of %s is none', (text) => {
    const result = jobSnapshots(snapshotsInput({ config: every(text) }));
    expect(stepKinds(result)).toEqual([]);
    expect(result).toMatchObject({ wakeUp: undefined, conditions: [] });
  });

  test('that nobody understands is told, as is how an unusual one was understood', () => {
    expect(jobSnapshots(snapshotsInput({ config: every('soon') })).conditions).toMatchObject([
      { type: 'SavepointSchedule', status: 'False', reason: 'NotUnderstood' },
    ]);
    expect(jobSnapshots(snapshotsInput({ config: every('*/5 * * * *') })).conditions).toMatchObject([
      { type: 'SavepointSchedule', status: 'True', reason: 'Interpreted' },
    ]);
    expect(jobSnapshots(snapshotsInput({ config: every('PT1H') })).conditions).toMatchObject([
      { reason: 'Interpreted' },
    ]);
    const checkpoints = { [`${K}periodic.checkpoint.interval`]: '1h' };
    expect(
      jobSnapshots(snapshotsInput({ config: checkpoints, more: { flinkVersion: 'v1_16' } })).conditions,
    ).toMatchObject([{ type: 'CheckpointSchedule', status: 'False', reason: 'NotSupported' }]);
  });
});
