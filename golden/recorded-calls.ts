import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from './golden.ts';

interface Call<A, R> {
  readonly id: string;
  readonly fn: string;
  readonly args: A;
  readonly result: R;
}

/** Tests that compare the recorded calls of one function of the Apache operator's classes, with a line of counts. */
export function compareCalls<A, R>(fn: string, title: string, compare: (args: A, result: R) => void): void {
  const area = goldenArea('operator-classes');
  const all = area.files.includes('misc.json') ? area.json<Call<A, R>[]>('misc.json') : [];
  const calls = all.filter((call) => call.fn === fn);
  let matched = 0;
  afterAll(() => console.log(`operator-classes ${fn}: ${matched} of ${calls.length}`));
  describe(title, () => {
    test('Every call has an id of its own', () => {
      expect(new Set(calls.map(({ id }) => id)).size).toBe(calls.length);
    });

    test.each(calls.map((call) => [call.id, call] as const))('%s', (_id, { args, result }) => {
      compare(args, result);
      matched += 1;
    });
  });
}
