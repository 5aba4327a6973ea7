import { describe, expect, test } from 'vitest';
import { jobSnapshots } from '../job/snapshots/job-snapshots.ts';
import { INPUT_NOW, K, nextInput, snapshotsInput, stepKinds } from '../testing/snapshots-input.ts';

const every = (text: string) => ({ config: { [`${K}periodic.savepoint.interval`]: text } });

describe('12.1 item 24: the times of periodic snapshots', () => {
  test('are not lost with the operator: all of them are in the status', () => {
    const first = snapshotsInput(every('1 h'));
    const taken = jobSnapshots({ ...first, now: INPUT_NOW + 1 });
    expect(stepKinds(taken)).toEqual(['create-snapshot']);
    // Another process knows no more than the status; not even the object of the snapshot has to be there any more.
    const later = { readings: { ...first.readings, objects: [] }, now: INPUT_NOW + 59 * 60_000 };
    expect(stepKinds(jobSnapshots(nextInput(first, taken, later)))).toEqual([]);
  });

  test('may be given as a cron expression, also in the five fields that everybody else writes', () => {
    for (const text of ['0 0 * * * ?', '0 * * * *']) {
      expect(stepKinds(jobSnapshots(snapshotsInput({ ...every(text), more: { now: INPUT_NOW + 1 } })))).toEqual([
        'create-snapshot',
      ]);
    }
  });
});
