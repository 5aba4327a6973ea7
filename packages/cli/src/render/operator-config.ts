import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  type ConfigEntries,
  LEGACY_CONFIG_FILE,
  parseFlinkVersion,
  readConfigFile,
  winningConfigFile,
  YAML_CONFIG_FILE,
} from '@drey/flink';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { CliError } from '../errors.ts';
import { isDirectory, readUserFile } from './files.ts';
import { parseProperties } from './properties.ts';

/** The operator reads its own files as Flink 1.20 does: `flink-conf.yaml` before `config.yaml`. */
const READ_AS = parseFlinkVersion('1.20');

/**
 * The operator’s default configuration: from a file (`config.yaml`, `flink-conf.yaml`, `*.properties`) or a directory that
 * holds one of the first two. Without a path, the one that Drey ships.
 */
export function readOperatorConfig(path: string | undefined): ConfigEntries {
  if (path === undefined) return DEFAULT_OPERATOR_CONFIG;
  const file = isDirectory(path) ? join(path, fileIn(path)) : path;
  const text = readUserFile(file, 'Operator configuration');
  if (file.endsWith('.properties')) return parseProperties(text);
  const name = basename(file) === LEGACY_CONFIG_FILE ? LEGACY_CONFIG_FILE : YAML_CONFIG_FILE;
  return readConfigFile(text, name, READ_AS).toRecord();
}

function fileIn(directory: string): string {
  const found = winningConfigFile(READ_AS, readdirSync(directory));
  if (found !== undefined) return found;
  throw new CliError(
    'E_FILE',
    `${directory} holds neither ${YAML_CONFIG_FILE} nor ${LEGACY_CONFIG_FILE}`,
    'Name the directory that is mounted into the operator, or the file itself.',
    'notFound',
  );
}
