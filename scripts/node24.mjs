// Plain JavaScript for whatever Node ≥ 20 the machine has: finds or installs what the rest needs.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs the locked dependencies when they are missing or older than the lock file. */
export function ensureDependencies() {
  const lock = join(root, 'package-lock.json');
  const stamp = join(root, 'node_modules', '.package-lock.json');
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(lock).mtimeMs) return;
  process.stderr.write('installing dependencies (npm ci)\n');
  const done = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (done.error) fail('npm was not found. Install Node.js 20 or newer with npm, then try again.');
  if (done.status !== 0) fail(`npm ci ended with code ${done.status}. The lines above say why.`);
}

/** The Node 24 to run on: this one when new enough, else the one from the `node-linux-*` package. */
export function node24() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const binary = join(root, 'node_modules', name, 'bin', 'node');
  if (existsSync(binary)) return binary;
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).optionalDependencies;
  return fail(
    wanted[name]
      ? `${name} is not installed. Run: npm ci --include=optional`
      : `no Node 24 for ${process.platform} ${process.arch}. Install Node 24 or newer and run again.`,
  );
}

/**
 * Flags of the process that holds a cluster. A young generation of 4 MiB instead of 16 MiB keeps its memory about 70 MiB
 * lower (222 → 150 MiB with one job) for a little more work of the garbage collector.
 */
export const processFlags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4'];

/** Runs Node 24 with `args`, passing signals on; resolves with its exit code. */
export function runNode(args, env = {}) {
  const node = node24();
  const child = spawn(node, args, {
    cwd: process.cwd(),
    stdio: 'inherit',
    env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}`, ...env },
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  // A terminal sends SIGINT to the whole group: the child has it already. Others are passed on.
  for (const s of signals) process.on(s, () => s !== 'SIGINT' && child.kill(s));
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
