import {
  atLeast,
  executionOptions,
  FlinkConfig,
  FlinkError,
  LEGACY_CONFIG_FILE,
  readLegacyFile,
  writeFlatYamlFile,
  writeLegacyFile,
  writeNestedYamlFile,
  YAML_CONFIG_FILE,
} from '@drey/flink';
import type { Parameters } from './parameters.ts';
import { programArguments } from './prepare.ts';

/** Keys that speak of the client’s machine and are not shipped. */
const CLIENT_ONLY = ['kubernetes.config.file', '$internal.deployment.config-dir'];
/** Addresses that a copied default configuration binds to localhost; not shipped from 1.15 on. */
const BIND_ADDRESSES = ['rest.bind-address', 'jobmanager.bind-host', 'taskmanager.bind-host', 'taskmanager.host'];

type ShippedInput = Pick<Parameters, 'config' | 'flinkVersion' | 'configFile' | 'target'>;

/** The configuration as the pods get it: without the keys that only the client needs, keys sorted. */
export function shippedConfig({ config, flinkVersion }: ShippedInput): FlinkConfig {
  const left = config.without(...CLIENT_ONLY, ...(atLeast(flinkVersion, '1.15') ? BIND_ADDRESSES : []));
  return FlinkConfig.of(
    [...left].sort(([a], [b]) => (a < b ? -1 : 1)),
    config.rules,
  );
}

/**
 * The configuration as a JobManager reads it from its file. The legacy format loses what it cannot say: entries without a
 * value.
 */
export function loadedConfig(input: ShippedInput): FlinkConfig {
  const shipped = shippedConfig(input);
  return input.configFile === 'legacy'
    ? FlinkConfig.of(readLegacyFile(writeLegacyFile(shipped)), shipped.rules)
    : shipped;
}

/** Name and text of the configuration file that the pods get. */
export function configFile(input: ShippedInput): { readonly name: string; readonly text: string } {
  const shipped = shippedConfig(input);
  if (input.configFile === 'legacy') return { name: LEGACY_CONFIG_FILE, text: writeLegacyFile(shipped) };
  return { name: YAML_CONFIG_FILE, text: yamlText(shipped, programArguments(input)) };
}

/**
 * Flink’s nested form, in which the arguments of the application are a sequence, since the client sets them as a list. Where a key is also the beginning of another that form has no place for both; flat keys have, and
 * every version that reads the file reads them.
 */
function yamlText(shipped: FlinkConfig, args: readonly string[] | undefined): string {
  const lists = new Map(args === undefined ? [] : [[executionOptions.applicationProgramArgs.key, args]]);
  try {
    return writeNestedYamlFile(shipped, { lists });
  } catch (error) {
    if (error instanceof FlinkError && error.code === 'E_FLINK_CONFIG_VALUE')
      return writeFlatYamlFile(shipped, { lists });
    throw error;
  }
}
