import { runNode } from './process.ts';

/**
 * `npm run test:golden`: the suites over recorded outputs, from the project's copy or the folder DREY_GOLDEN, with one
 * line of counts a suite (printed by the suites themselves).
 */
const finished = await runNode([
  'node_modules/vitest/vitest.mjs',
  'run',
  '--project',
  'golden',
  ...process.argv.slice(2),
]);
process.exitCode = finished.code;
