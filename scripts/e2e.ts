import { ensureFlink } from './flink-for-tests.ts';
import { runNode } from './process.ts';

/** `npm run e2e`: every scenario on real programs. Arguments go to the test runner. */
await ensureFlink(['1.17', '1.18', '1.20', '2.3']);
const finished = await runNode(['node_modules/vitest/vitest.mjs', 'run', '--project', 'e2e', ...process.argv.slice(2)]);
process.exitCode = finished.code;
