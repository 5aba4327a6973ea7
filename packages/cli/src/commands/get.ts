import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { connect } from '../cluster/connect.ts';
import { summarise } from '../cluster/summary.ts';
import { age, columns } from '../output/columns.ts';
import { examples, outputOption } from '../output/help.ts';

interface Options {
  readonly name?: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly output: string;
}

/** `drey get`. */
export function register(program: Command): void {
  program
    .command('get [deployment]')
    .description('List Flink deployments, or show one.')
    .option('--name <cluster>', 'a cluster of drey up')
    .option('--kubeconfig <file>', 'any other cluster')
    .option('-n, --namespace <namespace>', 'namespace; default: that of the kubeconfig')
    .option('-A, --all-namespaces', 'of all namespaces')
    .addOption(outputOption('table', 'yaml', 'json', 'name'))
    .addHelpText(
      'after',
      examples(
        ['drey get', 'all deployments of the namespace'],
        ['drey get state-machine -o yaml', 'one of them with its whole status'],
        ['drey get -A --kubeconfig ~/.kube/config', 'on any other cluster'],
      ),
    )
    .action(async (deployment: string | undefined, options: Options) => {
      const connection = await connect(options);
      try {
        const scope = options.allNamespaces ? {} : { namespace: connection.namespace };
        const items =
          deployment === undefined
            ? (await connection.client.list(FlinkDeployments, scope)).items
            : [await connection.client.get(FlinkDeployments, connection.namespace, deployment)];
        process.stdout.write(print(items, deployment === undefined, options.output));
      } finally {
        await connection.close();
      }
    });
}

function print(items: readonly FlinkDeployment[], list: boolean, format: string): string {
  const whole = list ? { apiVersion: 'v1', kind: 'List', items } : items[0];
  if (format === 'json') return `${JSON.stringify(whole, null, 2)}\n`;
  if (format === 'yaml') return stringify(whole);
  if (format === 'name') return items.map((one) => `flinkdeployment.flink.apache.org/${one.metadata.name}\n`).join('');
  if (items.length === 0) return 'no Flink deployments here. Try: drey run JAR\n';
  const rows = items.map((one) => {
    const s = summarise(one);
    const created = Date.parse(one.metadata.creationTimestamp ?? '');
    return [s.name, s.lifecycle, s.job, String(one.spec.job?.parallelism ?? '-'), age(created, Date.now()), s.message];
  });
  return columns(['NAME', 'LIFECYCLE', 'JOB', 'PARALLELISM', 'AGE', 'MESSAGE'], rows);
}
