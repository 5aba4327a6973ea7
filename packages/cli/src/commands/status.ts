import { FlinkDeployments, FlinkSessionJobs } from '@drey/api';
import type { Command } from 'commander';
import { connect } from '../cluster/connect.ts';
import { allRecords, type ClusterRecord, isRunning } from '../cluster/record.ts';
import { summarise } from '../cluster/summary.ts';
import { columns } from '../output/columns.ts';
import { examples, outputOption } from '../output/help.ts';

interface Options {
  readonly name?: string;
  readonly output: string;
}

/** `drey status`. */
export function register(program: Command): void {
  program
    .command('status')
    .description(
      'Show the clusters of this machine, and for each Flink deployment and session job its state and what it waits for.',
    )
    .option('--name <name>', 'only this cluster')
    .addOption(outputOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        ['drey status', 'everything that runs on this machine'],
        ['drey status --name ci -o json', 'one cluster, for scripts'],
      ),
    )
    .action(async (options: Options) => {
      const running = allRecords().filter((one) => isRunning(one) && (options.name ?? one.name) === one.name);
      const clusters = await Promise.all(running.map(describe));
      if (options.output === 'json') process.stdout.write(`${JSON.stringify({ clusters }, null, 2)}\n`);
      else
        process.stdout.write(
          clusters.length === 0 ? 'no cluster is running. Start one with: drey up\n' : clusters.map(text).join('\n'),
        );
    });
}

async function describe(record: ClusterRecord) {
  const connection = await connect({ kubeconfig: record.kubeconfig });
  try {
    const list = await connection.client.list(FlinkDeployments, {});
    const deployments = list.items.map((one) => ({ namespace: one.metadata.namespace ?? '', ...summarise(one) }));
    const jobs = await connection.client.list(FlinkSessionJobs, {});
    const sessionJobs = jobs.items.map((one) => ({ namespace: one.metadata.namespace ?? '', ...summarise(one) }));
    return {
      name: record.name,
      url: record.url,
      kubeconfig: record.kubeconfig,
      operator: record.operator,
      ...(record.health === undefined ? {} : { health: record.health }),
      startedAt: record.startedAt,
      deployments,
      sessionJobs,
    };
  } finally {
    await connection.close();
  }
}

function text(cluster: Awaited<ReturnType<typeof describe>>): string {
  const head = `cluster ${cluster.name}: ${cluster.url}${cluster.operator ? '' : ' (without operator)'}\n  export KUBECONFIG=${cluster.kubeconfig}\n${cluster.health === undefined ? '' : `  operator: ${cluster.health}/metrics, /debug/decisions\n`}`;
  const all = [...cluster.deployments, ...cluster.sessionJobs];
  if (all.length === 0) return `${head}  no Flink deployments yet. Try: drey run JAR\n`;
  const rows = all.map((one) => [one.namespace, one.name, one.lifecycle, one.job, one.message]);
  const table = columns(['NAMESPACE', 'NAME', 'LIFECYCLE', 'JOB', 'MESSAGE'], rows);
  return head + table.replaceAll(/^(?=.)/gm, '  ');
}
