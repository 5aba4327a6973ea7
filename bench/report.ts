import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One measured value as a line: what it is, the number, its unit. */
export function line(what: string, value: number, unit = ''): void {
  process.stdout.write(`${what.padEnd(66)}${value.toFixed(value < 100 ? 2 : 0).padStart(10)} ${unit}\n`);
}

/**
 * Prints what was measured against the budgets of one benchmark in bench/budgets.json, and makes the exit code 1 when one is
 * not kept. A budget for which nothing was measured is not kept.
 */
export function compareWithBudgets(benchmark: 'start' | 'scale', measured: Readonly<Record<string, number>>): void {
  const text = readFileSync(join(import.meta.dirname, 'budgets.json'), 'utf8');
  const budgets = (JSON.parse(text) as Record<typeof benchmark, Record<string, number>>)[benchmark];
  process.stdout.write('\nagainst the budgets\n');
  let missed = 0;
  for (const [what, budget] of Object.entries(budgets)) {
    const value = measured[what] ?? Number.NaN;
    const kept = value <= budget;
    if (!kept) missed++;
    process.stdout.write(
      `  ${what.padEnd(34)}${value.toFixed(2).padStart(10)} of ${budget}${kept ? '' : '   MISSED'}\n`,
    );
  }
  process.exitCode = missed === 0 ? 0 : 1;
}

/** The middle one of some values. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
