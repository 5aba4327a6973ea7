import {
  ensureDistribution,
  ensureJava,
  FlinkError,
  findDistribution,
  formatFlinkVersion,
  installedDistributions,
  knownReleases,
  supportedVersion,
  systemDistribution,
} from '@drey/flink';
import { CliError } from '../errors.ts';
import { ensureArchives } from './archives.ts';
import { progressBar } from './progress-bar.ts';

/** `drey flink ls`. */
export async function listDistributions(output: string): Promise<void> {
  const installed = await installedDistributions(systemDistribution());
  const rows = installed.map((one) => ({
    version: formatFlinkVersion(one.version),
    home: one.home,
    origin: one.origin,
  }));
  const names = new Set(rows.map((row) => row.version));
  const available = knownReleases()
    .map(formatFlinkVersion)
    .filter((version) => !names.has(version));
  if (output === 'json') {
    process.stdout.write(`${JSON.stringify({ installed: rows, available }, null, 2)}\n`);
    return;
  }
  const lines = rows.map(
    (row) => `${row.version.padEnd(9)}${row.home}${row.origin === 'drey' ? '' : `  (${row.origin})`}`,
  );
  process.stdout.write(`${lines.length === 0 ? 'no Flink is installed' : lines.join('\n')}\n`);
  process.stderr.write(`can be installed: ${available.join(', ')}\n`);
}

/** `drey flink install`. Ctrl-C ends it cleanly. */
export async function installDistribution(version: string, options: { readonly archives: boolean }): Promise<void> {
  const interrupted = new AbortController();
  const onSignal = (): void => interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const bar = progressBar(process.stderr);
  const system = systemDistribution();
  const running = { signal: interrupted.signal, report: bar.report };
  try {
    const distribution = await ensureDistribution(system, version, running);
    const java = await ensureJava(system, distribution.version, running);
    if (options.archives) await ensureArchives(system, { distribution, java, ...running });
    bar.end();
    process.stderr.write(
      `Flink ${formatFlinkVersion(distribution.version)} is installed; Java ${java.major} is at ${java.home}\n`,
    );
    process.stdout.write(`${distribution.home}\n`);
  } catch (error) {
    bar.end();
    if (error instanceof FlinkError && error.code === 'E_FLINK_ABORTED') {
      throw new CliError(error.code, error.message, error.nextStep, 'interrupted', error);
    }
    throw error;
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** `drey flink path`. */
export async function printPath(text: string): Promise<void> {
  const version = supportedVersion(text);
  const found = await findDistribution(systemDistribution(), version);
  if (found === undefined) {
    const next = `Install it: drey flink install ${text}`;
    throw new CliError(
      'E_FLINK_NOT_INSTALLED',
      `Flink ${formatFlinkVersion(version)} is not installed`,
      next,
      'notFound',
    );
  }
  process.stdout.write(`${found.home}\n`);
}
