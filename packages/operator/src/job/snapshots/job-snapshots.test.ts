import type { FlinkDeploymentStatus, FlinkStateSnapshot, JobSpec, SnapshotState, SnapshotTriggerType } from '@drey/api';
import { FlinkConfig } from '@drey/flink';
import { describe, expect, test } from 'vitest';
import { writeRecorded } from '../recorded-spec.ts';
import type { JobSnapshots, JobSnapshotsInput } from './input.ts';
import { holdsBackChanges, jobSnapshots } from './job-snapshots.ts';
import { recordedNonce } from './nonce.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const K = 'kubernetes.operator.';
const SAVEPOINTS = { 'execution.checkpointing.savepoint-dir': 'file:///state/savepoints' };
const LEGACY = { [`${K}snapshot.resource.enabled`]: 'false' };
const ok = <T>(value: T) => ({ kind: 'ok', value }) as const;
const notFound = { kind: 'not-found', message: 'unknown trigger' } as const;

type Input = JobSnapshotsInput<FlinkDeploymentStatus>;

interface Changes {
  readonly job?: Partial<JobSpec>;
  readonly recorded?: Partial<JobSpec>;
  readonly config?: Readonly<Record<string, string>>;
  readonly jobStatus?: FlinkDeploymentStatus['jobStatus'];
  readonly objects?: readonly FlinkStateSnapshot[] | undefined;
  readonly readings?: Partial<Input['readings']>;
  readonly more?: Partial<Input>;
}

/** A running job at rest whose kind of snapshots are objects. */
function input(changes: Changes = {}): Input {
  const recorded = { spec: { job: { jarURI: 'local:///job.jar', state: 'running', ...changes.recorded } } } as const;
  return {
    kind: 'FlinkDeployment',
    metadata: { name: 'app', namespace: 'default', creationTimestamp: '2026-01-01T11:00:00Z' },
    job: { ...changes.recorded, ...changes.job },
    flinkVersion: 'v1_20',
    status: {
      jobStatus: { state: 'RUNNING', jobId: 'b'.repeat(32), ...changes.jobStatus },
      reconciliationStatus: {
        state: 'DEPLOYED',
        lastReconciledSpec: writeRecorded('FlinkDeployment', recorded.spec, true),
      },
    },
    operation: undefined,
    stateIsKnown: true,
    tasksStarting: false,
    options: FlinkConfig.of({ ...SAVEPOINTS, ...changes.config }),
    policy: { objectsEnabled: true, caps: { maxCount: undefined, maxAgeMs: undefined } },
    readings: {
      objects: 'objects' in changes ? changes.objects : [],
      savepoint: undefined,
      checkpoint: undefined,
      references: [],
      ...changes.readings,
    },
    now: NOW,
    epoch: 0,
    freshId: 'a'.repeat(32),
    ...changes.more,
  };
}

const legacy = (changes: Changes = {}): Input => input({ ...changes, config: { ...LEGACY, ...changes.config } });
const kinds = (result: JobSnapshots<FlinkDeploymentStatus>): string[] => result.steps.map((step) => step.kind);

/** The input of the next pass, after all of this one's steps. */
function next(from: Input, result: JobSnapshots<FlinkDeploymentStatus>, changes: Partial<Input> = {}): Input {
  const { operation: _, ...status } = result.settled ?? result.status;
  return { ...from, status, operation: (result.settled ?? result.status).operation, ...changes };
}

let count = 0;
function anObject(
  ageSeconds: number,
  trigger: SnapshotTriggerType,
  state: SnapshotState,
  spec: FlinkStateSnapshot['spec'] = { savepoint: { disposeOnDelete: false } },
): FlinkStateSnapshot {
  count += 1;
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkStateSnapshot',
    metadata: {
      name: `s${count}`,
      uid: `uid-${count}`,
      namespace: 'default',
      creationTimestamp: new Date(NOW - ageSeconds * 1000).toISOString(),
      labels: { 'snapshot.trigger-type': trigger },
    },
    spec,
    status: { state, path: `file:/sp/${count}` },
  };
}

