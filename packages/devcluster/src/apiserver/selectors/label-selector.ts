import { badRequest } from '../status.ts';
import { labelValueErrors, qualifiedNameErrors } from '../validation/formats.ts';

export type Labels = Readonly<Record<string, string>>;

type Operator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt' | 'exists' | '!';

interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** Decides by labels. */
export type LabelMatcher = (labels: Labels | undefined) => boolean;

interface Token {
  readonly type: 'identifier' | 'end' | 'error' | Operator | '(' | ')' | ',' | '>' | '<';
  readonly text: string;
}

const KEYWORDS = new Set(['in', 'notin']);
const SYMBOLS = new Set([')', ',', '!', '==', '=', '>', '<', '!=', '(']);
const BINARY = 'in, notin, =, ==, !=, gt, lt';

/** Parses the `labelSelector` parameter. Throws 400 with the real parser's message. */
export function parseLabelSelector(text: string): LabelMatcher | undefined {
  if (text.trim() === '') return undefined;
  const requirements = new Parser(text).parse();
  return requirements.length === 0
    ? undefined
    : (labels) => requirements.every((requirement) => matches(requirement, labels ?? {}));
}

function matches({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'in':
    case '=':
    case '==':
      return value !== undefined && values.includes(value);
    case 'notin':
    case '!=':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt':
      return value !== undefined && compareIntegers(value, operator, values[0] ?? '');
  }
}

function compareIntegers(value: string, operator: 'gt' | 'lt', bound: string): boolean {
  if (!/^[+-]?\d+$/.test(value)) return false;
  return operator === 'gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = tokenize(text);
  }

  parse(): readonly Requirement[] {
    const requirements: Requirement[] = [];
    while (true) {
      const next = this.#peek();
      if (next.type === 'end') return requirements;
      if (next.type !== 'identifier' && next.type !== '!') {
        throw badRequest(`found '${next.text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirement());
      const separator = this.#take();
      if (separator.type === 'end') return requirements;
      if (separator.type !== ',') throw badRequest(`found '${separator.text}', expected: ',' or 'end of string'`);
      const after = this.#peek();
      if (after.type !== 'identifier' && after.type !== '!') {
        throw badRequest(`found '${after.text}', expected: identifier after ','`);
      }
    }
  }

  /** Inside of a value list the words `in` and `notin` are ordinary. */
  #peek(keywords = false): Token {
    const token = this.#tokens[this.#position] ?? { type: 'end', text: '' };
    return !keywords && KEYWORDS.has(token.type) ? { type: 'identifier', text: token.text } : token;
  }

  #take(keywords = false): Token {
    const token = this.#peek(keywords);
    this.#position += 1;
    return token;
  }

  #requirement(): Requirement {
    let token = this.#take();
    const negated = token.type === '!';
    if (negated) token = this.#take();
    if (token.type !== 'identifier') throw unparsable(`found '${token.text}', expected: identifier`);
    const key = token.text;
    const keyErrors = qualifiedNameErrors(key);
    if (keyErrors.length > 0) throw unparsable(`key: Invalid value: ${JSON.stringify(key)}: ${keyErrors.join('; ')}`);
    if (negated) return { key, operator: '!', values: [] };
    const next = this.#peek();
    if (next.type === 'end' || next.type === ',') return { key, operator: 'exists', values: [] };
    const operator = this.#operator();
    const values = operator === 'in' || operator === 'notin' ? this.#values() : [this.#exactValue()];
    checkValues(key, operator, values);
    return { key, operator, values };
  }

  #operator(): Operator {
    const token = this.#take(true);
    switch (token.type) {
      case 'in':
      case 'notin':
      case '=':
      case '==':
      case '!=':
        return token.type;
      case '>':
        return 'gt';
      case '<':
        return 'lt';
      default:
        throw unparsable(`found '${token.text}', expected: ${BINARY}`);
    }
  }

  #values(): string[] {
    const open = this.#take();
    if (open.type !== '(') throw unparsable(`found '${open.text}' expected: '('`);
    const first = this.#peek();
    if (first.type === ')') {
      this.#take();
      return [''];
    }
    if (first.type !== 'identifier' && first.type !== ',') {
      throw unparsable(`found '${first.text}', expected: ',', ')' or identifier`);
    }
    return this.#valueList();
  }

  /** Up to and with the closing parenthesis; values may be empty: `(a,,b)`. */
  #valueList(): string[] {
    const values = new Set<string>();
    while (true) {
      const token = this.#take();
      if (token.type === 'identifier') {
        values.add(token.text);
        const after = this.#take();
        if (after.type === ')') return [...values].sort();
        if (after.type !== ',') throw unparsable(`found '${after.text}', expected: ',' or ')'`);
        if (this.#peek().type === ')') values.add('');
      } else if (token.type === ',') values.add('');
      else if (token.type === ')') return [...values].sort();
      else throw unparsable(`found '${token.text}', expected: ',', or identifier`);
    }
  }

  #exactValue(): string {
    const next = this.#peek();
    if (next.type === 'end' || next.type === ',') return '';
    const token = this.#take();
    if (token.type !== 'identifier') throw unparsable(`found '${token.text}', expected: identifier`);
    return token.text;
  }
}

function unparsable(message: string): Error {
  return badRequest(`unable to parse requirement: ${message}`);
}

function checkValues(key: string, operator: Operator, values: readonly string[]): void {
  for (const [index, value] of values.entries()) {
    if ((operator === 'gt' || operator === 'lt') && !/^[+-]?\d+$/.test(value)) {
      throw unparsable(
        `values[${index}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
    const errors = labelValueErrors(value);
    if (errors.length > 0) {
      throw unparsable(`values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}: ${errors.join('; ')}`);
    }
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? '';
    if (/[\s]/.test(char)) {
      at += 1;
      continue;
    }
    const word = /^[^\s=!(),<>]+/.exec(text.slice(at))?.[0];
    const token = word === undefined ? symbolAt(text, at) : wordToken(word);
    tokens.push(token);
    at += Math.max(1, token.text.length);
  }
  return tokens;
}

function wordToken(text: string): Token {
  return text === 'in' || text === 'notin' ? { type: text, text } : { type: 'identifier', text };
}

function symbolAt(text: string, at: number): Token {
  const two = text.slice(at, at + 2);
  const symbol = SYMBOLS.has(two) ? two : (text[at] ?? '');
  return { type: symbol as Token['type'], text: symbol };
}
