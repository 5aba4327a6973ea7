import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureFlink } from './flink-for-tests.ts';
import { type Finished, runNode, runProgram } from './process.ts';

/**
 * All tests in the order in which they are cheap: types, style, unit and recorded vectors, simulation, and a
 * cross-section of the scenarios on real programs (the full matrix is `npm run e2e`).
 */
interface Counts {
  passed: number;
  failed: number;
}

const vitest = 'node_modules/vitest/vitest.mjs';
const reports = mkdtempSync(join(tmpdir(), 'drey-test-'));
const summary: string[] = [];
const total: Counts = { passed: 0, failed: 0 };

function record(name: string, counts: Counts, seconds: number): void {
  total.passed += counts.passed;
  total.failed += counts.failed;
  summary.push(`${name}: ${counts.passed} passed, ${counts.failed} failed (${seconds.toFixed(1)} s)`);
}

/** A step that counts as one test. */
function single(name: string, finished: Finished): void {
  record(name, finished.code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }, finished.seconds);
}

/** Vitest projects, counted from the JSON report; a run that ends badly without a failed test counts as one. */
async function tests(name: string, args: readonly string[]): Promise<void> {
  const report = join(reports, `${name.replaceAll(/\W+/g, '-')}.json`);
  const finished = await runNode([
    vitest,
    'run',
    ...args,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const counts: Counts = { passed: 0, failed: 0 };
  if (existsSync(report)) {
    const json = JSON.parse(readFileSync(report, 'utf8')) as { numPassedTests: number; numFailedTests: number };
    counts.passed = json.numPassedTests;
    counts.failed = json.numFailedTests;
  }
  if (finished.code !== 0 && counts.failed === 0) counts.failed = 1;
  record(name, counts, finished.seconds);
}

const quick = process.argv.includes('--quick');

single('types', await runProgram(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit']));
single('style', await runProgram(process.execPath, ['scripts/biome.mjs', 'check', '--error-on-warnings', '.']));
await tests('unit', ['--project', 'unit']);
await tests('recorded vectors', ['--project', 'golden']);
single('simulation', await runNode(['scripts/sim.ts', '--seeds', quick ? '40' : '2000']));
if (!quick) {
  await ensureFlink(['1.20']);
  await tests('real programs', ['--project', 'smoke']);
}

rmSync(reports, { recursive: true, force: true });
process.stdout.write(`\n${summary.join('\n')}\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
