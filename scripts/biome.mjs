// Runs Biome from its platform package. The package @biomejs/biome would name the packages of all platforms, and a registry
// that lacks one of them makes `npm ci` fail.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDependencies, fail, root } from './node24.mjs';

ensureDependencies();
const name = `@biomejs/cli-${process.platform}-${process.arch}`;
const binary = join(root, 'node_modules', name, 'biome');
if (!existsSync(binary)) fail(`${name} is not installed. Run: npm ci --include=optional`);
process.exit(spawnSync(binary, process.argv.slice(2), { cwd: root, stdio: 'inherit' }).status ?? 1);
