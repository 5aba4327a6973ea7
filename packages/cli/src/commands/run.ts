import { join, resolve } from 'node:path';
import { type FlinkDeployment, FlinkDeployments, validateFlinkDeployment } from '@drey/api';
import { supportedVersion } from '@drey/flink';
import { DEFAULT_OPERATOR_CONFIG, validationContext } from '@drey/manifests';
import type { Command } from 'commander';
import { connect } from '../cluster/connect.ts';
import { followDeployment } from '../cluster/follow.ts';
import { checkJar, jarDeployment, parseDefinition, stageJar } from '../cluster/jar-deployment.ts';
import { clusterFolder } from '../cluster/record.ts';
import { summarise } from '../cluster/summary.ts';
import { CliError, exitCodes } from '../errors.ts';
import { examples } from '../output/help.ts';
import { Steps } from '../output/steps.ts';
import { RunCommand } from './run-command.ts';

interface Options {
  readonly class?: string;
  readonly parallelism: number;
  readonly flink: string;
  readonly D?: Record<string, string>;
  readonly deployment?: string;
  readonly namespace: string;
  readonly name: string;
  readonly detach?: boolean;
}

/** `drey run`. */
export function register(program: Command): void {
  const command = new RunCommand('run').copyInheritedSettings(program);
  program.enablePositionalOptions().addCommand(command);
  command
    .arguments('<jar> [args...]')
    .passThroughOptions()
    .description(
      'Run a local jar as an application cluster on the cluster of drey up, and follow it. Running it again with a new jar or other options upgrades the job with a savepoint. Ctrl-C stops following, not the job.',
    )
    .option('-c, --class <class>', 'main class, when the jar does not name it')
    .option('-p, --parallelism <n>', 'parallelism', parseParallelism, 1)
    .option('--flink <version>', 'Flink version', parseVersion, '1.20')
    .option('-D <key=value>', 'a Flink option; may be repeated', parseDefinition)
    .option('--deployment <name>', 'name of the FlinkDeployment; default: from the jar')
    .option('-n, --namespace <namespace>', 'namespace', 'default')
    .option('--name <cluster>', 'a cluster of drey up', 'default')
    .option('-d, --detach', 'do not follow')
    .addHelpText(
      'after',
      examples(
        ['drey run target/my-job.jar -p 2', 'the main class as the jar names it'],
        ['drey run my-job.jar -c com.example.Job --input /data', "from --input on: the job's own arguments"],
        ['drey run my-job.jar -D state.backend.type=rocksdb', 'with an option of Flink'],
        ['drey run my-job.jar -p 4', 'again: an upgrade with a savepoint'],
      ),
    )
    .action(run);
}

async function run(jar: string, args: readonly string[], options: Options): Promise<void> {
  const { parallelism } = options;
  const steps = new Steps();
  const path = resolve(jar);
  checkJar(path);
  const connection = await connect({ name: options.name, namespace: options.namespace });
  const { client } = connection;
  try {
    const folder = join(clusterFolder(options.name), 'local');
    const staged = stageJar(path, folder);
    const object = jarDeployment(
      {
        ...{
          jar,
          args,
          folder,
          parallelism,
          namespace: options.namespace,
          flink: options.flink,
          config: options.D ?? {},
        },
        ...(options.class === undefined ? {} : { entryClass: options.class }),
        ...(options.deployment === undefined ? {} : { name: options.deployment }),
      },
      staged,
    );
    const refused = validateFlinkDeployment(object, validationContext(DEFAULT_OPERATOR_CONFIG));
    if (refused) throw new CliError(refused.code, refused.message, refused.nextStep, 'invalid');
    const applied = await client.apply(FlinkDeployments, object, { fieldManager: 'drey-run' });
    const name = applied.metadata.name ?? '';
    steps.done(
      `flinkdeployment ${options.namespace}/${name} ${applied.metadata.generation === 1 ? 'created' : 'changed'}`,
    );
    if (options.detach) return;
    const abort = new AbortController();
    process.once('SIGINT', () => abort.abort(new Interrupted(name)));
    process.exitCode = await follow(
      steps,
      (seen) =>
        followDeployment(client, { namespace: options.namespace, name }, seen, {
          signal: abort.signal,
          lost: () => steps.note('the cluster does not answer; trying again'),
        }),
      applied.metadata.generation ?? 1,
    );
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    process.stderr.write(
      `\nno longer following; ${error.message} goes on. Stop it: kubectl delete flinkdeployment ${error.message}\n`,
    );
    process.exitCode = exitCodes.interrupted;
  } finally {
    await connection.close();
  }
}

class Interrupted extends Error {}

function parseParallelism(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new CliError(
    'E_CLI_PARALLELISM',
    `--parallelism ${text} is not a positive number`,
    'For example: -p 2',
    'usage',
  );
}

function parseVersion(text: string): string {
  supportedVersion(text);
  return text;
}

/** Prints what changes until the job ends; the result is the exit code. */
async function follow(
  steps: Steps,
  watch: (seen: (object: FlinkDeployment) => number | undefined) => Promise<number | undefined>,
  generation: number,
): Promise<number> {
  let last = '';
  let ran = false;
  const code = await watch((object) => {
    const s = summarise(object);
    const line = [s.lifecycle.toLowerCase(), `JobManager ${s.jobManager}`, `job ${s.job}`, s.message]
      .filter(Boolean)
      .join(', ');
    if (line !== last) steps.done(line);
    last = line;
    if ((object.status?.observedGeneration ?? 0) < generation) return undefined;
    ran ||= s.job === 'RUNNING';
    if (s.job === 'FINISHED' && s.lifecycle !== 'UPGRADING' && ran) return exitCodes.ok;
    if (s.job === 'FAILED' || s.lifecycle === 'FAILED') return exitCodes.notReached;
    return undefined;
  });
  return code ?? exitCodes.notFound;
}
