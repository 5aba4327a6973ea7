import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  attempt,
  type ConfigFileName,
  configFileFor,
  describeMemorySize,
  errorChain,
  type FlinkConfig,
  type FlinkError,
  type FlinkVersion,
  jobManagerDynamicConfigs,
  jobManagerJvmParameters,
  jobManagerMemory,
  LEGACY_CONFIG_FILE,
  loadConfigDirectory,
  type Result,
  readConfigFile,
  supportedVersion,
  taskManagerDynamicConfigs,
  taskManagerJvmParameters,
  taskManagerMemory,
  winningConfigFile,
  YAML_CONFIG_FILE,
} from '@drey/flink';
import { CliError, exitCodes } from '../errors.ts';

/** A size or a text of one process, by the name of its component. */
type Breakdown = Record<string, bigint | string>;

/** Loads, computes and prints. Parts that Flink would refuse are printed as errors in their place. */
export async function printConfiguration(options: {
  readonly flinkVersion: string;
  readonly config: string;
  readonly output: string;
}): Promise<void> {
  const version = supportedVersion(options.flinkVersion);
  const files = await readFiles(options.config, version);
  const loaded = attempt(() => load(files, version));
  const json = options.output === 'json';
  if (!loaded.ok) {
    if (!json) throw loaded.error;
    process.stdout.write(`${JSON.stringify({ error: errorTexts(loaded.error) }, null, 2)}\n`);
    process.exitCode = exitCodes.failed;
    return;
  }
  const parts = breakdowns(loaded.value, version);
  process.stdout.write(json ? asJson(loaded.value, parts) : asText(loaded.value, parts));
}

/** What a path holds: a directory's files by name, or one file that stands for itself. */
type Files =
  | { readonly kind: 'directory'; readonly texts: ReadonlyMap<string, string> }
  | { readonly kind: 'file'; readonly path: string; readonly format: ConfigFileName; readonly text: string };

async function readFiles(path: string, version: FlinkVersion): Promise<Files> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    const next = 'Name a configuration directory or a configuration file.';
    throw new CliError('E_FLINK_CONFIG_FILE', `${path} does not exist`, next, 'notFound');
  }
  if (!found.isDirectory()) {
    const own = winningConfigFile(version, [basename(path)]) ?? configFileFor(version);
    return { kind: 'file', path, format: own, text: await readFile(path, 'utf8') };
  }
  const present = await readdir(path);
  const texts = new Map<string, string>();
  for (const name of [LEGACY_CONFIG_FILE, YAML_CONFIG_FILE]) {
    if (present.includes(name)) texts.set(name, await readFile(join(path, name), 'utf8'));
  }
  return { kind: 'directory', texts };
}

function load(files: Files, version: FlinkVersion): FlinkConfig {
  if (files.kind === 'directory') return loadConfigDirectory(files.texts, version);
  return readConfigFile(files.text, files.format, version, files.path);
}

interface Parts {
  readonly taskManager: Result<Breakdown>;
  readonly jobManager: Result<Breakdown>;
}

function breakdowns(config: FlinkConfig, version: FlinkVersion): Parts {
  const taskManager = taskManagerMemory(config, { version });
  const jobManager = jobManagerMemory(config, { version });
  return {
    taskManager: described(taskManager, taskManagerJvmParameters, taskManagerDynamicConfigs),
    jobManager: described(jobManager, jobManagerJvmParameters, jobManagerDynamicConfigs),
  };
}

function described<M extends object>(
  memory: Result<M>,
  jvmParameters: (memory: M) => string[],
  dynamicConfigs: (memory: M) => [string, string][],
): Result<Breakdown> {
  if (!memory.ok) return memory;
  const sizes = Object.entries(memory.value).filter((entry): entry is [string, bigint] => typeof entry[1] === 'bigint');
  const value: Breakdown = {
    ...Object.fromEntries(sizes),
    jvmParameters: jvmParameters(memory.value).join(' '),
    dynamicConfigs: dynamicConfigs(memory.value)
      .map(([key, text]) => `-D ${key}=${text}`)
      .join(' '),
  };
  return { ok: true, value };
}

function errorTexts(error: FlinkError): string[] {
  const [first = '', ...causes] = errorChain(error);
  return [`${error.code}: ${first}`, ...causes, error.nextStep];
}

function asJson(config: FlinkConfig, { taskManager, jobManager }: Parts): string {
  const sorted = Object.fromEntries([...config].sort(([a], [b]) => (a < b ? -1 : 1)));
  const content = {
    config: sorted,
    ...(taskManager.ok ? { taskManager: taskManager.value } : { taskManagerError: errorTexts(taskManager.error) }),
    ...(jobManager.ok ? { jobManager: jobManager.value } : { jobManagerError: errorTexts(jobManager.error) }),
  };
  return `${JSON.stringify(content, bytesAsNumbers, 2)}\n`;
}

/** Sizes are 64-bit integers, written in full. */
function bytesAsNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJson(String(value)) : value;
}

/** `JSON.rawJSON` is in Node 24 but not yet in the library types. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

function asText(config: FlinkConfig, { taskManager, jobManager }: Parts): string {
  const lines = [...config].map(([key, value]) => `${key}: ${value}`);
  return [...lines, '', ...section('JobManager', jobManager), '', ...section('TaskManager', taskManager), ''].join(
    '\n',
  );
}

function section(title: string, part: Result<Breakdown>): string[] {
  if (!part.ok) return [`${title}: ${part.error.message} [${part.error.code}]`, `  next: ${part.error.nextStep}`];
  const rows = Object.entries(part.value).map(
    ([name, value]) => `  ${name.padEnd(18)}${typeof value === 'bigint' ? describeMemorySize(value) : value}`,
  );
  return [`${title}:`, ...rows];
}
