import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { OperatorProcessOptions } from '@drey/operator';
import { type Command, Option } from 'commander';
import { exitCodes } from '../errors.ts';
import { examples } from '../output/help.ts';
import { parsePort } from '../port.ts';

interface RunOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly configDir?: string;
  readonly watchNamespaces?: string;
  readonly operatorNamespace?: string;
  readonly healthPort?: number;
  readonly webhookPort?: number;
  readonly webhookService: string;
  readonly webhookHost?: readonly string[];
  readonly webhookConfiguration: string;
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
      'directory with flink-conf.yaml or config.yaml (kubernetes.operator.* and defaults for all clusters); followed while it runs',
    )
    .addOption(
      new Option(
        '--watch-namespaces <names>',
        'namespaces to manage, separated by commas; default: what the configuration says, else all',
      ).env('WATCH_NAMESPACES'),
    )
    .addOption(
      new Option(
        '--operator-namespace <name>',
        'namespace of the operator itself, for its Lease, certificate and events; default: that of the context',
      ).env('OPERATOR_NAMESPACE'),
    )
    .option('--health-port <port>', 'serve /healthz and /metrics on this loopback port', parsePort)
    .option('--webhook-port <port>', 'serve the admission webhooks on this port', parsePort)
    .option('--webhook-service <name>', 'Service that API servers call the webhooks by', 'drey-webhook')
    .option('--webhook-host <names...>', 'other names and addresses for the certificate of the webhooks')
    .option('--webhook-configuration <name>', 'webhook configurations that are told whom to trust', 'drey-webhooks')
    .addOption(new Option('--log-level <level>', 'what to log').choices(LOG_LEVELS).default('info'))
    .addHelpText(
      'after',
      `\nThe custom resource definitions have to be there: drey crds | kubectl apply --server-side -f -\n${examples(
        'drey operator run --kubeconfig ~/.kube/config --watch-namespaces streaming',
        'drey operator run --kubeconfig kubeconfig --config-dir /opt/flink/conf --health-port 8085',
        'drey operator run --config-dir /opt/flink/conf --webhook-port 9443',
      )}`,
    )
    .action((options: RunOptions) => run(options));
}

async function run(options: RunOptions): Promise<void> {
  const { createKubeClient, loadKubeconfig, systemClock, systemRandom, UndiciTransport } = await import('@drey/kube');
  const { exactInteger } = await import('@drey/api');
  const { flinkTransport } = await import('../flink/transport.ts');
  const { operatorLogger, runOperatorProcess } = await import('@drey/operator');
  const { access, namespace: contextNamespace } = await loadKubeconfig({
    ...(options.kubeconfig === undefined ? {} : { path: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
  });
  const transport = new UndiciTransport(access);
  const tools = { clock: systemClock, random: systemRandom };
  const kube = createKubeClient({ transport, ...tools, userAgent: 'drey-operator', exactInteger });
  const flink = flinkTransport();
  const log = operatorLogger({ level: options.logLevel });
  const namespace = options.operatorNamespace ?? contextNamespace;
  const stop = new AbortController();
  void signalled().then(() => stop.abort(new Error('the operator was told to stop')));
  try {
    const end = await runOperatorProcess(
      { ...tools, kube, flink: flink.transport, log },
      {
        namespace,
        identity: `${hostname()}_${randomBytes(8).toString('hex')}`,
        ...processOptions(options, namespace),
      },
      stop.signal,
    );
    // Nothing is left to do here; who started the process starts it again.
    if (end !== 'stopped') process.exitCode = exitCodes.failed;
  } finally {
    await flink.close();
    await transport.close();
  }
}

function processOptions(
  options: RunOptions,
  namespace: string,
): Omit<OperatorProcessOptions, 'namespace' | 'identity'> {
  const { configDir, watchNamespaces, healthPort, webhookPort, webhookService, webhookHost = [] } = options;
  const service = ['', `.${namespace}`, `.${namespace}.svc`].map((suffix) => `${webhookService}${suffix}`);
  const pod = process.env.KUBERNETES_SERVICE_HOST === undefined ? undefined : process.env.HOSTNAME;
  return {
    ...(pod === undefined ? {} : { pod }),
    ...(configDir === undefined ? {} : { directory: configDir }),
    ...(watchNamespaces === undefined ? {} : { namespaces: watchNamespaces.split(',') }),
    ...(healthPort === undefined ? {} : { healthPort }),
    ...(webhookPort === undefined
      ? {}
      : {
          webhooks: {
            port: webhookPort,
            hosts: [...service, ...webhookHost],
            configurationName: options.webhookConfiguration,
          },
        }),
  };
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
