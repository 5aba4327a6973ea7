import type { FlinkStateSnapshot } from '@drey/api';
import { describe, expect, test } from 'vitest';
import {
  anObject,
  INPUT_NOW,
  K,
  legacyInput,
  type SnapshotsChanges,
  snapshotsInput,
  stepKinds,
} from '../../testing/snapshots-input.ts';
import { jobSnapshots } from './job-snapshots.ts';

describe('Objects of snapshots', () => {
  const limit = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`${K}savepoint.history.max.${key}`, value]));
  const deleted = (objects: FlinkStateSnapshot[], config: Record<string, string>, more: SnapshotsChanges = {}) =>
    jobSnapshots(snapshotsInput({ objects, config, ...more })).steps.map((step) =>
      'uid' in step ? step.uid : step.kind,
    );

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
    const result = jobSnapshots(snapshotsInput({ job: { savepointTriggerNonce: 5 }, objects: undefined }));
    expect(stepKinds(result)).toEqual(['trigger-savepoint']);
  });
});

describe('The history of savepoints in the status', () => {
  const entry = (age: number) => ({
    timeStamp: INPUT_NOW - age * 1000,
    location: `file:/sp/${age}`,
    triggerType: 'PERIODIC' as const,
  });
  const history = [entry(300), entry(200), entry(100)];
  const trimmed = (config: Record<string, string>, changes: SnapshotsChanges = {}) =>
    jobSnapshots(legacyInput({ config, jobStatus: { savepointInfo: { savepointHistory: history } }, ...changes }));
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
