// `npm run drey -- …` and `./drey …`: the command line from the sources.
import { join } from 'node:path';
import { ensureDependencies, processFlags, root, runNode } from './node24.mjs';

ensureDependencies();
const main = join(root, 'packages', 'cli', 'src', 'main.ts');
process.exit(await runNode([...processFlags, main, ...process.argv.slice(2)]));
