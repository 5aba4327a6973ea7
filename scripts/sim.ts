import { parseArgs } from 'node:util';
import { runSeeds } from '../sim/farm.ts';
import { runSeed, type SeedResult } from '../sim/run-seed.ts';

/**
 * `npm run sim [-- --seeds 500] [--from N]`, by default 10,000 seeds; `--seed N --trace` replays one. Exit code 1 on any
 * violation.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

const SHOWN_VIOLATIONS = 5;
const count = values.seed === undefined ? wholeNumber('--seeds', values.seeds) : 1;
const first = wholeNumber(values.seed === undefined ? '--from' : '--seed', values.seed ?? values.from);
const started = performance.now();
let [steps, faults, violations] = [0, 0, 0];

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  process.stderr.write(`${name} takes a whole number from 1 on, for example ${name} 100; it was ${text}\n`);
  process.exit(2);
}

function report(result: SeedResult): void {
  const { seed } = result;
  steps += result.steps;
  faults += result.faults;
  violations += result.violations.length;
  for (const one of result.violations.slice(0, SHOWN_VIOLATIONS)) {
    process.stdout.write(`seed ${seed}: ${one.rule}, at ${(one.at / 1000).toFixed(1)} s: ${one.detail}\n`);
  }
  if (result.violations.length > 0) process.stdout.write(`  replay: npm run sim -- --seed ${seed} --trace\n`);
}

if (values.seed === undefined) await runSeeds(first, count, report);
else report(await runSeed(first, values.trace ? { trace: (line) => process.stdout.write(`${line}\n`) } : {}));
const seconds = ((performance.now() - started) / 1000).toFixed(1);
process.stdout.write(`${count} seeds, ${steps} steps, ${faults} faults, ${violations} violations (${seconds} s)\n`);
process.exitCode = violations === 0 ? 0 : 1;
