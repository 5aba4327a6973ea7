import { spawn } from 'node:child_process';
import { fstatSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { clusterFolder, isRunning, readRecord } from '../cluster/record.ts';
import { CliError, exitCodes } from '../errors.ts';
import { examples } from '../output/help.ts';
import { Steps } from '../output/steps.ts';
import { parsePort } from '../port.ts';

type Images = Readonly<Record<string, { readonly as: string; readonly usrlib?: string }>>;

export interface UpOptions {
  readonly name: string;
  readonly dataDir?: string;
  readonly memory?: boolean;
  readonly port: number;
  readonly kubeconfig?: string;
  readonly detach?: boolean;
  readonly operator: boolean;
  readonly fastStart: boolean;
  readonly simulate?: true;
  readonly image?: Images;
}

/** `drey up`. */
export function register(program: Command): void {
  program
    .command('up')
    .description(
      'Start a Kubernetes cluster in this process, with the operator: an API server on loopback, controllers, and a node whose pods are processes of this machine. Ctrl-C stops it; objects are kept for the next time unless --memory is given.',
    )
    .option('--name <name>', 'name of the cluster; several can run side by side', 'default')
    .option('--data-dir <dir>', 'where objects, certificates and volumes are kept')
    .addOption(new Option('--memory', 'keep nothing').conflicts('dataDir'))
    .option('--port <port>', 'port of the API server; 0: a free one', parsePort, 0)
    .option('--kubeconfig <file>', 'where to write the kubeconfig')
    .option('-d, --detach', 'go to the background when ready')
    .option('--no-operator', 'without the operator')
    .addOption(
      new Option('--simulate', 'simulate pods and Flink: no JVM, RUNNING in a moment, nothing is kept').conflicts(
        'dataDir',
      ),
    )
    .option('--no-fast-start', "run Flink's own scripts instead of the JVM they end in")
    .option(
      '--image <image=target>',
      "what an image stands for, for example 'registry/job:*=flink:1.20' or 'tool=host'; may be repeated",
      parseImage,
    )
    .addHelpText(
      'after',
      examples(
        ['drey up', 'in this terminal, until Ctrl-C'],
        ['drey up -d && drey run my-job.jar', 'in the background; drey down ends it'],
        ["drey up --image 'registry.example.com/*=flink:1.20'", 'private images stand for a local Flink'],
        ['drey up --simulate', 'to try YAML and the operator without running Flink'],
        ['drey up --name ci --memory --kubeconfig kube.yaml', 'a second cluster that leaves nothing'],
      ),
    )
    .action((options: UpOptions) => (options.detach ? detach(options) : foreground(options)));
}

function parseImage(text: string, before: Images = {}): Images {
  const at = text.indexOf('=');
  if (at < 1)
    throw new CliError(
      'E_CLI_IMAGE',
      `--image ${text} is not of the form image=target`,
      "For example: --image 'my/job:*=flink:1.20'",
      'usage',
    );
  const [as = '', usrlib] = text.slice(at + 1).split(',usrlib=');
  return { ...before, [text.slice(0, at)]: usrlib === undefined ? { as } : { as, usrlib } };
}

async function foreground(options: UpOptions): Promise<void> {
  const { name } = options;
  const running = readRecord(name);
  if (running && isRunning(running)) {
    throw new CliError(
      'E_CLI_CLUSTER_RUNS',
      `cluster "${name}" runs already (process ${running.pid})`,
      `Use it, stop it with: drey down --name ${name}, or give another --name.`,
      'conflict',
    );
  }
  const { launch } = await import('../cluster/launch.ts');
  const steps = new Steps();
  const cluster = await launch({
    ...{
      name,
      port: options.port,
      operator: options.operator,
      images: options.image ?? {},
      fastStart: options.fastStart,
      simulate: options.simulate ?? false,
    },
    kubeconfig: options.kubeconfig,
    dataDirectory: options.memory ? undefined : (options.dataDir ?? join(clusterFolder(name), 'data')),
    progress: (what) => steps.done(what),
  });
  process.stdout.write(
    `cluster ${name} is ready at ${cluster.url}\n\n  export KUBECONFIG=${cluster.kubeconfig}\n  kubectl get flinkdeployments -w\n\nCtrl-C stops it.\n`,
  );
  await ended();
  steps.done('stopping');
  await cluster.stop();
  steps.done('stopped');
}

/** Resolves at the first signal to end; a second one ends at once. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (): void => {
      if (asked) process.exit(130);
      asked = true;
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  });
}

const readyWithinMs = 60_000;

/** Starts the same command in the background and waits until it has recorded itself. */
async function detach(options: UpOptions): Promise<void> {
  const folder = clusterFolder(options.name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const logFile = join(folder, 'up.log');
  const log = openSync(logFile, 'a', 0o600);
  const logged = fstatSync(log).size;
  const args = process.argv.slice(1).filter((word) => word !== '--detach' && word !== '-d');
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  let code: number | null | undefined;
  child.on('exit', (status) => {
    code = status ?? 1;
  });
  for (const end = performance.now() + readyWithinMs; performance.now() < end; ) {
    const record = readRecord(options.name);
    if (record?.pid === child.pid && record && isRunning(record)) {
      child.unref();
      process.stdout.write(
        `cluster ${options.name} is ready at ${record.url}\n\n  export KUBECONFIG=${record.kubeconfig}\n\nStop it: drey down --name ${options.name}\n`,
      );
      return;
    }
    if (code !== undefined) {
      // What went wrong is what the cluster said itself, and so is the exit code.
      process.stderr.write(readFileSync(logFile).subarray(logged));
      process.exitCode = code === null || code === 0 ? exitCodes.failed : code;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new CliError(
    'E_CLI_UP',
    `the cluster was not ready within ${readyWithinMs / 1000} s`,
    `See ${logFile}`,
    'timeout',
  );
}
