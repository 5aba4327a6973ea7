import { type CelEnv, parse } from '@bufbuild/cel';
import { escapeName } from './cel-values.ts';
import { entrySchema, isEmbedded, isIntOrString, type JsonSchema } from './json-schema.ts';

/**
 * Finds in an expression what the real server's compiler refuses most often: fields that the schema does not declare,
 * unknown names and functions, operators on types that do not go together, a result of the wrong type. Where a type is not
 * known everything is let pass, so nothing valid is refused.
 */

export type CelType =
  | { readonly k: 'dyn' }
  | { readonly k: 'scalar'; readonly name: string }
  | { readonly k: 'list'; readonly item: CelType }
  | { readonly k: 'map'; readonly value: CelType }
  | { readonly k: 'struct'; readonly fields: ReadonlyMap<string, () => CelType> };

type Expr = NonNullable<ReturnType<typeof parse>['expr']>;
type Parsed = ReturnType<typeof parse>;

const DYN: CelType = { k: 'dyn' };
const scalar = (name: string): CelType => ({ k: 'scalar', name });
const BOOL = scalar('bool');
const INT = scalar('int');
const STRING = scalar('string');

/** The type of values of a schema; undefined for schemas that rules cannot see. */
export function celTypeOf(schema: JsonSchema, isResource: boolean): CelType | undefined {
  if (isIntOrString(schema)) return DYN;
  switch (schema.type) {
    case 'string':
      return stringType(schema.format);
    case 'integer':
      return INT;
    case 'number':
      return scalar('double');
    case 'boolean':
      return BOOL;
    case 'array': {
      const item = schema.items === undefined ? undefined : celTypeOf(schema.items, isEmbedded(schema.items));
      return item === undefined ? undefined : { k: 'list', item };
    }
    case 'object':
      return objectType(schema, isResource);
    default:
      return undefined;
  }
}

function stringType(format: string | undefined): CelType {
  switch (format) {
    case 'byte':
      return scalar('bytes');
    case 'date':
    case 'date-time':
    case 'datetime':
    case 'duration':
      return DYN;
    default:
      return STRING;
  }
}

function objectType(schema: JsonSchema, isResource: boolean): CelType | undefined {
  const entry = entrySchema(schema);
  if (entry !== undefined) {
    const value = celTypeOf(entry, isEmbedded(entry));
    return value === undefined ? undefined : { k: 'map', value };
  }
  const fields = new Map<string, () => CelType>();
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const name = escapeName(key);
    const type = celTypeOf(property, isEmbedded(property));
    if (name !== undefined && type !== undefined) fields.set(name, () => type);
  }
  if (isResource) {
    const metadata = new Map(['name', 'generateName'].map((name) => [name, () => STRING] as const));
    for (const name of ['apiVersion', 'kind']) fields.set(name, () => STRING);
    fields.set('metadata', () => ({ k: 'struct', fields: metadata }));
  }
  return { k: 'struct', fields };
}

interface Check {
  readonly source: string;
  readonly parsed: Parsed;
  readonly functions: CelEnv['funcs'];
}

type Scope = ReadonlyMap<string, CelType>;

/** Carries the whole message. */
export class CelCheckError extends Error {}

/** The type of an expression. Throws {@link CelCheckError} with the compiler's message when it is refused. */
export function checkExpression(source: string, scope: Scope, functions: CelEnv['funcs']): CelType {
  const parsed = parse(source);
  return parsed.expr === undefined ? DYN : typeOf(parsed.expr, scope, { source, parsed, functions });
}

function fail(c: Check, offset: number, message: string): never {
  const before = c.source.slice(0, offset).split('\n');
  const line = c.source.split('\n')[before.length - 1] ?? '';
  const column = before.at(-1)?.length ?? 0;
  const place = `<input>:${before.length}:${column + 1}`;
  throw new CelCheckError(`ERROR: ${place}: ${message}\n | ${line}\n | ${'.'.repeat(column)}^`);
}

