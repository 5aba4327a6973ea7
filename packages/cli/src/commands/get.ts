import {
  type FlinkDeployment,
  FlinkDeployments,
  type FlinkSessionJob,
  FlinkSessionJobs,
  type FlinkStateSnapshot,
  FlinkStateSnapshots,
} from '@drey/api';
import type { KubeClient } from '@drey/kube';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { type Connection, connect } from '../cluster/connect.ts';
import { listSnapshots, SNAPSHOT_PREFIX, snapshotTable } from '../cluster/snapshots.ts';
import { SESSION_JOB_PREFIX, summarise } from '../cluster/summary.ts';
import { age, columns } from '../output/columns.ts';
import { examples, outputOption } from '../output/help.ts';

interface Options {
  readonly name?: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly snapshots?: boolean;
  readonly output: string;
}

/** `drey get`. */
export function register(program: Command): void {
  program
    .command('get [deployment]')
    .description('List Flink deployments and session jobs, or show one.')
    .option('--name <cluster>', 'a cluster of drey up')
    .option('--kubeconfig <file>', 'any other cluster')
    .option('-n, --namespace <namespace>', 'namespace; default: that of the kubeconfig')
    .option('-A, --all-namespaces', 'of all namespaces')
    .option('--snapshots', 'savepoints and checkpoints, of the named job or of all')
    .addOption(outputOption('table', 'yaml', 'json', 'name'))
    .addHelpText(
      'after',
      examples(
        ['drey get', 'all deployments of the namespace'],
        ['drey get state-machine -o yaml', 'one of them with its whole status'],
        ['drey get sessionjob/my-job', 'a session job'],
        ['drey get --snapshots state-machine', 'its savepoints and checkpoints'],
        ['drey get snapshot/my-savepoint -o yaml', 'one of them'],
        ['drey get -A --kubeconfig ~/.kube/config', 'on any other cluster'],
      ),
    )
    .action(async (deployment: string | undefined, options: Options) => {
      const connection = await connect(options);
      try {
        const scope = options.allNamespaces ? {} : { namespace: connection.namespace };
        if (options.snapshots === true) {
          const snapshots = await listSnapshots(connection.client, scope, deployment);
          const table = options.output === 'table';
          process.stdout.write(table ? snapshotTable(snapshots, Date.now()) : print(snapshots, true, options.output));
          return;
        }
        const items =
          deployment === undefined ? await list(connection.client, scope) : [await one(connection, deployment)];
        process.stdout.write(print(items, deployment === undefined, options.output));
      } finally {
        await connection.close();
      }
    });
}

type Item = FlinkDeployment | FlinkSessionJob | FlinkStateSnapshot;

async function list(client: KubeClient, scope: { readonly namespace?: string }): Promise<readonly Item[]> {
  const [deployments, sessionJobs] = await Promise.all([
    client.list(FlinkDeployments, scope),
    client.list(FlinkSessionJobs, scope),
  ]);
  return [...deployments.items, ...sessionJobs.items];
}

function one({ client, namespace }: Connection, name: string): Promise<Item> {
  if (name.startsWith(SNAPSHOT_PREFIX)) {
    return client.get(FlinkStateSnapshots, namespace, name.slice(SNAPSHOT_PREFIX.length));
  }
  if (!name.startsWith(SESSION_JOB_PREFIX)) return client.get(FlinkDeployments, namespace, name);
  return client.get(FlinkSessionJobs, namespace, name.slice(SESSION_JOB_PREFIX.length));
}

function print(items: readonly Item[], list: boolean, format: string): string {
  const whole = list ? { apiVersion: 'v1', kind: 'List', items } : items[0];
  if (format === 'json') return `${JSON.stringify(whole, null, 2)}\n`;
  if (format === 'yaml') return stringify(whole);
  if (format === 'name')
    return items.map(({ kind, metadata }) => `${kind.toLowerCase()}.flink.apache.org/${metadata.name}\n`).join('');
  const snapshots = items.filter((one) => one.kind === 'FlinkStateSnapshot');
  if (snapshots.length > 0) return snapshotTable(snapshots, Date.now());
  if (items.length === 0) return 'no Flink deployments here. Try: drey run JAR\n';
  const jobs = items.filter((one) => one.kind !== 'FlinkStateSnapshot');
  const rows = jobs.map((one) => {
    const s = summarise(one);
    const created = Date.parse(one.metadata.creationTimestamp ?? '');
    return [s.name, s.lifecycle, s.job, String(one.spec.job?.parallelism ?? '-'), age(created, Date.now()), s.message];
  });
  return columns(['NAME', 'LIFECYCLE', 'JOB', 'PARALLELISM', 'AGE', 'MESSAGE'], rows);
}