describe('A nonce', () => {
  test('that is new makes a snapshot under a name that is recorded first, and is carried out with it', () => {
    const result = jobSnapshots(input({ job: { savepointTriggerNonce: 5 } }));
    const name = `app-savepoint-manual-${NOW}`;
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

  test('whose snapshot was begun by a process that died makes the same object, for the nonce of that time', () => {
    const begun = jobSnapshots(input({ job: { savepointTriggerNonce: 5 } }));
    const later = input({
      job: { savepointTriggerNonce: 6 },
      more: { now: NOW + 60_000, operation: begun.status.operation ?? null },
    });
    const result = jobSnapshots(later);
    expect(result.steps).toMatchObject([{ snapshot: { metadata: { name: `app-savepoint-manual-${NOW}` } } }]);
    expect(recordedNonce(result.settled ?? {}, 'SAVEPOINT')).toBe(5);
    // The newer one is another snapshot.
    expect(jobSnapshots(next(later, result)).steps).toMatchObject([
      { snapshot: { metadata: { name: `app-savepoint-manual-${NOW + 60_000}` } } },
    ]);
  });

  test('for each kind makes one of each, savepoints first', () => {
    const first = input({ job: { savepointTriggerNonce: 5, checkpointTriggerNonce: 5 } });
    const savepoint = jobSnapshots(first);
    expect(savepoint.wakeUp).toEqual({ kind: 'after', ms: 0, jitter: false });
    const checkpoint = jobSnapshots(next(first, savepoint));
    expect(checkpoint.steps).toMatchObject([{ snapshot: { spec: { checkpoint: {} } } }]);
    expect(kinds(jobSnapshots(next(first, checkpoint)))).toEqual([]);
  });

  test('that is carried out, or taken away, asks for nothing', () => {
    expect(kinds(jobSnapshots(input({ recorded: { savepointTriggerNonce: 5 } })))).toEqual([]);
    expect(
      kinds(jobSnapshots(input({ recorded: { savepointTriggerNonce: 5 }, job: { savepointTriggerNonce: null } }))),
    ).toEqual([]);
  });

  test('waits while the job does not run, or nobody knows whether it does', () => {
    const job = { savepointTriggerNonce: 5 };
    expect(kinds(jobSnapshots(input({ job, jobStatus: { state: 'RESTARTING' } })))).toEqual([]);
    expect(kinds(jobSnapshots(input({ job, more: { stateIsKnown: false } })))).toEqual([]);
    const starting = jobSnapshots(input({ job, more: { tasksStarting: true } }));
    expect(kinds(starting)).toEqual([]);
    expect(starting.wakeUp).toMatchObject({ ms: 500 });
  });

  test('for a checkpoint has no effect before Flink 1.17', () => {
    const job = { checkpointTriggerNonce: 5 };
    expect(kinds(jobSnapshots(input({ job, more: { flinkVersion: 'v1_16' } })))).toEqual([]);
  });

  test('of a session job makes a snapshot of that', () => {
    const result = jobSnapshots(input({ job: { savepointTriggerNonce: 1 }, more: { kind: 'FlinkSessionJob' } }));
    expect(result.steps).toMatchObject([
      { snapshot: { spec: { jobReference: { kind: 'FlinkSessionJob', name: 'app' } } } },
    ]);
  });
});

describe('A schedule', () => {
  const every = (text: string) => ({ [`${K}periodic.savepoint.interval`]: text });

  test('is due from its interval after the creation of the job on, and then after the last snapshot', () => {
    const due = input({ config: every('30 min') });
    const result = jobSnapshots(due);
    expect(result.steps).toMatchObject([{ snapshot: { metadata: { name: `app-savepoint-periodic-${NOW}` } } }]);
    expect(result.settled?.jobStatus?.savepointInfo?.lastPeriodicSavepointTimestamp).toBe(NOW);
    const resting = jobSnapshots(next(due, result));
    expect(kinds(resting)).toEqual([]);
    expect(resting.wakeUp).toEqual({ kind: 'after', ms: 30 * 60_000 + 1, jitter: false });
    expect(kinds(jobSnapshots(next(due, result, { now: NOW + 30 * 60_000 + 1 })))).toEqual(['create-snapshot']);
  });

  test.each(['0 0 * * * ?', '0 * * * *', '0 0 * ? * * 2026'])('of a cron expression (%s) is followed', (text) => {
    const one = input({ config: every(text), more: { now: Date.parse('2026-01-01T12:30:00Z') } });
    const taken = jobSnapshots(one);
    expect(kinds(taken)).toEqual(['create-snapshot']);
    const early = jobSnapshots(next(one, taken, { now: Date.parse('2026-01-01T12:59:59Z') }));
    expect(kinds(early)).toEqual([]);
    expect(early.wakeUp).toMatchObject({ ms: 1_001 });
    expect(kinds(jobSnapshots(next(one, taken, { now: Date.parse('2026-01-01T13:00:00.001Z') })))).toEqual([
      'create-snapshot',
    ]);
  });

  test('survives the end of the operator, also when the last snapshot failed', () => {
    for (const state of ['COMPLETED', 'FAILED'] as const) {
      const objects = [anObject(600, 'PERIODIC', state)];
      expect(kinds(jobSnapshots(input({ config: every('30 min'), objects })))).toEqual([]);
      expect(kinds(jobSnapshots(input({ config: every('5 min'), objects })))).toEqual(['create-snapshot']);
    }
  });

  test('skips a period while the snapshot of the last one is not finished', () => {
    const objects = [anObject(600, 'PERIODIC', 'IN_PROGRESS')];
    expect(kinds(jobSnapshots(input({ config: every('5 min'), objects })))).toEqual([]);
  });

  test('of a few milliseconds is not followed to the letter', () => {
    const one = input({ config: every('10') });
    const taken = jobSnapshots(one);
    expect(kinds(taken)).toEqual(['create-snapshot']);
    expect(kinds(jobSnapshots(next(one, taken, { now: NOW + 9_999 })))).toEqual([]);
    expect(taken.conditions).toMatchObject([{ type: 'SavepointSchedule', status: 'True', reason: 'TooOften' }]);
  });

  test.each(['', '0', '0 s'])('of %s is none', (text) => {
    const result = jobSnapshots(input({ config: every(text) }));
    expect(kinds(result)).toEqual([]);
    expect(result).toMatchObject({ wakeUp: undefined, conditions: [] });
  });

  test('that nobody understands is told, as is how an unusual one was understood', () => {
    expect(jobSnapshots(input({ config: every('soon') })).conditions).toMatchObject([
      { type: 'SavepointSchedule', status: 'False', reason: 'NotUnderstood' },
    ]);
    expect(jobSnapshots(input({ config: every('*/5 * * * *') })).conditions).toMatchObject([
      { type: 'SavepointSchedule', status: 'True', reason: 'Interpreted' },
    ]);
    expect(jobSnapshots(input({ config: every('PT1H') })).conditions).toMatchObject([{ reason: 'Interpreted' }]);
    const checkpoints = { [`${K}periodic.checkpoint.interval`]: '1h' };
    expect(jobSnapshots(input({ config: checkpoints, more: { flinkVersion: 'v1_16' } })).conditions).toMatchObject([
      { type: 'CheckpointSchedule', status: 'False', reason: 'NotSupported' },
    ]);
  });
});

describe('Objects of snapshots', () => {
  const limit = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`${K}savepoint.history.max.${key}`, value]));
  const deleted = (objects: FlinkStateSnapshot[], config: Record<string, string>, more: Changes = {}) =>
    jobSnapshots(input({ objects, config, ...more })).steps.map((step) => ('uid' in step ? step.uid : step.kind));

  test('go when there are more than wanted, oldest first, each kind by itself', () => {
    const points = [300, 200, 100].map((age) => anObject(age, 'PERIODIC', 'COMPLETED'));
    const checks = [300, 200, 100].map((age) => anObject(age, 'PERIODIC', 'COMPLETED', { checkpoint: {} }));
    expect(deleted([...points, ...checks], limit({ count: '1' }))).toEqual(
      [points[0], points[1], checks[0], checks[1]].map((one) => one?.metadata.uid),
    );
  });

  test('that are the newest complete one stay, though others are younger', () => {
    const completed = anObject(400, 'PERIODIC', 'COMPLETED');
    const failed = [300, 200, 100].map((age) => anObject(age, 'PERIODIC', 'FAILED'));
    expect(deleted([completed, ...failed], limit({ count: '1' }))).toEqual(failed.map((one) => one.metadata.uid));
  });

  test('that are being taken are not surplus: what they replace goes when they are complete', () => {
    const before = anObject(20, 'PERIODIC', 'COMPLETED');
    const taking = anObject(1, 'PERIODIC', 'IN_PROGRESS');
    expect(deleted([before, taking], limit({ count: '1' }))).toEqual([]);
    const upgrade = { ...anObject(0, 'UPGRADE', 'TRIGGER_PENDING'), status: {} };
    expect(deleted([before, upgrade], limit({ count: '1' }))).toEqual([]);
    const complete = { ...taking, status: { state: 'COMPLETED' as const } };
    expect(deleted([before, complete], limit({ count: '1' }))).toEqual([before.metadata.uid]);
  });

  test('of persons neither go nor count', () => {
    const own = [700, 600, 500, 400, 300, 200].map((age) => anObject(age, 'PERIODIC', 'COMPLETED'));
    const objects = [anObject(650, 'MANUAL', 'COMPLETED'), ...own];
    expect(deleted(objects, limit({ count: '2' }))).toEqual(own.slice(0, 4).map((one) => one.metadata.uid));
  });

  test('go when they are too old, but for the last one', () => {
    const objects = [400, 300, 200, 150].map((age) => anObject(age, 'PERIODIC', 'IN_PROGRESS'));
    expect(deleted(objects, limit({ age: '100 s' }))).toEqual(objects.slice(0, 3).map((one) => one.metadata.uid));
    expect(deleted([anObject(1000, 'PERIODIC', 'COMPLETED')], limit({ age: '100 s' }))).toEqual([]);
  });

  test('stay when cleaning up is switched off', () => {
    const objects = [300, 200].map((age) => anObject(age, 'PERIODIC', 'COMPLETED'));
    expect(deleted(objects, { ...limit({ count: '1' }), [`${K}savepoint.cleanup.enabled`]: 'false' })).toEqual([]);
  });

  test('stay while their files would go with them and something may be started from those', () => {
    const disposes = { savepoint: { disposeOnDelete: true } };
    const objects = [300, 200, 100].map((age) => anObject(age, 'UPGRADE', 'COMPLETED', disposes));
    const references = [{ path: objects[0]?.status?.path ?? '', by: 'FlinkDeployment/app' }];
    expect(deleted(objects, limit({ count: '1' }), { readings: { references } })).toEqual([objects[1]?.metadata.uid]);
  });

  test('are not asked for on a cluster that does not have the kind: the status does instead', () => {
    const result = jobSnapshots(input({ job: { savepointTriggerNonce: 5 }, objects: undefined }));
    expect(kinds(result)).toEqual(['trigger-savepoint']);
  });
});