/** Where an expression stands: its operator, its dot, or its first character. */
function offsetOf(expr: Expr, c: Check): number {
  const offset = Number(c.parsed.sourceInfo?.positions[String(expr.id)] ?? 0);
  const blank = /^\s*/.exec(c.source.slice(offset));
  return offset + (blank?.[0].length ?? 0);
}

/** Calls are named by their bracket. */
function bracketOf(expr: Expr, c: Check): number {
  const offset = offsetOf(expr, c);
  return Math.max(offset, c.source.indexOf('(', offset));
}

function typeOf(expr: Expr, scope: Scope, c: Check): CelType {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'constExpr':
      return constantType(exprKind.value.constantKind.case);
    case 'identExpr':
      return identType(exprKind.value.name, expr, scope, c);
    case 'selectExpr':
      return selectType(expr, exprKind.value, scope, c);
    case 'callExpr':
      return callType(expr, exprKind.value, scope, c);
    case 'listExpr': {
      const items = exprKind.value.elements.map((e) => typeOf(e, scope, c));
      const [first] = items;
      const same = first?.k === 'scalar' && items.every((t) => t.k === 'scalar' && t.name === first.name);
      return { k: 'list', item: same ? first : DYN };
    }
    case 'structExpr':
      for (const { value } of exprKind.value.entries) if (value !== undefined) typeOf(value, scope, c);
      return DYN;
    case 'comprehensionExpr':
      return comprehensionType(expr, exprKind.value, scope, c);
    default:
      return DYN;
  }
}

const CONSTANTS: Readonly<Record<string, CelType>> = {
  boolValue: BOOL,
  int64Value: INT,
  uint64Value: scalar('uint'),
  doubleValue: scalar('double'),
  stringValue: STRING,
  bytesValue: scalar('bytes'),
};

function constantType(kind: string | undefined): CelType {
  return CONSTANTS[kind ?? ''] ?? DYN;
}

const TYPE_NAMES = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
  'dyn',
]);

function identType(name: string, expr: Expr, scope: Scope, c: Check): CelType {
  const type = scope.get(name);
  if (type !== undefined || TYPE_NAMES.has(name) || name.startsWith('@') || name.startsWith('google'))
    return type ?? DYN;
  return fail(c, offsetOf(expr, c), `undeclared reference to '${name}' (in container '')`);
}

type Select = Extract<Expr['exprKind'], { case: 'selectExpr' }>['value'];
type Call = Extract<Expr['exprKind'], { case: 'callExpr' }>['value'];
type Comprehension = Extract<Expr['exprKind'], { case: 'comprehensionExpr' }>['value'];

function selectType(expr: Expr, select: Select, scope: Scope, c: Check): CelType {
  const operand = select.operand === undefined ? DYN : typeOf(select.operand, scope, c);
  if (operand.k === 'struct') {
    const field = operand.fields.get(select.field);
    if (field === undefined) {
      const offset = select.testOnly ? bracketOf(expr, c) : offsetOf(expr, c);
      return fail(c, offset, `undefined field '${select.field}'`);
    }
    return select.testOnly ? BOOL : field();
  }
  if (select.testOnly) return BOOL;
  return operand.k === 'map' ? operand.value : DYN;
}

/** The macros turn into loops; their predicate is in the step. */
function comprehensionType(expr: Expr, loop: Comprehension, scope: Scope, c: Check): CelType {
  const range = loop.iterRange === undefined ? DYN : typeOf(loop.iterRange, scope, c);
  const item = range.k === 'list' ? range.item : range.k === 'map' ? STRING : DYN;
  const inner = new Map(scope).set(loop.iterVar, item).set(loop.accuVar, DYN);
  if (loop.loopStep !== undefined) typeOf(loop.loopStep, inner, c);
  const macro = c.parsed.sourceInfo?.macroCalls[String(expr.id)]?.exprKind;
  const name = macro?.case === 'callExpr' ? macro.value.function : '';
  if (['all', 'exists', 'exists_one', 'existsOne'].includes(name)) return BOOL;
  if (name === 'filter') return range;
  return name === 'map' ? { k: 'list', item: DYN } : DYN;
}

