import { type Command, Option } from 'commander';
import { examples } from '../output/help.ts';
import { parsePort } from '../port.ts';

interface RunOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly configDir?: string;
  readonly watchNamespaces?: string;
  readonly healthPort?: number;
  readonly logLevel: string;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** `drey operator`: the operator on its own, next to any cluster. */
export function register(program: Command): void {
  const operator = program
    .command('operator')
    .description('The Flink operator, next to any cluster.')
    .addHelpText('after', examples('drey operator run --kubeconfig ~/.kube/config'));
  operator
    .command('run')
    .description(
      'Run the operator in the foreground against the cluster of a kubeconfig, or against the cluster it runs in. Ctrl-C lets what is under way end; everything is recorded in the cluster, so the next start goes on from there.',
    )
    .option(
      '--kubeconfig <file>',
      'kubeconfig of the cluster; default: KUBECONFIG, ~/.kube/config, or the pod’s account',
    )
    .option('--context <name>', 'context of the kubeconfig; default: its current one')
    .option(
      '--config-dir <dir>',
      'directory with flink-conf.yaml or config.yaml (kubernetes.operator.* and defaults for all clusters)',
    )
    .option('--watch-namespaces <names>', 'namespaces to manage, separated by commas; default: all')
    .option('--health-port <port>', 'serve /healthz and /metrics on this loopback port', parsePort)
    .addOption(new Option('--log-level <level>', 'what to log').choices(LOG_LEVELS).default('info'))
    .addHelpText(
      'after',
      `\nThe custom resource definitions have to be there: drey crds | kubectl apply --server-side -f -\n${examples(
        'drey operator run --kubeconfig ~/.kube/config --watch-namespaces streaming',
        'drey operator run --kubeconfig kubeconfig --config-dir /opt/flink/conf --health-port 8085',
      )}`,
    )
    .action((options: RunOptions) => run(options));
}

async function run(options: RunOptions): Promise<void> {
  const { healthPort } = options;
  const { createKubeClient, loadKubeconfig, systemClock, systemRandom, UndiciTransport } = await import('@drey/kube');
  const { httpTransport } = await import('@drey/flink');
  const { createOperator, operatorLogger, readOperatorConfig, serveHealth } = await import('@drey/operator');
  const files = options.configDir === undefined ? undefined : await readOperatorConfig(options.configDir);
  const { access } = await loadKubeconfig({
    ...(options.kubeconfig === undefined ? {} : { path: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
  });
  const transport = new UndiciTransport(access);
  const kube = createKubeClient({ transport, clock: systemClock, random: systemRandom, userAgent: 'drey-operator' });
  const flink = httpTransport();
  const log = operatorLogger({ level: options.logLevel });
  const operator = createOperator(
    { clock: systemClock, random: systemRandom, kube, flink: flink.transport, log },
    {
      ...(files === undefined ? {} : { config: files.config }),
      ...(files?.logging === undefined ? {} : { logging: files.logging }),
      namespaces: (options.watchNamespaces ?? '').split(',').map((name) => name.trim()),
    },
  );
  const stopped = signalled();
  const health = healthPort === undefined ? undefined : await serveHealth(operator, { port: healthPort });
  try {
    await Promise.race([operator.start(), stopped]);
    await stopped;
  } finally {
    await operator.stop();
    await health?.close();
    await flink.close();
    await transport.close();
  }
}

/** Resolves at the first SIGINT or SIGTERM; the second one ends the process at once. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    const first = (): void => {
      process.once('SIGINT', () => process.exit(130));
      process.once('SIGTERM', () => process.exit(143));
      resolve();
    };
    process.once('SIGINT', first);
    process.once('SIGTERM', first);
  });
}
