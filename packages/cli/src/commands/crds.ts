import { allCrds } from '@drey/api';
import type { Command } from 'commander';
import { examples, outputOption } from '../output/help.ts';
import { listOf, type PrintFormat, printed } from '../render/print.ts';

/** `drey crds`. */
export function register(program: Command): void {
  program
    .command('crds')
    .description('Print the custom resource definitions, FlinkDeployment first.')
    .addOption(outputOption('yaml', 'json'))
    .addHelpText(
      'after',
      examples(
        ['drey crds | kubectl apply --server-side -f -', 'install them, or bring them up to date'],
        ['drey crds -o json | jq -r .items[].metadata.name', 'their names'],
      ),
    )
    .action(({ output: format }: { output: PrintFormat }) => {
      const crds = allCrds();
      const text =
        format === 'json' ? printed(listOf(crds), format) : crds.map((crd) => printed(crd, format)).join('---\n');
      process.stdout.write(text);
    });
}
