// `npm test`: installs what the tests need, then runs all of them on Node 24. The last line counts.
import { join } from 'node:path';
import { ensureDependencies, root, runNode } from './node24.mjs';

ensureDependencies();
const main = join(root, 'scripts', 'test.ts');
process.exit(await runNode(['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)]));