const RESULTS: Readonly<Record<string, CelType>> = {
  size: INT,
  startsWith: BOOL,
  endsWith: BOOL,
  contains: BOOL,
  matches: BOOL,
  isSorted: BOOL,
  isURL: BOOL,
  isIP: BOOL,
  isCIDR: BOOL,
  isQuantity: BOOL,
  hasValue: BOOL,
  '@in': BOOL,
  _in_: BOOL,
  string: STRING,
  lowerAscii: STRING,
  upperAscii: STRING,
  trim: STRING,
  replace: STRING,
  substring: STRING,
  charAt: STRING,
  find: STRING,
  join: STRING,
};

function callType(expr: Expr, call: Call, scope: Scope, c: Check): CelType {
  const { function: name, target } = call;
  // Names with a namespace look like methods of a variable.
  const namespace = target?.exprKind.case === 'identExpr' ? target.exprKind.value.name : undefined;
  const qualified =
    namespace !== undefined && !scope.has(namespace) && c.functions.find(`${namespace}.${name}`) !== undefined;
  if (target !== undefined && !qualified) typeOf(target, scope, c);
  const types = call.args.map((arg) => typeOf(arg, scope, c));
  if (qualified) return DYN;
  const operator = operatorType(expr, name, call, types, c);
  if (operator !== undefined) return operator;
  if (c.functions.find(name) === undefined) {
    return fail(c, bracketOf(expr, c), `undeclared reference to '${name}' (in container '')`);
  }
  return RESULTS[name] ?? DYN;
}

const COMPARISONS = new Set(['_<_', '_<=_', '_>_', '_>=_']);
const ARITHMETIC = new Set(['_+_', '_-_', '_*_', '_/_', '_%_']);
const NUMBERS = new Set(['int', 'uint', 'double']);

function operatorType(expr: Expr, name: string, call: Call, types: readonly CelType[], c: Check): CelType | undefined {
  const [a = DYN, b = DYN] = types;
  const refuse = (): never => {
    const printed = types.map((t) => (t.k === 'scalar' ? t.name : t.k)).join(', ');
    return fail(
      c,
      name === '_?_:_' ? questionMark(call, c) : offsetOf(expr, c),
      `found no matching overload for '${name}' applied to '(${printed})'`,
    );
  };
  if (name === '_&&_' || name === '_||_') {
    for (const [i, type] of types.entries()) {
      const arg = call.args[i];
      if (type.k !== 'scalar' || type.name === 'bool' || arg === undefined) continue;
      fail(c, offsetOf(arg, c), `expected type 'bool' but found '${type.name}'`);
    }
    return BOOL;
  }
  if (name === '!_') return a.k === 'scalar' && a.name !== 'bool' ? refuse() : BOOL;
  if (name === '_==_' || name === '_!=_') return differ(a, b) ? refuse() : BOOL;
  if (COMPARISONS.has(name)) return differ(a, b) && !areNumbers(a, b) ? refuse() : BOOL;
  if (ARITHMETIC.has(name)) return differ(a, b) ? refuse() : a.k === 'dyn' ? b : a;
  if (name === '_?_:_') {
    const [, yes = DYN, no = DYN] = types;
    return differ(yes, no) ? refuse() : yes.k === 'dyn' ? no : yes;
  }
  if (name === '_[_]') return a.k === 'list' ? a.item : a.k === 'map' ? a.value : DYN;
  return name.startsWith('_') || name === '@in' || name === '-_' || name.startsWith('@')
    ? (RESULTS[name] ?? DYN)
    : undefined;
}

function questionMark(call: Call, c: Check): number {
  const [condition] = call.args;
  return c.source.indexOf('?', condition === undefined ? 0 : offsetOf(condition, c));
}

/** Both are scalars, and of different types. */
function differ(a: CelType, b: CelType): boolean {
  return a.k === 'scalar' && b.k === 'scalar' && a.name !== b.name;
}

function areNumbers(a: CelType, b: CelType): boolean {
  return a.k === 'scalar' && b.k === 'scalar' && NUMBERS.has(a.name) && NUMBERS.has(b.name);
}
