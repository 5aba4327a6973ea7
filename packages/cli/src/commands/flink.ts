import type { Command } from 'commander';
import { examples, outputOption } from '../output/help.ts';

interface ConfigOptions {
  readonly flinkVersion: string;
  readonly config: string;
  readonly output: string;
}

/** `drey flink …`: distributions on this machine, and what Flink makes of a configuration. */
export function register(program: Command): void {
  const flink = program
    .command('flink')
    .description('Install and inspect Flink distributions and configurations.')
    .addHelpText('after', about);
  flink
    .command('ls')
    .description('List the installed distributions, and the releases that can be installed.')
    .addOption(outputOption('text', 'json'))
    .addHelpText('after', examples('drey flink ls', ['drey flink ls -o json', 'for scripts']))
    .action(async (options: { output: string }) => {
      const { listDistributions } = await import('../flink/distributions.ts');
      await listDistributions(options.output);
    });
  flink
    .command('install <version>')
    .description(
      'Install a release for this user: 1.20 means the newest known 1.20.x. Asks Apache, then the Python package index; ' +
        'adds the example jars, a Java runtime when there is none, and the archives that make Flink start faster.',
    )
    .option('--no-archives', 'do not make the class-data archives')
    .addHelpText('after', examples('drey flink install 1.20', ['drey flink install 2.1.0', 'exactly this release']))
    .action(async (version: string, options: { archives: boolean }) => {
      const { installDistribution } = await import('../flink/distributions.ts');
      await installDistribution(version, options);
    });
  flink
    .command('path <version>')
    .description('Print the folder of an installed distribution.')
    .addHelpText('after', examples('export FLINK_HOME=$(drey flink path 1.20)'))
    .action(async (version: string) => {
      const { printPath } = await import('../flink/distributions.ts');
      await printPath(version);
    });
  flink
    .command('config')
    .description('Print a configuration as a Flink version loads it, with the memory it gives each process.')
    .requiredOption('--flink-version <version>', 'for example 1.20.5; decides which file is read, and how')
    .requiredOption(
      '--config <file-or-directory>',
      'a configuration directory, or one file in the format of that version',
    )
    .addOption(outputOption('text', 'json'))
    .addHelpText(
      'after',
      examples('drey flink config --flink-version 1.20 --config $FLINK_HOME/conf', [
        'drey flink config --flink-version 2.1 --config config.yaml -o json',
        'for scripts',
      ]),
    )
    .action(async (options: ConfigOptions) => {
      const { printConfiguration } = await import('../flink/configuration.ts');
      await printConfiguration(options);
    });
}

const about = `${examples(
  'drey flink ls',
  'drey flink install 1.20',
  'FLINK_HOME=$(drey flink path 1.20) …',
  'drey flink config --flink-version 1.20 --config ./conf -o json',
)}

FLINK_HOME is used when it holds the version asked for. Everything Drey installs is under DREY_HOME
(default: ~/.local/share/drey); removing that folder removes all of it.`;
