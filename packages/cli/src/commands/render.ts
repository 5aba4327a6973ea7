import { LEGACY_CONFIG_FILE, parseFlinkVersion } from '@drey/flink';
import { buildNativeCluster, buildTaskManagerPod, type NativeClusterInput } from '@drey/manifests';
import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import { readClientFiles } from '../render/client-files.ts';
import { withInputErrors } from '../render/coded.ts';
import { renderDocuments } from '../render/deployment.ts';
import { readUserFile } from '../render/files.ts';
import { readOperatorConfig } from '../render/operator-config.ts';
import { listOf, printed, printFormat } from '../render/print.ts';
import { parseProperties } from '../render/properties.ts';
import { parseYamlDocuments } from '../render/yaml-documents.ts';

interface RenderOptions {
  readonly file?: string;
  readonly operatorConfig?: string;
  readonly output: string;
}

interface NativeOptions {
  readonly flinkVersion: string;
  readonly target: string;
  readonly clusterId: string;
  readonly config: string;
  readonly taskmanager?: boolean;
  readonly output: string;
}

/** `drey render`: what a FlinkDeployment, or a Flink configuration, becomes on a cluster. Touches no cluster. */
export function register(program: Command): void {
  // Both levels have -o: what comes after "native" is native's.
  const render = program
    .enablePositionalOptions()
    .command('render')
    .enablePositionalOptions()
    .description(
      'Print the objects that the operator would create for the FlinkDeployments of a file, as one List in the order of creation. Ids that only a cluster gives are printed as zeros.',
    )
    .option('-f, --file <file>', 'file with FlinkDeployments, - for standard input')
    .option('--operator-config <file>', 'the operator’s configuration: a file or the directory that is mounted into it')
    .option('-o, --output <format>', 'yaml or json', 'yaml')
    .addHelpText(
      'after',
      '\nExamples:\n  drey render -f job.yaml\n  drey render -f job.yaml | kubectl diff -f -\n  drey render native --flink-version 1.20 --target session --cluster-id demo --config flink.properties',
    )
    .action((options: RenderOptions) => void process.stdout.write(renderFile(options)));
  render
    .command('native')
    .description(
      'Print what Flink’s own client would create for a flat configuration: the Deployment first, then the other objects in Flink’s order.',
    )
    .requiredOption('--flink-version <version>', 'version of Flink, for example 1.20.5')
    .requiredOption('--target <target>', 'application or session')
    .requiredOption('--cluster-id <id>', 'name of the cluster')
    .requiredOption('--config <file>', 'properties file: one key=value a line')
    .option('--taskmanager', 'print the pod that the JobManager would create for a TaskManager instead')
    .option('-o, --output <format>', 'yaml or json', 'yaml')
    .action((options: NativeOptions) => void process.stdout.write(renderNative(options)));
}

function renderFile(options: RenderOptions): string {
  const format = printFormat(options.output);
  const { file } = options;
  if (file === undefined) {
    throw new CliError('E_USAGE', 'No file is named', 'Name one: drey render -f job.yaml', 'usage');
  }
  const name = file === '-' ? 'standard input' : file;
  const operatorConfig = withInputErrors(options.operatorConfig ?? 'operator configuration', () =>
    readOperatorConfig(options.operatorConfig),
  );
  const documents = parseYamlDocuments(readUserFile(file, 'File'), name);
  return printed(listOf(withInputErrors(name, () => renderDocuments(documents, operatorConfig, name))), format);
}

function renderNative(options: NativeOptions): string {
  const format = printFormat(options.output);
  const { target, clusterId } = options;
  if (target !== 'application' && target !== 'session') {
    throw new CliError(
      'E_USAGE',
      `"${target}" is no target`,
      'Write --target application or --target session.',
      'usage',
    );
  }
  return withInputErrors(options.config, () => {
    const configuration = parseProperties(readUserFile(options.config, 'Configuration'));
    const files = readClientFiles(configuration);
    const input: NativeClusterInput = {
      flinkVersion: parseFlinkVersion(options.flinkVersion),
      target,
      clusterId,
      configuration,
      files,
      // Where the client's directory holds the older file, 1.19 and 1.20 go by it.
      ...(files.logging?.[LEGACY_CONFIG_FILE] === undefined ? {} : { configFile: 'legacy' }),
    };
    if (options.taskmanager) return printed(buildTaskManagerPod(input), format);
    const { deployment, accompanying } = buildNativeCluster(input);
    return printed(listOf([deployment, ...accompanying]), format);
  });
}
