import { MASKED_VALUE } from '@drey/flink';
import type { ClassifiedDifference } from '@drey/operator';
import { describe, expect, test } from 'vitest';
import { duration, size } from '../output/quantities.ts';
import { isChange, type PlanResult, planText, printedDifference } from './print.ts';

const difference = (changes: Partial<ClassifiedDifference> = {}): ClassifiedDifference => ({
  field: 'image',
  left: 'flink:1',
  right: 'flink:2',
  type: 'UPGRADE',
  class: 'upgrade',
  because: 'Flink reads it when it starts',
  ...changes,
});

const plan = (changes: Partial<PlanResult> = {}): PlanResult => ({
  kind: 'FlinkDeployment',
  namespace: 'ns',
  name: 'app',
  change: 'upgrade',
  differences: [printedDifference(difference(), [])],
  upgrade: { kind: 'now', mode: 'SAVEPOINT', asked: 'savepoint', because: 'the job runs' },
  state: { kind: 'new-savepoint', path: 's3://sp', ageMs: undefined, sizeBytes: 4 * 1024 ** 3 },
  restarts: { jobManager: true, taskManagers: true, job: true },
  downtime: { expectedMs: 8200, longestMs: 61_000, basedOn: 3 },
  firstSteps: ['stop-with-savepoint'],
  warnings: ['Mind the gap.'],
  ...changes,
});

describe('A plan for people', () => {
  test('says what, why, from which state, what restarts and for how long', () => {
    expect(planText(plan())).toBe(
      [
        'ns/app: upgrade, with a restart',
        '  ~ image: flink:1 -> flink:2',
        '      upgrade: Flink reads it when it starts',
        '  restarts:  JobManager, TaskManagers, job',
        '  mode:      stop with a savepoint, start from it (upgradeMode savepoint; the job runs)',
        '  state:     a new savepoint below s3://sp (about 4 GiB)',
        '  downtime:  about 8.2 s, at most 1 min 1 s the last 3 times',
        '  ! Mind the gap.',
        '',
      ].join('\n'),
    );
  });

  test('names everything that is changed in place', () => {
    const differences = (['rescale', 'logging', 'rescale', 'operator-only'] as const).map((one) =>
      printedDifference(difference({ class: one }), []),
    );
    const restarts = { jobManager: false, taskManagers: false, job: false };
    const text = planText(
      plan({ change: 'rescale', differences, restarts, upgrade: undefined, state: { kind: 'kept' } }),
    );
    expect(text).toContain('ns/app: changed in place: parallelism, logging; the job runs on\n');
    expect(text).toContain('  restarts:  nothing\n  state:     the running job keeps it\n');
    expect(text).not.toContain('downtime');
  });

  test('names a session job as one, and what has to happen first', () => {
    const because = 'Waiting for the session cluster s: there is no JobManager.';
    const waits = { kind: 'waits', asked: 'savepoint', because } as const;
    const restarts = { jobManager: false, taskManagers: false, job: true };
    const text = planText(plan({ kind: 'FlinkSessionJob', upgrade: waits, state: { kind: 'kept' }, restarts }));
    expect(text).toContain('ns/app (session job): upgrade, but it has to wait\n');
    expect(text).toContain(
      `  restarts:  job\n  mode:      waits: ${because} (upgradeMode savepoint)\n  state:     the running job keeps it\n`,
    );
  });

  test('tells of each job that a session cluster takes down how it comes through', () => {
    const downtime = { expectedMs: 3000, longestMs: 4000, basedOn: 1 };
    const upgrade = { kind: 'now', mode: 'SAVEPOINT', asked: 'savepoint', because: 'the job runs' } as const;
    const newSavepoint = { kind: 'new-savepoint', path: 's3://sp', ageMs: undefined, sizeBytes: 2048 } as const;
    const checkpoint = { kind: 'checkpoint', path: 's3://chk-7', ageMs: 41_000, sizeBytes: undefined } as const;
    const rest = { upgrade: undefined, downtime: undefined };
    const text = planText(
      plan({
        upgrade: undefined,
        state: { kind: 'none' },
        restarts: { jobManager: true, taskManagers: true, job: false },
        interrupts: [
          { name: 'orders', how: 'brought-down', upgrade, state: newSavepoint, downtime },
          { ...rest, name: 'clicks', how: 'high-availability', state: checkpoint },
          { ...rest, name: 'views', how: 'goes-with-cluster', state: { kind: 'empty' } },
          { ...rest, name: 'gone', how: 'lost', state: { kind: 'none' } },
        ],
      }),
    );
    expect(text.split('\n').slice(3)).toEqual([
      '  restarts:  JobManager, TaskManagers',
      '  interrupts 4 session jobs:',
      '    orders: stop with a savepoint, start from it (upgradeMode savepoint; the job runs)',
      '      state:     a new savepoint below s3://sp (about 2 KiB)',
      '      downtime:  about 3 s, at most 4 s the last time',
      '    clicks: taken up again by Flink itself, through high availability',
      '      state:     the newest checkpoint s3://chk-7 (41 s old)',
      '      downtime:  not known: the job has not been interrupted yet',
      '    views: ends with the JobManager, and is started again',
      '      state:     empty',
      '      downtime:  not known: the job has not been interrupted yet',
      '    gone: ends with the JobManager, and is not started again by itself',
      '      downtime:  not known: the job has not been interrupted yet',
      '  ! Mind the gap.',
      '',
    ]);
  });

  test('shows no secret', () => {
    const secret = difference({ field: 'flinkConfiguration.s3.secret-key', left: 'hunter2', right: 'hunter3' });
    expect(printedDifference(secret, [])).toMatchObject({ from: MASKED_VALUE, to: MASKED_VALUE });
    const beside = printedDifference(difference({ left: { a: 'see hunter2' }, right: null }), ['hunter2']);
    expect(beside.from).toBe(`{"a":"see ${MASKED_VALUE}"}`);
  });

  test('cuts long values and leaves out what nobody set', () => {
    const shown = printedDifference(difference({ left: { a: null, b: 'x'.repeat(500) }, right: [null, 1] }), []);
    expect(shown.from).toMatch(/^\{"b":"x{100,}…$/);
    expect(shown.from.length).toBeLessThan(140);
    expect(shown.to).toBe('[null,1]');
  });

  test('is no change when there is nothing to do or nothing will be done', () => {
    expect((['nothing', 'invalid', 'operator-only', 'upgrade'] as const).map((change) => isChange({ change }))).toEqual(
      [false, false, true, true],
    );
  });
});

test('Durations come in their two largest units', () => {
  expect([0, 850, 8_240, 60_000, 185_000, 7_800_000, 270_000_000].map(duration)).toEqual([
    '0 ms',
    '850 ms',
    '8.2 s',
    '1 min',
    '3 min 5 s',
    '2 h 10 min',
    '3 d 3 h',
  ]);
});

test('Sizes come in binary units', () => {
  expect([0, 512, 1536, 999_424, 1024 ** 3 * 1.5].map(size)).toEqual(['0 B', '512 B', '1.5 KiB', '976 KiB', '1.5 GiB']);
});
