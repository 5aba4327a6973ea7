import { LEGACY_CONFIG_FILE, parseFlinkVersion } from '@drey/flink';
import { buildNativeCluster, buildTaskManagerPod, type ClusterInput } from '@drey/manifests';
import { type Command, Option } from 'commander';
import { CliError } from '../errors.ts';
import { examples, outputOption } from '../output/help.ts';
import { readClientFiles } from '../render/client-files.ts';
import { withInputErrors } from '../render/coded.ts';
import { renderDocuments } from '../render/deployment.ts';
import { readUserFile } from '../render/files.ts';
import { readOperatorConfig } from '../render/operator-config.ts';
import { listOf, type PrintFormat, printed } from '../render/print.ts';
import { parseProperties } from '../render/properties.ts';
import { parseYamlDocuments } from '../render/yaml-documents.ts';

interface RenderOptions {
  readonly file?: string;
  readonly operatorConfig?: string;
  readonly output: PrintFormat;
}

interface NativeOptions {
  readonly flinkVersion: string;
  readonly target: 'application' | 'session';
  readonly clusterId: string;
  readonly config: string;
  readonly taskmanager?: boolean;
  readonly output: PrintFormat;
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
    .addOption(outputOption('yaml', 'json'))
    .addHelpText(
      'after',
      examples(
        'drey render -f job.yaml',
        ['drey render -f job.yaml | kubectl diff -f -', 'what would change on a cluster'],
        ['drey render -f job.yaml --operator-config conf', 'with the configuration of the operator'],
        'drey render native --flink-version 1.20 --target session --cluster-id demo --config flink.properties',
      ),
    )
    .action((options: RenderOptions) => void process.stdout.write(renderFile(options)));
  render
    .command('native')
    .description(
      'Print what Flink’s own client would create for a flat configuration: the Deployment first, then the other objects in Flink’s order.',
    )
    .requiredOption('--flink-version <version>', 'version of Flink, for example 1.20.5')
    .addOption(
      new Option('--target <target>', 'kind of cluster').choices(['application', 'session']).makeOptionMandatory(),
    )
    .requiredOption('--cluster-id <id>', 'name of the cluster')
    .requiredOption('--config <file>', 'properties file: one key=value a line')
    .option('--taskmanager', 'print the pod that the JobManager would create for a TaskManager instead')
    .addOption(outputOption('yaml', 'json'))
    .addHelpText(
      'after',
      examples(
        'drey render native --flink-version 1.20 --target session --cluster-id demo --config flink.properties',
        'drey render native --flink-version 2.1 --target application --cluster-id demo --config flink.properties --taskmanager',
      ),
    )
    .action((options: NativeOptions) => void process.stdout.write(renderNative(options)));
}

function renderFile(options: RenderOptions): string {
  const { file, output: format } = options;
  if (file === undefined) {
    throw new CliError('E_USAGE', 'no file is named', 'Name one: drey render -f job.yaml', 'usage');
  }
  const name = file === '-' ? 'standard input' : file;
  const operatorConfig = withInputErrors(options.operatorConfig ?? 'operator configuration', () =>
    readOperatorConfig(options.operatorConfig),
  );
  const documents = parseYamlDocuments(readUserFile(file, 'File'), name);
  return printed(listOf(withInputErrors(name, () => renderDocuments(documents, operatorConfig, name))), format);
}

function renderNative(options: NativeOptions): string {
  const { target, clusterId, output: format } = options;
  return withInputErrors(options.config, () => {
    const configuration = parseProperties(readUserFile(options.config, 'Configuration'));
    const files = readClientFiles(configuration);
    const input: ClusterInput = {
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
