import type { FlinkStateSnapshot } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { newestKnownPath } from './newest-state.ts';
import type { JobResourceStatus } from './resource.ts';

const JOB = 'b'.repeat(32);
const START = 'file:///sp/start';
const status: JobResourceStatus = { jobStatus: { jobId: JOB, upgradeSavepointPath: START } };
const seen = { jobId: JOB, process: 'p/0', path: 'file:///cp/chk-4', triggeredAt: 4000 };

/** A snapshot of the job that was asked for at a second. */
function taken(second: number, more: Partial<NonNullable<FlinkStateSnapshot['status']>> = {}): FlinkStateSnapshot {
  const path = `file:///sp/${second}`;
  const triggerTimestamp = new Date(second * 1000).toISOString();
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkStateSnapshot',
    metadata: { name: `s-${second}` },
    spec: { savepoint: {} },
    status: { state: 'COMPLETED', jobId: JOB, path, triggerTimestamp, ...more },
  };
}

const newest = (objects: readonly FlinkStateSnapshot[], more: Partial<{ seen: typeof seen | undefined }> = {}) =>
  newestKnownPath(status, { seen, snapshots: { objects }, ...more });

describe('The newest state that anybody knows of a job', () => {
  test('is the checkpoint that was seen of this run, else where the run began', () => {
    expect(newest([])).toBe(seen.path);
    expect(newest([], { seen: undefined })).toBe(START);
    expect(newest([], { seen: { ...seen, jobId: 'c'.repeat(32) } })).toBe(START);
  });

  test('is a complete snapshot that was asked for after that', () => {
    expect(newest([taken(5), taken(9), taken(3)])).toBe('file:///sp/9');
    expect(newest([taken(3)])).toBe(seen.path);
    expect(newest([taken(3)], { seen: undefined })).toBe('file:///sp/3');
  });

  test.each([
    ['of another job', taken(9, { jobId: 'c'.repeat(32) })],
    ['that failed', taken(9, { state: 'FAILED' })],
    ['whose place is not known', taken(9, { path: '' })],
    ['that was only taken note of', { ...taken(9), spec: { savepoint: { alreadyExists: true } } }],
  ])('is no snapshot %s', (_, snapshot) => {
    expect(newest([snapshot])).toBe(seen.path);
  });

  test('is the savepoint that only the status remembers, when it is newer than what was seen of this run', () => {
    const lastSavepoint = { location: 'file:///sp/legacy', timeStamp: 9000 };
    const remembers = { jobStatus: { ...status.jobStatus, savepointInfo: { lastSavepoint } } };
    expect(newestKnownPath(remembers, { seen, snapshots: { objects: undefined } })).toBe('file:///sp/legacy');
    expect(newestKnownPath(remembers, { seen: undefined, snapshots: { objects: undefined } })).toBe(START);
  });
});
