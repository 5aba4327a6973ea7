import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { isExcluded, parseExcludedPeriod } from './excluded-periods.ts';

interface Vector {
  readonly id: string;
  readonly fn: string;
  readonly args: { readonly periods: string; readonly at: string };
  readonly result: boolean;
}

const area = goldenArea('operator-classes');
const all = area.files.includes('misc.json') ? area.json<Vector[]>('misc.json') : [];
const vectors = all.filter(({ fn }) => fn === 'inExcludedPeriods');
let passed = 0;

describe('Periods without scaling are those of the Apache autoscaler', () => {
  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, { args, result }) => {
    const periods = args.periods.split(';').map((text) => {
      const read = parseExcludedPeriod(text);
      if (!read.ok) throw new Error(read.value);
      return read.value;
    });
    expect(isExcluded(periods, Date.parse(args.at))).toBe(result);
    passed += 1;
  });
});

afterAll(() => console.log(`operator-classes inExcludedPeriods: ${passed} of ${vectors.length}`));
