import { describe, expect, test } from 'vitest';
import { parseCron } from './cron-schedule.ts';

const FROM = Date.parse('2024-02-27T10:17:33Z'); // a Tuesday

/** The next times an expression names, as texts; undefined when it is none. */
function next(expression: string, count = 3, from = FROM): string[] | undefined {
  const cron = parseCron(expression);
  if (cron === undefined) return undefined;
  const out: string[] = [];
  for (let at: number | undefined = from; out.length < count; ) {
    at = cron.next(at);
    if (at === undefined) break;
    out.push(new Date(at).toISOString().slice(0, 19));
  }
  return out;
}

describe('A Quartz expression', () => {
  test.each([
    ['0 */20 * * * ?', ['2024-02-27T10:20:00', '2024-02-27T10:40:00', '2024-02-27T11:00:00']],
    ['0 0 22-2 * * ?', ['2024-02-27T22:00:00', '2024-02-27T23:00:00', '2024-02-28T00:00:00']],
    ['0 0 12 ? * FRI-MON', ['2024-03-01T12:00:00', '2024-03-02T12:00:00', '2024-03-03T12:00:00']],
    ['0 0 0 L * ?', ['2024-02-29T00:00:00', '2024-03-31T00:00:00', '2024-04-30T00:00:00']],
    ['0 0 0 LW * ?', ['2024-02-29T00:00:00', '2024-03-29T00:00:00', '2024-04-30T00:00:00']],
    ['0 0 0 15W * ?', ['2024-03-15T00:00:00', '2024-04-15T00:00:00', '2024-05-15T00:00:00']],
    ['0 0 0 1W 6 ?', ['2024-06-03T00:00:00', '2025-06-02T00:00:00', '2026-06-01T00:00:00']],
    ['0 0 0 ? * L', ['2024-03-02T00:00:00', '2024-03-09T00:00:00', '2024-03-16T00:00:00']],
    ['0 0 0 ? * TUE#5', ['2024-04-30T00:00:00', '2024-07-30T00:00:00', '2024-10-29T00:00:00']],
    // Quartz pays no attention to a step behind a name, to one of 0, or to how far one reaches.
    ['0 0 0 ? * TUE-FRI/2', ['2024-02-28T00:00:00', '2024-02-29T00:00:00', '2024-03-01T00:00:00']],
    ['5-9/0 0 0 * * ?', ['2024-02-28T00:00:05', '2024-02-29T00:00:05', '2024-03-01T00:00:05']],
    ['0 0 0 ? * 3/10', ['2024-03-05T00:00:00', '2024-03-12T00:00:00', '2024-03-19T00:00:00']],
    ['5 0 0 1 1 ? 2025,2027', ['2025-01-01T00:00:05', '2027-01-01T00:00:05']],
  ])('%s', (expression, expected) => {
    expect(next(expression)).toEqual(expected);
    expect(parseCron(expression)?.dialect).toBe('quartz');
  });

  test('that never comes has no next time', () => {
    expect(next('0 0 0 30 2 ?')).toEqual([]);
    expect(next('0 0 12 1 1 ? 2020')).toEqual([]);
  });

  test('names only times after the one that is asked from', () => {
    expect(next('* * * * * ?', 1, FROM + 400)).toEqual(['2024-02-27T10:17:34']);
    expect(next('33 17 10 * * ?', 1)).toEqual(['2024-02-28T10:17:33']);
  });
});

describe('A Unix expression', () => {
  test.each([
    ['*/5 * * * *', ['2024-02-27T10:20:00', '2024-02-27T10:25:00', '2024-02-27T10:30:00']],
    ['0 3 * * 0', ['2024-03-03T03:00:00', '2024-03-10T03:00:00', '2024-03-17T03:00:00']],
    ['0 3 * * 7', ['2024-03-03T03:00:00', '2024-03-10T03:00:00', '2024-03-17T03:00:00']],
    ['0 3 * * 1-5', ['2024-02-28T03:00:00', '2024-02-29T03:00:00', '2024-03-01T03:00:00']],
    ['0 3 * * MON', ['2024-03-04T03:00:00', '2024-03-11T03:00:00', '2024-03-18T03:00:00']],
    // Two restricted day fields: either is enough.
    ['0 3 1 * MON', ['2024-03-01T03:00:00', '2024-03-04T03:00:00', '2024-03-11T03:00:00']],
    ['30 8 1,15 1 *', ['2025-01-01T08:30:00', '2025-01-15T08:30:00', '2026-01-01T08:30:00']],
    ['0 0 12 * * *', ['2024-02-27T12:00:00', '2024-02-28T12:00:00', '2024-02-29T12:00:00']],
    ['0 3 * * */2', ['2024-02-29T03:00:00', '2024-03-02T03:00:00', '2024-03-03T03:00:00']],
  ])('%s', (expression, expected) => {
    expect(next(expression)).toEqual(expected);
    expect(parseCron(expression)?.dialect).toBe('unix');
  });
});

test.each([
  '',
  '1h',
  '@hourly',
  '* * * *',
  '60 * * * *',
  '0 0 24 * * ?',
  '*/60 * * * * ?',
  '0 0 0 ? * ?',
  '0 0 ? * *',
  'a b c d e',
])('%s is no cron expression', (text) => {
  expect(parseCron(text)).toBeUndefined();
});
