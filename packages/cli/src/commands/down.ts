import type { Command } from 'commander';
import { type ClusterRecord, isRunning, readRecord, removeRecord } from '../cluster/record.ts';
import { CliError } from '../errors.ts';
import { examples } from '../output/help.ts';

const graceMs = 60_000;

/** Ends the process and waits until it is gone; kill -9 when it does not end by itself in time. */
async function stop(record: ClusterRecord): Promise<'stopped' | 'killed'> {
  process.kill(record.pid, 'SIGTERM');
  const end = performance.now() + graceMs;
  while (isRunning(record)) {
    if (performance.now() > end) {
      process.kill(record.pid, 'SIGKILL');
      return 'killed';
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return 'stopped';
}

/** `drey down`. */
export function register(program: Command): void {
  program
    .command('down')
    .description(
      'Stop a cluster that runs on this machine, with everything that runs on it. Its objects and data are kept.',
    )
    .option('--name <name>', 'which cluster', 'default')
    .addHelpText('after', examples('drey down', ['drey down --name ci', 'one of several clusters']))
    .action(async (options: { name: string }) => {
      const record = readRecord(options.name);
      if (record === undefined || !isRunning(record)) {
        if (record) removeRecord(options.name, record.pid);
        throw new CliError(
          'E_CLI_NO_CLUSTER',
          `no cluster "${options.name}" is running`,
          'drey status lists those that run.',
          'notFound',
        );
      }
      const how = await stop(record);
      removeRecord(options.name, record.pid);
      process.stdout.write(
        how === 'stopped'
          ? `cluster ${options.name} stopped\n`
          : `cluster ${options.name} did not stop in time and was killed\n`,
      );
    });
}
