/**
 * The small part of the shell's language that Flink's own commands and options use: blanks, quotes and variables. A text
 * that needs more of the shell (substitutions, globs, redirections, …) gives undefined: then the shell itself must run it.
 */
export function shellWords(
  text: string,
  variables: Readonly<Record<string, string | undefined>>,
): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let at = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (/[ \t\n]/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      at += 1;
      continue;
    }
    // Flink writes a quote inside of quotes as '\''.
    const piece =
      char === '\\'
        ? escaped(text, at)
        : char === "'" || char === '"'
          ? quoted(text, at, variables)
          : bare(text, at, word === undefined, variables);
    if (piece === undefined) return undefined;
    // An unquoted variable that is empty makes no word of its own.
    if (piece.text !== '' || char === "'" || char === '"' || word !== undefined) word = (word ?? '') + piece.text;
    at = piece.end;
  }
  if (word !== undefined) words.push(word);
  return words;
}

interface Piece {
  readonly text: string;
  readonly end: number;
}

/** A backslash takes the meaning from the character after it; before the end of a line it would join lines. */
function escaped(text: string, start: number): Piece | undefined {
  const next = text.charAt(start + 1);
  return next === '' || next === '\n' ? undefined : { text: next, end: start + 2 };
}

function quoted(
  text: string,
  start: number,
  variables: Readonly<Record<string, string | undefined>>,
): Piece | undefined {
  const quote = text.charAt(start);
  const end = text.indexOf(quote, start + 1);
  if (end === -1) return undefined;
  const inside = text.slice(start + 1, end);
  if (quote === "'") return { text: inside, end: end + 1 };
  if (/[\\`]/.test(inside)) return undefined;
  const expanded = expandVariables(inside, variables);
  return expanded === undefined ? undefined : { text: expanded, end: end + 1 };
}

/** Characters that end what this reader understands, wherever they stand unquoted. */
const SPECIAL = /[\\`*?[\](){}<>|&;~!]/;

function bare(
  text: string,
  start: number,
  atWordStart: boolean,
  variables: Readonly<Record<string, string | undefined>>,
): Piece | undefined {
  const run = /^[^ \t\n'"\\]+/.exec(text.slice(start))?.[0] ?? '';
  if (atWordStart && run.startsWith('#')) return undefined;
  const withoutVariables = run.replace(/\$\{\w+\}/g, '');
  if (SPECIAL.test(withoutVariables)) return undefined;
  const expanded = expandVariables(run, variables);
  // The shell would split what a variable brings at blanks.
  if (expanded === undefined || (run.includes('$') && /\s/.test(expanded))) return undefined;
  return { text: expanded, end: start + run.length };
}

function expandVariables(text: string, variables: Readonly<Record<string, string | undefined>>): string | undefined {
  const expanded = text.replace(/\$(?:(\w+)|\{(\w+)\})/g, (_, plain?: string, braced?: string) => {
    const name = plain ?? braced ?? '';
    return /^\d/.test(name) ? '$' : (variables[name] ?? '');
  });
  const left = text.replace(/\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})/g, '');
  return left.includes('$') ? undefined : expanded;
}

/** Words at blanks, as the shell splits a variable that stands unquoted. */
export function splitBlanks(text: string): string[] {
  return text.split(/[ \t\n]+/).filter((word) => word !== '');
}
