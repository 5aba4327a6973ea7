import { Command, CommanderError } from 'commander';
import { describeError, exitCodes } from './errors.ts';

/** A command module: adds its command (and sub-commands) to the program. */
interface CommandModule {
  register(program: Command): void;
}

/** Modules are loaded only when their command runs, so that `drey --help` and completion stay quick. */
const commands: Readonly<Record<string, { summary: string; load: () => Promise<CommandModule> }>> = {
  up: { summary: 'start a cluster on this machine, with the operator', load: () => import('./commands/up.ts') },
  down: { summary: 'stop a cluster that runs on this machine', load: () => import('./commands/down.ts') },
  status: { summary: 'what runs, and what it waits for', load: () => import('./commands/status.ts') },
  run: { summary: 'run a local jar as an application cluster and follow it', load: () => import('./commands/run.ts') },
  get: { summary: 'list Flink deployments', load: () => import('./commands/get.ts') },
  logs: { summary: 'print or follow the logs of a deployment', load: () => import('./commands/logs.ts') },
  render: { summary: 'print the Kubernetes objects a file would become', load: () => import('./commands/render.ts') },
  operator: { summary: 'run the operator against any cluster', load: () => import('./commands/operator.ts') },
  apiserver: { summary: 'run the Kubernetes API server alone', load: () => import('./commands/apiserver.ts') },
  crds: { summary: 'print the custom resource definitions', load: () => import('./commands/crds.ts') },
  flink: {
    summary: 'install and inspect Flink distributions and configurations',
    load: () => import('./commands/flink.ts'),
  },
  version: { summary: 'print versions', load: () => import('./commands/version.ts') },
};

const epilogue = `
Start here:
  drey up                                   a cluster with the operator, in this terminal
  kubectl --kubeconfig … apply -f job.yaml  as on any cluster (drey up prints the kubeconfig)
  drey run my-job.jar -p 2                  the same without writing YAML
  drey status                               what runs, and what it waits for

Every command explains itself: drey COMMAND --help`;

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('drey')
    .description('Apache Flink on Kubernetes: operator, command line and development cluster in one.')
    .showHelpAfterError('(add --help for what can be given)')
    .exitOverride();
  const wanted = argv.find((word) => !word.startsWith('-'));
  const found = wanted === undefined ? undefined : commands[wanted];
  if (found) {
    (await found.load()).register(program);
  } else {
    for (const [name, { summary }] of Object.entries(commands))
      program.command(name).summary(summary).description(summary);
    program.addHelpText('after', epilogue);
  }
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return exitCodes.ok;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { text, exitCode } = describeError(error);
    process.stderr.write(text);
    return exitCode;
  }
}

process.exitCode = await main(process.argv.slice(2));
