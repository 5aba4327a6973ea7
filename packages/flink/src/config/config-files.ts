import { FlinkError } from '../errors.ts';
import { atLeast, before, type FlinkVersion, formatFlinkVersion } from '../versions/version.ts';
import { FlinkConfig } from './configuration.ts';
import { readLegacyFile, writeLegacyFile } from './legacy-file.ts';
import { valueRules } from './option.ts';
import { readYamlFile, writeFlatYamlFile } from './yaml-file.ts';

/** Names of Flink's configuration files. */
export const LEGACY_CONFIG_FILE = 'flink-conf.yaml';
export const YAML_CONFIG_FILE = 'config.yaml';
export type ConfigFileName = typeof LEGACY_CONFIG_FILE | typeof YAML_CONFIG_FILE;

/** The file that a version is given: `flink-conf.yaml` up to 1.18, `config.yaml` from 1.19. */
export function configFileFor(version: FlinkVersion): ConfigFileName {
  return before(version, '1.19') ? LEGACY_CONFIG_FILE : YAML_CONFIG_FILE;
}

/**
 * The file that a version loads from a directory that holds `present`: only the legacy one up to 1.18, the legacy one before
 * the other in 1.19 and 1.20, only `config.yaml` from 2.0. Undefined when the directory lacks it.
 */
export function winningConfigFile(version: FlinkVersion, present: Iterable<string>): ConfigFileName | undefined {
  const names = new Set(present);
  const readsLegacy = before(version, '2.0');
  const readsYaml = atLeast(version, '1.19');
  if (readsLegacy && names.has(LEGACY_CONFIG_FILE)) return LEGACY_CONFIG_FILE;
  return readsYaml && names.has(YAML_CONFIG_FILE) ? YAML_CONFIG_FILE : undefined;
}

/**
 * Reads the text of one configuration file in the format that `file` names. `shownName` stands in messages. Throws
 * `E_FLINK_CONFIG_SYNTAX`.
 */
export function readConfigFile(
  text: string,
  file: ConfigFileName,
  version: FlinkVersion,
  shownName: string = file,
): FlinkConfig {
  return file === LEGACY_CONFIG_FILE
    ? FlinkConfig.of(readLegacyFile(text), valueRules(version, 'legacy'))
    : FlinkConfig.of(readYamlFile(text, shownName), valueRules(version, 'yaml'));
}

/**
 * Loads a configuration directory as Flink would. `files` are the texts in it by name. Throws `E_FLINK_CONFIG_FILE` when the
 * file that this version needs is missing, `E_FLINK_CONFIG_SYNTAX` when it does not parse.
 */
export function loadConfigDirectory(files: ReadonlyMap<string, string>, version: FlinkVersion): FlinkConfig {
  const file = winningConfigFile(version, files.keys());
  const text = file === undefined ? undefined : files.get(file);
  if (file === undefined || text === undefined) {
    const wanted = configFileFor(version);
    throw new FlinkError(
      'E_FLINK_CONFIG_FILE',
      `The Flink config file '${wanted}' does not exist, and Flink ${formatFlinkVersion(version)} reads no other`,
      `Put a ${wanted} into the directory.`,
    );
  }
  return readConfigFile(text, file, version);
}

/** Writes the configuration file of a version: legacy lines, or YAML with flat keys. */
export function writeConfigFile(
  entries: Iterable<readonly [string, string]>,
  version: FlinkVersion,
): { name: ConfigFileName; text: string } {
  const name = configFileFor(version);
  return { name, text: name === LEGACY_CONFIG_FILE ? writeLegacyFile(entries) : writeFlatYamlFile(entries) };
}
