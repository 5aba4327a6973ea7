import { parseArgs } from 'node:util';
import { runSeed } from '../sim/run-seed.ts';

/** `npm run sim -- --seeds 500 [--from N]`; `--seed N --trace` replays one. Exit code 1 on any violation. */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const started = performance.now();
let [steps, faults, violations] = [0, 0, 0];
for (let seed = first; seed < first + count; seed++) {
  const result = await runSeed(seed, values.trace ? (line) => process.stdout.write(`${line}\n`) : undefined);
  steps += result.steps;
  faults += result.faults;
  violations += result.violations.length;
  for (const one of result.violations.slice(0, 5)) {
    process.stdout.write(`seed ${seed}: ${one.rule}, at ${(one.at / 1000).toFixed(1)} s: ${one.detail}\n`);
  }
  if (result.violations.length > 0) process.stdout.write(`  replay: npm run sim -- --seed ${seed} --trace\n`);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
process.stdout.write(`${count} seeds, ${steps} steps, ${faults} faults, ${violations} violations (${seconds} s)\n`);
process.exitCode = violations === 0 ? 0 : 1;
