import {
  type CelFunc,
  type CelInput,
  type CelMap,
  CelScalar,
  type CelValue,
  celFunc,
  celList,
  celMethod,
  isCelList,
  isCelMap,
  listType,
  mapType,
} from '@bufbuild/cel';
import { peek, unwrap, wrap } from './cel-opaque.ts';

/**
 * Optional values. The library's parser does not know their syntax, so {@link rewriteOptionals} turns it into calls of
 * the functions here before an expression is parsed.
 */

const { BOOL, DYN } = CelScalar;
const MAP = mapType(DYN, DYN);
const LIST = listType(DYN);

export const SELECT = 'optSelect__';
export const AS_LIST = 'optAsList__';
export const FIRST = 'optFirst__';
export const FLAT = 'optFlat__';

export function optionalOf(value: CelValue): CelMap {
  return wrap({ kind: 'optional', value });
}

export function none(): CelMap {
  return wrap({ kind: 'optional', value: undefined });
}

export function optionalFunctions(): CelFunc[] {
  return [
    celFunc('optional.of', [DYN], MAP, (value) => optionalOf(value as CelValue)),
    celFunc('optional.none', [], MAP, () => none()),
    celFunc('optional.ofNonZeroValue', [DYN], MAP, (value) => (isZero(value) ? none() : optionalOf(value as CelValue))),
    celMethod('hasValue', MAP, [], BOOL, function () {
      return unwrap(this, 'optional').value !== undefined;
    }),
    celMethod('value', MAP, [], DYN, function () {
      const { value } = unwrap(this, 'optional');
      if (value === undefined) throw new Error('optional.none() dereference');
      return value as CelInput;
    }),
    celMethod('orValue', MAP, [DYN], DYN, function (other) {
      return (unwrap(this, 'optional').value ?? other) as CelInput;
    }),
    celMethod('or', MAP, [MAP], MAP, function (other) {
      return unwrap(this, 'optional').value === undefined ? other : this;
    }),
    celMethod(SELECT, DYN, [DYN], MAP, function (key) {
      return select(this as CelValue, key as CelValue);
    }),
    celMethod(AS_LIST, MAP, [], LIST, function () {
      const { value } = unwrap(this, 'optional');
      return celList(value === undefined ? [] : [value as CelInput]);
    }),
    celMethod(FIRST, LIST, [], MAP, function () {
      const value = this.get(0);
      return value === undefined ? none() : optionalOf(value);
    }),
    celMethod(FLAT, LIST, [], MAP, function () {
      const value = this.get(0);
      return value === undefined ? none() : (value as CelMap);
    }),
  ];
}

function select(target: CelValue, key: CelValue): CelMap {
  const opaque = peek(target);
  const from = opaque?.kind === 'optional' ? opaque.value : target;
  let found: CelValue | undefined;
  if (isCelMap(from)) found = from.get(key as string);
  else if (isCelList(from) && typeof key === 'bigint') found = from.get(Number(key));
  return found === undefined ? none() : optionalOf(found);
}

function isZero(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === 0n || value === false) return true;
  return (isCelList(value) || isCelMap(value)) && value.size === 0;
}

const TOKEN =
  /\s+|\/\/[^\n]*|[rRbB]{0,2}(?:'''(?:[^\\]|\\[\s\S])*?'''|"""(?:[^\\]|\\[\s\S])*?"""|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|\d[\w.]*|[A-Za-z_]\w*|\.\?|\[\?|[\s\S]/gy;

/**
 * Turns `a.?b`, `a[?k]`, `.optMap(v, e)` and `.optFlatMap(v, e)` into calls. A selection that follows an optional one is
 * optional too. Text without such syntax comes back unchanged.
 */
export function rewriteOptionals(expression: string): string {
  if (!/\.\?|\[\?|\.opt(?:Flat)?Map\b/.test(expression)) return expression;
  return rewrite([...expression.matchAll(TOKEN)].map((m) => m[0]));
}

function rewrite(tokens: readonly string[]): string {
  let out = '';
  /** Whether what stands before is an optional selection. */
  let chain = false;
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] ?? '';
    const name = tokens[i + 1] ?? '';
    const selects = token === '.?' || (token === '.' && chain && tokens[i + 2] !== '(');
    if (selects && /^[A-Za-z_]/.test(name)) {
      out += `.${SELECT}(${JSON.stringify(name)})`;
      chain = true;
      i++;
    } else if (token === '[?' || (token === '[' && chain)) {
      const end = closing(tokens, i, '[', ']');
      out += `.${SELECT}(${rewrite(tokens.slice(i + 1, end))})`;
      chain = true;
      i = end;
    } else if (token === '.' && (name === 'optMap' || name === 'optFlatMap') && tokens[i + 2] === '(') {
      const end = closing(tokens, i + 2, '(', ')');
      out += `.${AS_LIST}().map(${rewrite(tokens.slice(i + 3, end))}).${name === 'optMap' ? FIRST : FLAT}()`;
      chain = true;
      i = end;
    } else {
      out += token;
      if (token.trim() !== '') chain = false;
    }
  }
  return out;
}

function closing(tokens: readonly string[], open: number, left: string, right: string): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    const token = tokens[i] ?? '';
    if (token === left || (left === '[' && token === '[?')) depth++;
    else if (token === right && --depth === 0) return i;
  }
  return tokens.length;
}
