import { FlinkDeployments } from '@drey/api';
import { Pod } from '@drey/kube';
import type { Command } from 'commander';
import { connect } from '../cluster/connect.ts';
import { CliError } from '../errors.ts';
import { examples } from '../output/help.ts';

const CONTAINER = 'flink-main-container';

interface Options {
  readonly name?: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly taskmanager?: boolean;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly tail?: number;
}

/** `drey logs`. */
export function register(program: Command): void {
  program
    .command('logs <deployment>')
    .description("Print the log of a deployment's JobManager, or of its TaskManagers.")
    .option('--name <cluster>', 'a cluster of drey up')
    .option('--kubeconfig <file>', 'any other cluster')
    .option('-n, --namespace <namespace>', 'namespace; default: that of the kubeconfig')
    .option('-t, --taskmanager', 'the TaskManagers, one after the other, each line with the name of its pod')
    .option('-f, --follow', 'go on as the log grows')
    .option('-p, --previous', 'of the container before the last restart')
    .option('--tail <lines>', 'only the last lines', parseLines)
    .addHelpText(
      'after',
      examples(
        ['drey logs state-machine -f', "follow the JobManager's log"],
        ['drey logs state-machine -t --tail 50', 'the last lines of every TaskManager'],
        ['drey logs state-machine -p', 'why the container before this one ended'],
      ),
    )
    .action(async (deployment: string, options: Options) => {
      const connection = await connect(options);
      const { client, namespace } = connection;
      try {
        const component = options.taskmanager ? 'taskmanager' : 'jobmanager';
        const list = await client.list(Pod, { namespace, labelSelector: `app=${deployment},component=${component}` });
        if (list.items.length === 0) {
          // A name that does not exist is refused in those words.
          await client.get(FlinkDeployments, namespace, deployment);
          throw new CliError(
            'E_CLI_NO_POD',
            `${deployment} has no ${component} pod in namespace ${namespace}`,
            'drey status says what it waits for.',
            'notFound',
          );
        }
        if (!options.previous) for (const pod of list.items) refuseUnstarted(pod);
        const pods = list.items.map((one) => one.metadata.name ?? '');
        const logOptions = {
          container: CONTAINER,
          follow: options.follow === true,
          previous: options.previous === true,
          ...(options.tail === undefined ? {} : { tailLines: options.tail }),
        };
        const print = async (pod: string): Promise<void> => {
          const prefix = options.taskmanager ? `${pod}  ` : '';
          for await (const line of lines(client.logs(namespace, pod, logOptions)))
            process.stdout.write(`${prefix}${line}\n`);
        };
        if (options.follow) await Promise.all(pods.map(print));
        else for (const pod of pods) await print(pod);
      } finally {
        await connection.close();
      }
    });
}

/** A container that never started has no log, and the reason why is what one looks for in it. */
function refuseUnstarted({ metadata, status }: Pod): void {
  const main = status?.containerStatuses?.find((one) => one.name === CONTAINER);
  const waiting = main?.state?.waiting;
  if (waiting === undefined || main?.lastState?.terminated !== undefined) return;
  const why = [waiting.reason, waiting.message].filter(Boolean).join(': ');
  throw new CliError(
    'E_CLI_NO_LOG',
    `${metadata.name} has not started, so it has no log: ${why}`,
    'Mend what the reason names; drey status shows when it runs.',
    'notFound',
  );
}

function parseLines(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CliError('E_USAGE', `--tail ${text} is not a number of lines`, 'For example: --tail 100', 'usage');
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}
