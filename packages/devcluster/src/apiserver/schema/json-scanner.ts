/**
 * A walk over JSON text in document order, which `JSON.parse` does not offer: it tells Go's words for malformed text and
 * the names of keys as they come, repeated ones included.
 */
export interface JsonVisitor {
  /** Called at each key of an object. Answers the visitor for its value; undefined to pass over it. */
  key(name: string): JsonVisitor | undefined;
  /** Called at each item of a list. */
  item(index: number): JsonVisitor | undefined;
}

/** Go's message for malformed text; undefined when the text is JSON. */
export function goJsonError(text: string): string | undefined {
  try {
    scanJson(text, undefined);
    return undefined;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error.message;
    throw error;
  }
}

class JsonSyntaxError extends Error {}

/** Nesting beyond this is refused, as by Go's decoder. */
const DEPTH_MAX = 10_000;

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** Walks the whole text. Throws for malformed text. */
export function scanJson(text: string, visitor: JsonVisitor | undefined): void {
  const end = scanValue(text, skipSpace(text, 0), visitor, 0);
  const at = skipSpace(text, end);
  if (at < text.length) throw invalid(text, at, 'after top-level value');
}

function scanValue(text: string, at: number, visitor: JsonVisitor | undefined, depth: number): number {
  if (depth > DEPTH_MAX) throw new JsonSyntaxError('exceeded max depth');
  switch (text[at]) {
    case '{':
      return scanObject(text, at + 1, visitor, depth);
    case '[':
      return scanArray(text, at + 1, visitor, depth);
    case '"':
      return matchString(text, at);
    case 't':
      return matchLiteral(text, at, 'true');
    case 'f':
      return matchLiteral(text, at, 'false');
    case 'n':
      return matchLiteral(text, at, 'null');
    default:
      return matchNumber(text, at);
  }
}

function scanObject(text: string, start: number, visitor: JsonVisitor | undefined, depth: number): number {
  let at = skipSpace(text, start);
  if (text[at] === '}') return at + 1;
  for (;;) {
    if (text[at] !== '"') throw invalid(text, at, 'looking for beginning of object key string');
    const end = matchString(text, at);
    const inner = visitor?.key(JSON.parse(text.slice(at, end)) as string);
    at = skipSpace(text, end);
    if (text[at] !== ':') throw invalid(text, at, 'after object key');
    at = skipSpace(text, scanValue(text, skipSpace(text, at + 1), inner, depth + 1));
    if (text[at] === '}') return at + 1;
    if (text[at] !== ',') throw invalid(text, at, 'after object key:value pair');
    at = skipSpace(text, at + 1);
  }
}

function scanArray(text: string, start: number, visitor: JsonVisitor | undefined, depth: number): number {
  let at = skipSpace(text, start);
  if (text[at] === ']') return at + 1;
  for (let index = 0; ; index++) {
    at = skipSpace(text, scanValue(text, at, visitor?.item(index), depth + 1));
    if (text[at] === ']') return at + 1;
    if (text[at] !== ',') throw invalid(text, at, 'after array element');
    at = skipSpace(text, at + 1);
  }
}

function skipSpace(text: string, at: number): number {
  SPACE.lastIndex = at;
  SPACE.test(text);
  return SPACE.lastIndex;
}

function matchString(text: string, at: number): number {
  STRING.lastIndex = at;
  if (STRING.test(text)) return STRING.lastIndex;
  for (let i = at + 1; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c < ' ') throw invalid(text, i, 'in string literal');
    if (c !== '\\') continue;
    i++;
    const escaped = text[i];
    if (escaped === undefined) break;
    if (!'"\\/bfnrtu'.includes(escaped)) throw invalid(text, i, 'in string escape code');
    for (let hex = 1; escaped === 'u' && hex <= 4 && i + hex < text.length; hex++) {
      if (!/[0-9a-fA-F]/.test(text[i + hex] ?? '')) throw invalid(text, i + hex, 'in \\u hexadecimal character escape');
    }
  }
  throw invalid(text, text.length, '');
}

function matchLiteral(text: string, at: number, literal: string): number {
  for (let i = 1; i < literal.length; i++) {
    if (text[at + i] !== literal[i]) throw invalid(text, at + i, `in literal ${literal} (expecting '${literal[i]}')`);
  }
  return at + literal.length;
}

function matchNumber(text: string, at: number): number {
  NUMBER.lastIndex = at;
  if (!NUMBER.test(text)) {
    if (text[at] === '-') throw invalid(text, at + 1, 'in numeric literal');
    throw invalid(text, at, 'looking for beginning of value');
  }
  const end = NUMBER.lastIndex;
  const next = text[end];
  if (next === '.' && !/[.eE]/.test(text.slice(at, end))) {
    throw invalid(text, end + 1, 'after decimal point in numeric literal');
  }
  if ((next === 'e' || next === 'E') && !/[eE]/.test(text.slice(at, end))) {
    const sign = /[+-]/.test(text[end + 1] ?? '') ? 1 : 0;
    throw invalid(text, end + 1 + sign, 'in exponent of numeric literal');
  }
  return end;
}

function invalid(text: string, at: number, context: string): JsonSyntaxError {
  const c = text[at];
  if (c === undefined) return new JsonSyntaxError('unexpected end of JSON input');
  const quoted = c === "'" ? `'\\''` : c === '"' ? `'"'` : `'${JSON.stringify(c).slice(1, -1)}'`;
  return new JsonSyntaxError(`invalid character ${quoted} ${context}`);
}