describe('A snapshot that only the status knows', () => {
  const asked = legacy({ job: { savepointTriggerNonce: 5 } });
  const begun = jobSnapshots(asked);
  const seen = (savepoint: Input['readings']['savepoint'], changes: Partial<Input> = {}) =>
    jobSnapshots(next(asked, begun, { readings: { ...asked.readings, savepoint }, now: NOW + 1_000, ...changes }));

  test('is recorded with its id before Flink is asked, and holds back changes until it is over', () => {
    expect(begun.status.jobStatus?.savepointInfo).toEqual({
      triggerId: 'a'.repeat(32),
      triggerTimestamp: NOW,
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
      const result = seen(answer, { now: NOW + 600_000 });
      expect(kinds(result)).toEqual([]);
      expect(result.status.jobStatus?.savepointInfo?.triggerId).toBe('a'.repeat(32));
    }
  });

  test('is remembered as the last one and in the history when it is complete', () => {
    const result = seen(ok({ kind: 'completed', location: 'file:/sp/1' }));
    const taken = {
      timeStamp: NOW,
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
    expect(kinds(seen(notFound, { now: NOW + 60_000 }))).toEqual([]);
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
    expect(kinds(failed)).toEqual([]);
    expect(recordedNonce(failed.status, 'SAVEPOINT')).toBeUndefined();
    const again = (now: number) => kinds(jobSnapshots(next(asked, failed, { now })));
    expect(again(NOW + 9_000)).toEqual([]);
    expect(again(NOW + 10_000)).toEqual(['trigger-savepoint']);
    const late = seen(broken, { now: NOW + 60_000 });
    expect(recordedNonce(late.status, 'SAVEPOINT')).toBe(5);
    expect(late.conditions).toEqual([]);
  });

  test('of a period is not tried again before the next one', () => {
    const periodic = legacy({ config: { [`${K}periodic.savepoint.interval`]: '30 min' } });
    const first = jobSnapshots(periodic);
    expect(first.status.jobStatus?.savepointInfo?.lastPeriodicSavepointTimestamp).toBe(NOW);
    const readings = { ...periodic.readings, savepoint: broken };
    const failed = jobSnapshots(next(periodic, first, { readings, now: NOW + 20_000 }));
    expect(failed.events[0]?.message).toBe('Periodic savepoint failed: no space');
    expect(kinds(failed)).toEqual([]);
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
    const one = legacy({ job: { checkpointTriggerNonce: 3 }, config: { [`${K}checkpoint.type`]: 'INCREMENTAL' } });
    const first = jobSnapshots(one);
    expect(first.steps).toMatchObject([{ kind: 'trigger-checkpoint', trigger: { type: 'INCREMENTAL' } }]);
    const readings = { ...one.readings, checkpoint: ok({ kind: 'completed', checkpointId: 9 } as const) };
    expect(jobSnapshots(next(one, first, { readings })).status.jobStatus?.checkpointInfo).toEqual({
      lastCheckpoint: { timeStamp: NOW, triggerType: 'MANUAL', formatType: 'INCREMENTAL', triggerNonce: 3 },
    });
  });
});

describe('The history of savepoints in the status', () => {
  const entry = (age: number) => ({
    timeStamp: NOW - age * 1000,
    location: `file:/sp/${age}`,
    triggerType: 'PERIODIC' as const,
  });
  const history = [entry(300), entry(200), entry(100)];
  const trimmed = (config: Record<string, string>, changes: Changes = {}) =>
    jobSnapshots(legacy({ config, jobStatus: { savepointInfo: { savepointHistory: history } }, ...changes }));
  const one = { [`${K}savepoint.history.max.count`]: '1' };

  test('loses its oldest entry after Flink was asked to delete the files', () => {
    const result = trimmed(one);
    expect(result.steps).toEqual([{ kind: 'dispose-savepoint', path: 'file:/sp/300' }]);
    expect(result.status.jobStatus?.savepointInfo?.savepointHistory).toHaveLength(3);
    expect(result.settled?.jobStatus?.savepointInfo?.savepointHistory).toEqual(history.slice(1));
  });

  test('loses entries without their files when cleaning up is switched off', () => {
    const result = trimmed({ ...one, [`${K}savepoint.cleanup.enabled`]: 'false' });
    expect(result.steps).toEqual([]);
    expect(result.status.jobStatus?.savepointInfo?.savepointHistory).toEqual(history.slice(1));
  });

  test('keeps what something may be started from', () => {
    const references = [{ path: 'file:///sp/300', by: 'FlinkSessionJob/other' }];
    expect(trimmed(one, { readings: { references } }).steps).toEqual([
      { kind: 'dispose-savepoint', path: 'file:/sp/200' },
    ]);
  });

  test('keeps its last entry however old, unless complete objects are newer', () => {
    const old = { [`${K}savepoint.history.max.age`]: '1 s' };
    const last = { jobStatus: { savepointInfo: { savepointHistory: [entry(300)] } } };
    expect(trimmed(old, last).steps).toEqual([]);
    const objects = [anObject(10, 'PERIODIC', 'COMPLETED')];
    expect(trimmed(old, { ...last, objects }).steps).toEqual([{ kind: 'dispose-savepoint', path: 'file:/sp/300' }]);
  });

  test('stays while the job does not run', () => {
    const jobStatus = { state: 'FAILED', savepointInfo: { savepointHistory: history } } as const;
    expect(trimmed(one, { jobStatus }).steps).toEqual([]);
  });
});
