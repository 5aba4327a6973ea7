import { FlinkError } from '../errors.ts';
import { javaTrim } from './java-text.ts';

/**
 * Reads `flink-conf.yaml` by its own line rules: not YAML; `#` starts a comment anywhere, a line is split at the first
 * colon followed by a space, and lines without a key and a value are skipped. A later line wins.
 */
export function readLegacyFile(text: string): Map<string, string> {
  const out = new Map<string, string>();
  for (const line of text.split(/\r\n|\n|\r/)) {
    const content = javaTrim(line.split('#', 1)[0] ?? '');
    const colon = content.indexOf(': ');
    if (colon === -1) continue;
    const key = javaTrim(content.slice(0, colon));
    const value = javaTrim(content.slice(colon + 2));
    if (key !== '' && value !== '') out.set(key, value);
  }
  return out;
}

/**
 * Writes `flink-conf.yaml`: one `key: value` line an entry. Throws `E_FLINK_CONFIG_VALUE` for a value that this format
 * cannot hold (a `#`, a line break), since Flink would silently read something else. An empty value is written and, as
 * Flink reads it, absent.
 */
export function writeLegacyFile(entries: Iterable<readonly [string, string]>): string {
  let out = '';
  for (const [key, value] of entries) {
    const problem = unrepresentable(key, value);
    if (problem !== undefined) {
      throw new FlinkError(
        'E_FLINK_CONFIG_VALUE',
        `The value of '${key}' cannot be written to flink-conf.yaml: ${problem}`,
        'Remove that character from the value, or use Flink 1.19 or later, whose config.yaml has no such limit.',
      );
    }
    out += `${key}: ${value}\n`;
  }
  return out;
}

function unrepresentable(key: string, value: string): string | undefined {
  if (/[\r\n]/.test(value) || /[\r\n]/.test(key)) return 'it holds a line break';
  if (value.includes('#') || key.includes('#')) return 'everything from "#" on would be read as a comment';
  if (key.includes(': ')) return 'its key holds a colon followed by a space';
  return undefined;
}
