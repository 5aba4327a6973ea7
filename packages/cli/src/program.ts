import { Command } from 'commander';
import { usageText } from './errors.ts';

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
  plan: { summary: 'what applying a file would do, before it is done', load: () => import('./commands/plan.ts') },
  replay: { summary: 'make recorded decisions of an operator again', load: () => import('./commands/replay.ts') },
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

function root(): Command {
  return new Command('drey')
    .description('Apache Flink on Kubernetes: operator, command line and development cluster in one.')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(usageText(text)) });
}

/** The program with the one command that `argv` names; with all of them in short when it names none. */
export async function programFor(argv: readonly string[]): Promise<Command> {
  const program = root();
  const wanted = argv.find((word) => !word.startsWith('-')) ?? '';
  const found = Object.hasOwn(commands, wanted) ? commands[wanted] : undefined;
  if (found) {
    (await found.load()).register(program);
    return program;
  }
  for (const [name, { summary }] of Object.entries(commands)) {
    program.command(name).summary(summary).description(summary);
  }
  return program.helpCommand('help [command]', 'explain a command').addHelpText('after', epilogue);
}

/** The program with every command complete, for the reference. */
export async function wholeProgram(): Promise<Command> {
  const program = root();
  for (const [name, { summary, load }] of Object.entries(commands)) {
    (await load()).register(program);
    program.commands.find((one) => one.name() === name)?.summary(summary);
  }
  return program.helpCommand(false).addHelpText('after', epilogue);
}

/** `drey help X…` is `drey X… --help`, where X is complete. */
export function withoutHelpCommand(argv: readonly string[]): readonly string[] {
  const [first, ...rest] = argv;
  return first === 'help' ? [...rest, '--help'] : argv;
}
