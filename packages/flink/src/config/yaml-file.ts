import { FlinkError } from '../errors.ts';
import { writeBlockYaml, writeFlowYaml } from './yaml-emit.ts';
import { readYaml, type YamlValue, yamlScalarText } from './yaml-read.ts';

/**
 * Reads `config.yaml`: YAML 1.2, nested maps flattened by joining keys with dots; flat and nested keys may be mixed, a
 * later one wins. A sequence becomes its text in flow style. Null values are mistakes. Throws `E_FLINK_CONFIG_SYNTAX`.
 */
export function readYamlFile(text: string, name = 'config.yaml'): Map<string, string> {
  const value = readYaml(text, name);
  const out = new Map<string, string>();
  if (value === null) return out;
  if (!(value instanceof Map)) throw refuse(name, 'the document is not a mapping of keys to values');
  flatten(value, '', out, name);
  return out;
}

function flatten(value: ReadonlyMap<string, YamlValue>, prefix: string, out: Map<string, string>, name: string): void {
  for (const [key, item] of value) {
    const path = `${prefix}${key}`;
    if (item === null) throw refuse(name, `the value of '${path}' is null (Value must not be null)`);
    if (item instanceof Map) flatten(item, `${path}.`, out, name);
    else out.set(path, Array.isArray(item) ? writeFlowYaml(item) : yamlScalarText(item));
  }
}

/** What the writers need to know besides the texts. */
export interface YamlFileOptions {
  /** Options whose value Flink holds as a list (its client sets them so): written as YAML sequences. */
  readonly lists?: ReadonlyMap<string, readonly string[]>;
}

/** Writes `config.yaml` with flat dotted keys, one a line: loaded by every version that reads the file, and never ambiguous. */
export function writeFlatYamlFile(entries: Iterable<readonly [string, string]>, options: YamlFileOptions = {}): string {
  const values = new Map<string, YamlValue>([...entries].map(([key, value]) => [key, held(key, value, options)]));
  return values.size === 0 ? '' : writeBlockYaml(values);
}

/**
 * Writes `config.yaml` in Flink's own nested form, every key split at its dots. Throws `E_FLINK_CONFIG_VALUE` when a key is
 * also the beginning of another (`high-availability` next to `high-availability.storageDir`): this form has no place for
 * both, and Flink's own writer fails there.
 */
export function writeNestedYamlFile(
  entries: Iterable<readonly [string, string]>,
  options: YamlFileOptions = {},
): string {
  const root = new Map<string, YamlValue>();
  for (const [key, value] of entries) insert(root, key, held(key, value, options));
  return writeBlockYaml(root);
}

function held(key: string, text: string, { lists }: YamlFileOptions): YamlValue {
  const list = lists?.get(key);
  return list === undefined ? text : [...list];
}

function insert(root: Map<string, YamlValue>, key: string, value: YamlValue): void {
  const path = key.split('.');
  const last = path.pop() ?? key;
  let at = root;
  for (const part of path) {
    const next = at.get(part) ?? new Map<string, YamlValue>();
    if (!(next instanceof Map)) throw conflict(key);
    at.set(part, next);
    at = next;
  }
  if (at.get(last) instanceof Map) throw conflict(key);
  at.set(last, value);
}

function conflict(key: string): FlinkError {
  return new FlinkError(
    'E_FLINK_CONFIG_VALUE',
    `The key '${key}' cannot be written in nested YAML: it is the beginning of another key, or another key is the beginning of it`,
    'Use the current name of the option (for example high-availability.type), or write the file with flat keys.',
  );
}

function refuse(name: string, reason: string): FlinkError {
  return new FlinkError(
    'E_FLINK_CONFIG_SYNTAX',
    `Error parsing the YAML configuration ${name}: ${reason}`,
    'Give every key a value, and write the file as key: value lines or nested mappings.',
  );
}
