import { resolvePlainScalar, type YamlValue, yamlScalarText } from './yaml-read.ts';

export type { YamlValue } from './yaml-read.ts';

/**
 * Writes a value on one line in flow style (`[a, 'b: c', {k: v}]`), the form in which Flink holds a YAML sequence as text.
 * A text alone is written as it stands in a block.
 */
export function writeFlowYaml(value: YamlValue): string {
  if (Array.isArray(value)) return `[${value.map(flowItem).join(', ')}]`;
  if (!(value instanceof Map)) return scalar(value, 'block');
  return `{${[...value].map(([key, item]) => `${scalar(key, 'flow')}: ${flowItem(item)}`).join(', ')}}`;
}

function flowItem(value: YamlValue): string {
  return Array.isArray(value) || value instanceof Map ? writeFlowYaml(value) : scalar(value, 'flow');
}

/**
 * Writes nested maps as a block with two spaces of indentation, ending in a line break: the form of Flink's own dump,
 * which never breaks long lines.
 */
export function writeBlockYaml(value: ReadonlyMap<string, YamlValue>): string {
  return value.size === 0 ? '{}\n' : `${blockMap(value, '')}\n`;
}

function blockMap(value: ReadonlyMap<string, YamlValue>, indent: string): string {
  return [...value].map(([key, item]) => `${scalar(key, 'key')}:${blockValue(item, indent)}`).join(`\n${indent}`);
}

/** What follows `key:` or `-` in a block whose lines begin with `indent`. */
function blockValue(item: YamlValue, indent: string): string {
  if (item instanceof Map && item.size > 0) return `\n${indent}  ${blockMap(item, `${indent}  `)}`;
  if (Array.isArray(item) && item.length > 0) return item.map((one) => `\n${indent}-${listItem(one, indent)}`).join('');
  if (Array.isArray(item) || item instanceof Map) return ` ${writeFlowYaml(item)}`;
  return ` ${typeof item === 'string' && isLiteral(item) ? literal(item, indent) : scalar(item, 'block')}`;
}

function listItem(item: YamlValue, indent: string): string {
  return item instanceof Map && item.size > 0 ? ` ${blockMap(item, `${indent}  `)}` : blockValue(item, indent);
}

type Place = 'flow' | 'block' | 'key';

function scalar(value: string | bigint | number | boolean | null, place: Place): string {
  if (value === null) return 'null';
  if (typeof value !== 'string') return yamlScalarText(value);
  if (needsEscapes(value)) return doubleQuoted(value);
  return mayBePlain(value, place) ? value : `'${value.replaceAll("'", "''")}'`;
}

/** Texts with line breaks or characters that YAML does not print are written with escapes, except as a literal block. */
function needsEscapes(text: string): boolean {
  return /[^\u0020-\u007e\u00a0-\u2027\u202a-\ufefe\uff00-\ufffd]/.test(text) || !text.isWellFormed();
}

/** A double-quoted scalar on one line. JSON's escapes are YAML's; a few more characters need them. */
function doubleQuoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Whether a text of several lines can be a literal block: printable, and no blanks where the block would lose them. */
function isLiteral(text: string): boolean {
  return (
    text.includes('\n') && !needsEscapes(text.replaceAll('\n', '')) && !/^[ \n]| \n|\n /.test(text) && !/ $/.test(text)
  );
}

function literal(text: string, indent: string): string {
  const keep = text.endsWith('\n\n') ? '+' : text.endsWith('\n') ? '' : '-';
  const lines = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n');
  return [`|${keep}`, ...lines.map((line) => (line === '' ? '' : `${indent}  ${line}`))].join('\n');
}

/** Whether a one-line text can stand unquoted and still be read back as that text. */
function mayBePlain(text: string, place: Place): boolean {
  if (text === '' || resolvePlainScalar(text) !== text) return false;
  if (/^ | $|^---|^\.\.\.|^[#,[\]{}&*!|>'"%@`]/.test(text)) return false;
  if (/^[-?:](?: |$)/.test(text) || /:(?: |$)/.test(text) || / #/.test(text)) return false;
  return place !== 'flow' || !/[,?[\]{}:]/.test(text);
}
