import type { LineCounter, YAMLError } from 'yaml';

/**
 * The first error of a YAML text in the words of the real server's parser. That parser counts lines from zero, prints none
 * for the first one, and adds one where the scanner (not the parser behind it) gave up.
 */
export function yamlErrorMessage(error: YAMLError, text: string, lines: LineCounter): string {
  const first = lines.linePos(error.pos[0]).line - 1;
  const found = MESSAGES.find(([code, pattern]) => code === error.code && pattern.test(error.message));
  if (found === undefined) return at(first + 1, plain(error.message));
  const [, , by, message] = found;
  const colon = lines.linePos(Math.max(error.pos[0], text.indexOf(':', error.pos[0]))).line - 1;
  switch (by) {
    case 'scanner':
      return at(first === 0 ? 0 : first + 1, message);
    case 'colon':
      return at(colon === 0 ? 0 : colon + 1, message);
    case 'parser':
      return at(Math.max(first, 1), message);
    case 'key':
      return at(first + 2, message);
    case 'tab':
      return first === 0 ? CANNOT_START : at(first + 1, message);
  }
}

type By = 'scanner' | 'colon' | 'parser' | 'key' | 'tab';

const CANNOT_START = 'yaml: found character that cannot start any token';

const MESSAGES: readonly [string, RegExp, By, string][] = [
  ['TAB_AS_INDENT', /./, 'tab', 'found a tab character that violates indentation'],
  ['MISSING_CHAR', /quote/, 'scanner', 'found unexpected end of stream'],
  ['MISSING_CHAR', /^Implicit/, 'key', "could not find expected ':'"],
  ['BAD_SCALAR_START', /./, 'scanner', 'found character that cannot start any token'],
  ['BAD_DQ_ESCAPE', /./, 'scanner', 'found unknown escape character'],
  ['BLOCK_AS_IMPLICIT_KEY', /./, 'colon', 'mapping values are not allowed in this context'],
  ['BAD_INDENT', /^Flow sequence/, 'parser', "did not find expected ',' or ']'"],
  ['BAD_INDENT', /^Flow map/, 'parser', "did not find expected ',' or '}'"],
  ['BAD_INDENT', /^All mapping/, 'parser', 'did not find expected key'],
  ['MISSING_CHAR', /end with a \]/, 'parser', "did not find expected ',' or ']'"],
  ['MISSING_CHAR', /end with a \}/, 'parser', "did not find expected ',' or '}'"],
  ['UNEXPECTED_TOKEN', /^Unexpected scalar at node end/, 'parser', "did not find expected '-' indicator"],
];

function at(line: number, message: string): string {
  return line === 0 ? `yaml: ${message}` : `yaml: line ${line}: ${message}`;
}

function plain(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}
