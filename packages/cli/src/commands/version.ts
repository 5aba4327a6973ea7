import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { examples, outputOption } from '../output/help.ts';

/** The version of this Drey, from the package. */
export function dreyVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** `drey version`. */
export function register(program: Command): void {
  program
    .command('version')
    .description('Print the versions of drey and of the Node it runs on.')
    .addOption(outputOption('text', 'json'))
    .addHelpText('after', examples('drey version', ['drey version -o json', 'for scripts']))
    .action((options: { output: string }) => {
      const versions = {
        drey: dreyVersion(),
        node: process.versions.node,
        platform: `${process.platform}/${process.arch}`,
      };
      process.stdout.write(
        options.output === 'json'
          ? `${JSON.stringify(versions, null, 2)}\n`
          : `drey ${versions.drey} (Node ${versions.node}, ${versions.platform})\n`,
      );
    });
}
