import type { FlinkDeployment } from '@drey/api';
import { FlinkDeployments } from '@drey/api';
import type { Command } from 'commander';
import { type Connection, connect } from '../cluster/connect.ts';
import { CliError } from '../errors.ts';
import { examples, outputOption } from '../output/help.ts';
import type { PlanResult } from '../plan/print.ts';
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
      'Show what the operator would do if a file was applied: what kind of change it is, the upgrade mode that would really be used and why, the state the job would start from, what would be restarted, and for how long. It makes the operator’s own decision on the live cluster and writes nothing. Exit code 0: nothing to do; 10: changes.',
    )
    .option('-f, --file <file>', 'file with FlinkDeployments, - for standard input')
    .option('--name <name>', 'cluster of drey up', 'default')
    .option('--kubeconfig <file>', 'any cluster, by its kubeconfig')
    .option('-n, --namespace <namespace>', 'namespace of objects that name none')
    .option('--operator-config <file>', 'the operator’s configuration: a file or the directory that is mounted into it')
    .addOption(outputOption('text', 'json'))
    .addHelpText(
      'after',
      examples(
        'drey plan -f job.yaml',
        ['drey plan -f job.yaml -o json', 'for scripts; exit code 10 when something would be done'],
        ['drey plan -f job.yaml --kubeconfig ~/.kube/config', 'on any cluster that the operator manages'],
      ),
    )
    .action(async (options: PlanOptions) => {
      const { isChange, planText } = await import('../plan/print.ts');
      const plans = await plansFor(options);
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

async function plansFor(options: PlanOptions): Promise<PlanResult[]> {
  const files = deploymentsIn(options.file);
  const config = withInputErrors(options.operatorConfig ?? 'operator configuration', () =>
    readOperatorConfig(options.operatorConfig),
  );
  const { httpTransport } = await import('@drey/flink');
  const { planFor } = await import('../plan/plan.ts');
  const connection = await connect(options);
  const flink = httpTransport();
  try {
    const plans: PlanResult[] = [];
    for (const file of files) {
      const live = await liveOf(connection, file);
      plans.push(await planFor({ file, live, config, connection, flink: flink.transport }));
    }
    return plans;
  } finally {
    await flink.close();
    await connection.close();
  }
}

function deploymentsIn(file: string | undefined): FlinkDeployment[] {
  if (file === undefined) throw new CliError('E_USAGE', 'no file is named', 'Name one: drey plan -f job.yaml', 'usage');
  const name = file === '-' ? 'standard input' : file;
  const documents = parseYamlDocuments(readUserFile(file, 'File'), name).flatMap(({ value }) => {
    const { kind, items } = value as { readonly kind?: unknown; readonly items?: readonly unknown[] };
    return kind === 'List' && Array.isArray(items) ? items : [value];
  });
  const found = documents.filter(
    (one): one is FlinkDeployment => (one as { kind?: unknown }).kind === 'FlinkDeployment',
  );
  for (const one of documents as readonly {
    readonly kind?: unknown;
    readonly metadata?: { readonly name?: unknown };
  }[]) {
    const isFlink = /^Flink(?:SessionJob|StateSnapshot|BlueGreenDeployment)$/.test(String(one.kind));
    if (isFlink)
      process.stderr.write(`note: ${one.kind} ${one.metadata?.name} is left out; only FlinkDeployments are planned\n`);
  }
  if (found.length > 0) return found;
  const next = 'Name a file with kind: FlinkDeployment.';
  throw new CliError('E_PLAN_NOTHING', `${name} holds no FlinkDeployment`, next, 'invalid');
}

async function liveOf(connection: Connection, { metadata }: FlinkDeployment): Promise<FlinkDeployment | undefined> {
  const { isKubeError } = await import('@drey/kube');
  const namespace = metadata.namespace ?? connection.namespace;
  try {
    return await connection.client.get(FlinkDeployments, namespace, metadata.name ?? '');
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}
