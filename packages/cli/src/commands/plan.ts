import { FlinkDeployments, FlinkSessionJobs } from '@drey/api';
import type { ConfigEntries } from '@drey/flink';
import type { Command } from 'commander';
import { type Connection, connect } from '../cluster/connect.ts';
import { OWN_MACHINE_CONFIG } from '../cluster/own-machine.ts';
import { CliError } from '../errors.ts';
import { examples, outputOption } from '../output/help.ts';
import type { PlanItem } from '../plan/plan.ts';
import { plannedDocuments } from '../plan/planned-documents.ts';
import type { PlanResult } from '../plan/print.ts';
import type { Planned } from '../plan/wanted.ts';
import { withInputErrors } from '../render/coded.ts';
import { readUserFile } from '../render/files.ts';
import { readOperatorConfig } from '../render/operator-config.ts';
import { parseYamlDocuments } from '../render/yaml-documents.ts';

interface PlanOptions {
  readonly file?: string;
  readonly name: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly operatorConfig?: string;
  readonly output: 'text' | 'json';
}

/** What `drey plan` ends with when something would be done. */
const CHANGES = 10;

/** `drey plan`: what the operator would do if a file was applied. Writes nothing. */
export function register(program: Command): void {
  program
    .command('plan')
    .description(
      'Show what the operator would do if a file was applied: what kind of change it is, the upgrade mode that would really be used and why, the state the job would start from, what would be restarted, and for how long; of a session cluster, which session jobs it would take down, and how each comes back. It makes the operator’s own decision on the live cluster and writes nothing. Exit code 0: nothing to do; 10: changes.',
    )
    .option('-f, --file <file>', 'file with FlinkDeployments and FlinkSessionJobs, - for standard input')
    .option('--name <name>', 'cluster of drey up', 'default')
    .option('--kubeconfig <file>', 'any cluster, by its kubeconfig')
    .option('-n, --namespace <namespace>', 'namespace of objects that name none')
    .option(
      '--operator-config <file>',
      'the operator’s configuration: a file or the directory that is mounted into it; default: that of drey up, or with --kubeconfig the one that Drey ships',
    )
    .addOption(outputOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'drey plan -f job.yaml',
        ['drey plan -f session-cluster.yaml', 'which session jobs a change of their cluster interrupts'],
        ['drey plan -f job.yaml -o json', 'for scripts; exit code 10 when something would be done'],
        ['drey plan -f job.yaml --kubeconfig ~/.kube/config', 'on any cluster that the operator manages'],
      ),
    )
    .action(async (options: PlanOptions) => {
      const { isChange, planText } = await import('../plan/print.ts');
      const plans = await plansOf(options);
      process.stdout.write(
        options.output === 'json' ? `${JSON.stringify({ plans }, null, 2)}\n` : plans.map(planText).join('\n'),
      );
      const refused = plans.find((one) => one.change === 'invalid');
      if (refused !== undefined) {
        throw new CliError(
          'E_PLAN_INVALID',
          `${refused.namespace}/${refused.name} would be refused`,
          'Correct the spec as the plan says.',
          'invalid',
        );
      }
      if (plans.some(isChange)) process.exitCode = CHANGES;
    });
}

async function plansOf(options: PlanOptions): Promise<PlanResult[]> {
  const files = plannedIn(options.file);
  const config = withInputErrors(options.operatorConfig ?? 'operator configuration', () => operatorConfigOf(options));
  const { flinkTransport } = await import('../flink/transport.ts');
  const { plansFor } = await import('../plan/plan.ts');
  const connection = await connect(options);
  const flink = flinkTransport();
  try {
    const items: PlanItem[] = [];
    for (const file of files) items.push({ file, live: await liveOf(connection, file) });
    return await plansFor({ items, config, connection, flink: flink.transport });
  } finally {
    await flink.close();
    await connection.close();
  }
}

/** The one in force: a cluster of `drey up` has its own. */
function operatorConfigOf({ operatorConfig, kubeconfig }: PlanOptions): ConfigEntries {
  const isOurs = operatorConfig === undefined && kubeconfig === undefined;
  return isOurs ? OWN_MACHINE_CONFIG : readOperatorConfig(operatorConfig);
}

function plannedIn(file: string | undefined): Planned[] {
  if (file === undefined) throw new CliError('E_USAGE', 'no file is named', 'Name one: drey plan -f job.yaml', 'usage');
  const name = file === '-' ? 'standard input' : file;
  const { planned, leftOut } = plannedDocuments(parseYamlDocuments(readUserFile(file, 'File'), name));
  for (const { kind, metadata } of leftOut) {
    process.stderr.write(
      `note: ${kind} ${metadata?.name} is left out; FlinkDeployments and FlinkSessionJobs are planned\n`,
    );
  }
  if (planned.length > 0) return planned;
  const next = 'Name a file with kind: FlinkDeployment or FlinkSessionJob.';
  throw new CliError('E_PLAN_NOTHING', `${name} holds no FlinkDeployment and no FlinkSessionJob`, next, 'invalid');
}

async function liveOf(connection: Connection, { kind, metadata }: Planned): Promise<Planned | undefined> {
  const { isKubeError } = await import('@drey/kube');
  const namespace = metadata.namespace ?? connection.namespace;
  const { client } = connection;
  try {
    return kind === 'FlinkSessionJob'
      ? await client.get(FlinkSessionJobs, namespace, metadata.name ?? '')
      : await client.get(FlinkDeployments, namespace, metadata.name ?? '');
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}
