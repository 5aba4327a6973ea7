import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ConfigEntries,
  LEGACY_CONFIG_FILE,
  parseFlinkVersion,
  readConfigFile,
  YAML_CONFIG_FILE,
} from '@drey/flink';

/** Files of an operator's configuration directory. */
export interface OperatorFiles {
  readonly config: ConfigEntries;
  /** Logging files for clusters that bring none; undefined when the directory has none. */
  readonly logging: Readonly<Record<string, string>> | undefined;
}

const LOGGING_FILES = ['log4j-console.properties', 'logback-console.xml'] as const;

/**
 * Reads a configuration directory as the Apache operator is given one: `flink-conf.yaml` or `config.yaml`, and logging files.
 * Throws `E_FLINK_CONFIG_SYNTAX` for a file that does not parse, and the file system's error when it cannot be read.
 */
export async function readOperatorConfig(directory: string): Promise<OperatorFiles> {
  const present = new Set(await readdir(directory));
  const name = present.has(LEGACY_CONFIG_FILE) ? LEGACY_CONFIG_FILE : YAML_CONFIG_FILE;
  const read = (file: string): Promise<string> => readFile(join(directory, file), 'utf8');
  const config = present.has(name) ? readConfigFile(await read(name), name, parseFlinkVersion('1.20')).toRecord() : {};
  const logging = await Promise.all(
    LOGGING_FILES.filter((file) => present.has(file)).map(async (file) => [file, await read(file)] as const),
  );
  return { config, logging: logging.length === 0 ? undefined : Object.fromEntries(logging) };
}
