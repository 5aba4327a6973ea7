import { resolvePlainScalar, type YamlValue, yamlScalarText } from './yaml-read.ts';

export type { YamlValue } from './yaml-read.ts';

/** Flink's writer breaks lines once they are longer than this. */
const WIDTH = 80;

/**
 * Writes a value on one logical line in flow style (`[a, 'b: c', {k: v}]`), the form in which Flink holds a YAML sequence
 * as text. Lines longer than 80 characters are broken, as Flink's own writer breaks them.
 */
export function writeFlowYaml(value: YamlValue): string {
  const out = new Writer();
  flow(out, value, false, 0);
  return out.text;
}

/** Writes nested maps as a block with two spaces of indentation, ending in a line break: the form of Flink's own dump. */
export function writeBlockYaml(value: ReadonlyMap<string, YamlValue>): string {
  const out = new Writer();
  if (value.size === 0) return '{}\n';
  blockMap(out, value, 0);
  return `${out.text}\n`;
}

class Writer {
  text = '';
  column = 0;

  write(chunk: string): void {
    this.text += chunk;
    this.column += chunk.length;
  }

  /** A line break followed by `indent` spaces. */
  newLine(indent: number): void {
    this.text += `\n${' '.repeat(indent)}`;
    this.column = indent;
  }
}

function blockMap(out: Writer, value: ReadonlyMap<string, YamlValue>, indent: number): void {
  let first = true;
  for (const [key, item] of value) {
    if (!first) out.newLine(indent);
    first = false;
    scalar(out, key, { inFlow: false, isKey: true, indent });
    out.write(':');
    blockValue(out, item, indent);
  }
}

function blockValue(out: Writer, item: YamlValue, indent: number): void {
  if (item instanceof Map && item.size > 0) {
    out.newLine(indent + 2);
    blockMap(out, item, indent + 2);
  } else if (Array.isArray(item) && item.length > 0) {
    for (const element of item) {
      out.newLine(indent);
      out.write('-');
      if (element instanceof Map && element.size > 0) {
        out.write(' ');
        blockMap(out, element, indent + 2);
      } else {
        blockValue(out, element, indent);
      }
    }
  } else {
    out.write(' ');
    if (typeof item === 'object' && item !== null) out.write(Array.isArray(item) ? '[]' : '{}');
    else scalar(out, item, { inFlow: false, isKey: false, indent });
  }
}

function flow(out: Writer, value: YamlValue, isKey: boolean, depth: number): void {
  const indent = 2 * depth;
  if (Array.isArray(value)) {
    out.write('[');
    for (const [index, item] of value.entries()) {
      separate(out, index, indent + 2);
      flow(out, item, false, depth + 1);
    }
    out.write(']');
  } else if (value instanceof Map) {
    out.write('{');
    for (const [index, [key, item]] of [...value].entries()) {
      separate(out, index, indent + 2);
      flow(out, key, true, depth + 1);
      out.write(': ');
      flow(out, item, false, depth + 1);
    }
    out.write('}');
  } else {
    scalar(out, value, { inFlow: true, isKey, indent });
  }
}

function separate(out: Writer, index: number, indent: number): void {
  if (index > 0) out.write(',');
  if (out.column > WIDTH) out.newLine(indent);
  else if (index > 0) out.write(' ');
}

interface Place {
  readonly inFlow: boolean;
  readonly isKey: boolean;
  readonly indent: number;
}

function scalar(out: Writer, value: string | bigint | number | boolean | null, place: Place): void {
  if (typeof value !== 'string') {
    out.write(value === null ? 'null' : special(value));
    return;
  }
  const multiLine = value.includes('\n');
  if (
    /[^\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u.test(value) ||
    /\n /.test(value)
  ) {
    out.write(doubleQuoted(value));
  } else if (multiLine && !place.inFlow && !place.isKey && !/^ |(?:^|\n)\n| \n|\n$^/.test(value)) {
    literal(out, value, place.indent);
  } else if (multiLine && (place.isKey || / \n/.test(value))) {
    out.write(doubleQuoted(value));
  } else if (multiLine) {
    folded(out, `'${value.replaceAll("'", "''")}'`, place);
  } else if (mayBePlain(value, place)) {
    folded(out, value, place);
  } else {
    folded(out, `'${value.replaceAll("'", "''")}'`, place);
  }
}

function special(value: bigint | number | boolean): string {
  if (typeof value !== 'number' || Number.isFinite(value)) return yamlScalarText(value);
  if (Number.isNaN(value)) return '.nan';
  return value > 0 ? '.inf' : '-.inf';
}

/** Writes text that may be broken at single spaces when the line grows too long; keys are never broken. */
function folded(out: Writer, text: string, place: Place): void {
  const indent = place.indent + 2;
  const pieces = place.isKey ? [text] : text.split(/(?<=[^ \n]) (?=[^ \n])/);
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) {
      if (out.column > WIDTH) out.newLine(indent);
      else out.write(' ');
    }
    for (const [lineIndex, line] of piece.split('\n').entries()) {
      if (lineIndex > 0) {
        if (lineIndex === 1) out.text += '\n';
        out.newLine(line === '' ? 0 : indent);
      }
      out.write(line);
    }
  }
}

/** A double-quoted scalar on one line; everything outside printable ASCII that YAML restricts is escaped. */
function doubleQuoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function literal(out: Writer, text: string, indent: number): void {
  const lines = text.split('\n');
  const keep = text.endsWith('\n\n') ? '+' : text.endsWith('\n') ? '' : '-';
  out.write(`|${keep}`);
  const body = text.endsWith('\n') ? lines.slice(0, -1) : lines;
  for (const line of body) {
    out.newLine(line === '' ? 0 : indent + 2);
    out.write(line);
  }
}

/** Whether a one-line text can stand unquoted and still be read back as that text. */
function mayBePlain(text: string, place: Place): boolean {
  if (text === '' || resolvePlainScalar(text) !== text || text === '=' || text === '<<') return false;
  if (/^ | $/.test(text) || /^(?:---|\.\.\.)/.test(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text)) return false;
  if (/^[-?:](?: |$)/.test(text) || /:(?: |$)/.test(text) || / #/.test(text)) return false;
  if (place.inFlow) return !/[,?[\]{}]/.test(text) && !text.includes(':');
  return !/^[?:]/.test(text);
}
