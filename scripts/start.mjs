// `npm start`: everything from a fresh clone to a running Flink job. `npm start -- --once` runs the whole story and ends.
import { join } from 'node:path';
import { ensureDependencies, processFlags, root, runNode } from './node24.mjs';

ensureDependencies();
const main = join(root, 'scripts', 'start.ts');
process.exit(await runNode([...processFlags, main, ...process.argv.slice(2)]));
