import { expect } from 'vitest';
import { compareCalls } from '../../../../golden/recorded-calls.ts';
import { isExcluded, parseExcludedPeriod } from './excluded-periods.ts';

compareCalls<{ readonly periods: string; readonly at: string }, boolean>(
  'inExcludedPeriods',
  'Periods without scaling are those of the Apache autoscaler',
  (args, result) => {
    const periods = args.periods.split(';').map((text) => {
      const read = parseExcludedPeriod(text);
      if (!read.ok) throw new Error(read.value);
      return read.value;
    });
    expect(isExcluded(periods, Date.parse(args.at))).toBe(result);
  },
);
