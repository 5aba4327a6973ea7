import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  type ConfigEntries,
  clusterOptions,
  executionOptions,
  FlinkConfig,
  kubernetesJobManagerOptions,
  kubernetesTaskManagerOptions,
} from '@drey/flink';
import { type ClientFiles, podTemplateFrom } from '@drey/manifests';
import { CliError } from '../errors.ts';
import { isDirectory, readUserFile } from './files.ts';
import { parseYamlDocuments } from './yaml-documents.ts';

/** Reads the files that Flink’s client would read for a configuration: pod templates, logging files, Kerberos’ files. */
export function readClientFiles(configuration: ConfigEntries): ClientFiles {
  const config = FlinkConfig.of(configuration);
  const jobManager = config.get(kubernetesJobManagerOptions.podTemplate);
  const taskManager = config.get(kubernetesTaskManagerOptions.podTemplate);
  const keytab = config.get(clusterOptions.kerberosKeytab);
  const krb5Conf = config.get(clusterOptions.kerberosKrb5ConfPath);
  const directory = config.get(executionOptions.deploymentConfigDir);
  return {
    ...(jobManager && { jobManagerTemplate: readTemplate(jobManager).pod }),
    ...(taskManager && { taskManagerTemplate: readTemplate(taskManager) }),
    ...(directory && { logging: readDirectory(directory) }),
    ...(keytab && { keytab: { name: basename(keytab), base64: readBytes(keytab).toString('base64') } }),
    ...(krb5Conf && { krb5Conf: { name: basename(krb5Conf), text: readUserFile(krb5Conf, 'Kerberos configuration') } }),
  };
}

function readTemplate(path: string): NonNullable<ClientFiles['taskManagerTemplate']> {
  const text = readUserFile(path, 'Pod template');
  const [document] = parseYamlDocuments(text, path);
  if (typeof document?.value !== 'object' || document.value === null) {
    throw new CliError('E_POD_TEMPLATE', `Pod template ${path} is not a Pod`, 'Write a Pod in YAML.', 'invalid');
  }
  return { text, pod: podTemplateFrom(document.value) };
}

/** A directory that does not exist holds no files: Flink’s client then ships none. */
function readDirectory(directory: string): Record<string, string> {
  if (!isDirectory(directory)) return {};
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
  return Object.fromEntries(files.map(({ name }) => [name, readUserFile(join(directory, name), 'Logging file')]));
}

function readBytes(path: string): Buffer {
  readUserFile(path, 'Keytab');
  return readFileSync(path);
}
