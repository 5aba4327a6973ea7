const LIMIT = 10_000;
const compiled = new Map<string, RegExp | undefined>();

/**
 * A regular expression of Go's syntax (RE2), compiled once; undefined when it is not valid. Flags in front (`(?i)`), named
 * groups of the form `(?P<name>…)`, `\A`, `\z` and POSIX classes are translated, the rest is the same in JavaScript.
 */
export function compilePattern(pattern: string): RegExp | undefined {
  const known = compiled.get(pattern);
  if (known !== undefined || compiled.has(pattern)) return known;
  if (compiled.size > LIMIT) compiled.clear();
  const made = compile(pattern);
  compiled.set(pattern, made);
  return made;
}

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

function compile(pattern: string): RegExp | undefined {
  let flags = 'u';
  let source = pattern;
  const leading = /^\(\?([imsU]+)\)/.exec(source);
  if (leading !== null) {
    for (const flag of leading[1] ?? '') if (flag !== 'U') flags += flag;
    source = source.slice(leading[0].length);
  }
  source = source
    .replaceAll('(?P<', '(?<')
    .replaceAll('\\A', '^')
    .replaceAll('\\z', '$')
    .replaceAll(/\[:(\w+):\]/g, (all, name: string) => POSIX[name] ?? all);
  if (/\(\?(?:[=!]|<[=!])/.test(source)) return undefined;
  for (const f of [flags, flags.replace('u', '')]) {
    try {
      return new RegExp(source, f);
    } catch {
      // Without the unicode flag JavaScript allows escapes of plain characters, as Go does.
    }
  }
  return undefined;
}

/** Why a pattern is not valid, in Go's words where the reason is a common one. */
export function patternProblem(pattern: string): string {
  const lookaround = /\(\?(?:[=!]|<[=!])/.exec(pattern);
  if (lookaround !== null) return `invalid or unsupported Perl syntax: \`${lookaround[0]}\``;
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(pattern)) return 'trailing backslash at end of expression: ``';
  const plain = pattern.replaceAll(/\\./g, '__').replaceAll(/\[\^?\]?[^\]]*\]/g, (set) => '_'.repeat(set.length));
  const open = plain.indexOf('[');
  if (open >= 0) return `missing closing ]: \`${pattern.slice(open)}\``;
  const repeated = /(?:^|[(|])([*+?]|\{\d)/.exec(plain.replaceAll('(?', '(_'));
  if (repeated !== null) return `missing argument to repetition operator: \`${repeated[1]}\``;
  const depth = [...plain].reduce((d, c) => (d < 0 ? d : d + (c === '(' ? 1 : c === ')' ? -1 : 0)), 0);
  return depth < 0 ? `unexpected ): \`${pattern}\`` : `missing closing ): \`${pattern}\``;
}
