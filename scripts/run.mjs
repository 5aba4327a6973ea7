// Runs a TypeScript file, or any Node program, on Node 24: `node scripts/run.mjs FILE [args…]`.
import { ensureDependencies, runNode } from './node24.mjs';

ensureDependencies();
process.exit(await runNode(['--disable-warning=ExperimentalWarning', ...process.argv.slice(2)]));
