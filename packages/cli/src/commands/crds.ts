import { allCrds } from '@drey/api';
import type { Command } from 'commander';
import { listOf, printed, printFormat } from '../render/print.ts';

/** `drey crds`. */
export function register(program: Command): void {
  program
    .command('crds')
    .description('Print the custom resource definitions, FlinkDeployment first: drey crds | kubectl apply -f -')
    .option('-o, --output <format>', 'yaml or json', 'yaml')
    .action((options: { output: string }) => {
      const format = printFormat(options.output);
      const crds = allCrds();
      const text =
        format === 'json' ? printed(listOf(crds), format) : crds.map((crd) => printed(crd, format)).join('---\n');
      process.stdout.write(text);
    });
}
