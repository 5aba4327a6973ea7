import { type CelInput, type CelValue, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import type { FieldError } from '../model.ts';
import { equalJson, getOwn, isObject } from '../schema/index.ts';
import { duplicate, forbiddenField, invalidValue, required } from '../validation/field-errors.ts';
import { celTypeOf, checkExpression } from './cel-check.ts';
import { LIBRARY } from './cel-library.ts';
import { none, optionalOf, rewriteOptionals } from './cel-optional.ts';
import { toCelValue } from './cel-values.ts';
import { correlateItems } from './correlate.ts';
import { entrySchema, isEmbedded, type JsonSchema, type ValidationRule } from './json-schema.ts';
import { NO_FIELD } from './validate-value.ts';

/** Checks a resource by the rules of its schema; `old` is undefined for a create. */
export type RuleCheck = (
  object: Record<string, unknown>,
  old: Record<string, unknown> | undefined,
) => readonly FieldError[];

type Program = (bindings: Record<string, CelInput>) => unknown;

interface CompiledRule {
  readonly source: ValidationRule;
  readonly usesOldSelf: boolean;
  /** Undefined when the rule does not compile; `problem` says why. */
  readonly program: Program | undefined;
  readonly problem: string;
  readonly message: Program | undefined;
  readonly path: string;
}

interface Node {
  readonly schema: JsonSchema;
  readonly isResource: boolean;
  readonly rules: readonly CompiledRule[];
  readonly items: Node | undefined;
  readonly entries: Node | undefined;
  readonly properties: ReadonlyMap<string, Node>;
}

const MESSAGE_SIZE_MAX = 5 * 1024;

const environment = celEnv({ funcs: LIBRARY });

/** Compiles the rules of a schema; undefined when there are none. */
export function compileRules(schema: JsonSchema): RuleCheck | undefined {
  const root = compileNode(schema, true);
  if (root === undefined) return undefined;
  return (object, old) => {
    const errors: FieldError[] = [];
    check(root, object, old, '', { unchanged: false }, errors);
    return errors;
  };
}

/**
 * Why a rule, or a messageExpression, of a schema cannot be used; undefined when it can. The text is the server's, behind
 * `messageExpression ` or nothing.
 */
export function expressionProblem(
  expression: string,
  schema: JsonSchema,
  isResource: boolean,
  rule: ValidationRule,
  wanted: 'bool' | 'string',
): string | undefined {
  try {
    compileExpression(expression);
    // Positions and types of optional syntax are lost when it is rewritten.
    if (rewriteOptionals(expression) !== expression) return undefined;
    const self = celTypeOf(schema, isResource) ?? { k: 'dyn' };
    const scope = new Map([
      ['self', self],
      ['oldSelf', rule.optionalOldSelf === true ? { k: 'dyn' as const } : self],
    ]);
    const type = checkExpression(expression, scope, environment.funcs);
    const fits = type.k === 'dyn' || (type.k === 'scalar' && type.name === wanted);
    if (fits) return undefined;
    return wanted === 'bool' ? 'cel expression must evaluate to a bool' : 'must evaluate to a string';
  } catch (error) {
    return `compilation failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function compileExpression(expression: string): Program {
  return plan(environment, parse(rewriteOptionals(expression))) as unknown as Program;
}

function compileNode(schema: JsonSchema, isResource: boolean): Node | undefined {
  const rules = (schema['x-kubernetes-validations'] ?? []).map(compileRule);
  const items = schema.items === undefined ? undefined : compileNode(schema.items, isEmbedded(schema.items));
  const entry = entrySchema(schema);
  const entries = entry === undefined ? undefined : compileNode(entry, isEmbedded(entry));
  const properties = new Map<string, Node>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const node = compileNode(property, isEmbedded(property));
    if (node !== undefined) properties.set(name, node);
  }
  const empty = rules.length === 0 && items === undefined && entries === undefined && properties.size === 0;
  return empty ? undefined : { schema, isResource, rules, items, entries, properties };
}

function compileRule(source: ValidationRule): CompiledRule {
  const expressions = [source.rule, source.messageExpression ?? ''];
  const path = (source.fieldPath ?? '').trim().replace(/^\./, '');
  const rest = { source, usesOldSelf: expressions.some((e) => /\boldSelf\b/.test(e)), path };
  try {
    const message = source.messageExpression ? compileExpression(source.messageExpression) : undefined;
    return { ...rest, program: compileExpression(source.rule), problem: '', message };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { ...rest, program: undefined, problem, message: undefined };
  }
}

/** Whether the value, or the nearest one around it that has an old counterpart, is what it was. */
interface Correlation {
  readonly unchanged: boolean;
}

function correlate(value: unknown, old: unknown, outer: Correlation): Correlation {
  return old === undefined ? outer : { unchanged: equalJson(value, old) };
}

function check(node: Node, value: unknown, old: unknown, path: string, outer: Correlation, errors: FieldError[]): void {
  if (value === null || value === undefined) return;
  const correlation = correlate(value, old, outer);
  if (node.rules.length > 0) checkRules(node, value, old ?? undefined, path, correlation, errors);
  if (Array.isArray(value)) {
    if (node.items === undefined) return;
    const oldItem = correlateItems(node.schema, old);
    for (const [i, item] of value.entries())
      check(node.items, item, oldItem(item), `${path}[${i}]`, correlation, errors);
    return;
  }
  if (!isObject(value)) return;
  const before = isObject(old) ? old : undefined;
  for (const [key, v] of Object.entries(value)) {
    const previous = before === undefined ? undefined : getOwn(before, key);
    const property = node.properties.get(key);
    if (property !== undefined) check(property, v, previous, path === '' ? key : `${path}.${key}`, correlation, errors);
    else if (node.entries !== undefined) check(node.entries, v, previous, `${path}[${key}]`, correlation, errors);
  }
}

function checkRules(
  node: Node,
  value: unknown,
  old: unknown,
  path: string,
  correlation: Correlation,
  errors: FieldError[],
): void {
  const self = toCelValue(value, node.schema, node.isResource);
  const oldValue = old === undefined || old === null ? undefined : toCelValue(old, node.schema, node.isResource);
  const field = path === '' ? NO_FIELD : path;
  const type = node.schema.type ?? '';
  for (const rule of node.rules) {
    const optional = rule.source.optionalOldSelf === true;
    if (rule.usesOldSelf && oldValue === undefined && !optional) continue;
    if (rule.program === undefined) {
      errors.push(invalidValue(field, type, `rule compile error: ${rule.problem}`));
      continue;
    }
    const bindings = bind(self, oldValue, optional);
    const result = rule.program(bindings);
    if (result === true) continue;
    if (isCelError(result)) {
      errors.push(invalidValue(field, type, `${evaluationProblem(result)} evaluating rule: ${ruleText(rule.source)}`));
      continue;
    }
    // What was wrong before and did not change is let pass, unless the rule is about the change.
    if (!rule.usesOldSelf && correlation.unchanged) continue;
    const at = rule.path === '' ? field : path === '' ? rule.path : `${path}.${rule.path}`;
    errors.push(failed(rule, at, type, bindings));
  }
}

function bind(self: CelInput, old: CelInput | undefined, optional: boolean): Record<string, CelInput> {
  if (optional) return { self, oldSelf: (old === undefined ? none() : optionalOf(old as CelValue)) as CelInput };
  return old === undefined ? { self } : { self, oldSelf: old };
}

/** The library's messages, and the real server's. */
const PROBLEMS: readonly [RegExp, string][] = [
  [/^(?:no such key|field not found|no such field|key not found)[: ]+"?([^"]+)"?$/i, 'no such key: $1'],
  [/^index (-?\d+) out of bounds \[0, -1\)$/, 'index out of bounds: $1'],
  [/^index (-?\d+) out of bounds .*$/, 'index out of range: $1'],
  [/^u?int overflow during .*$/, 'integer overflow'],
  [/^\w+ divide by zero$/, 'division by zero'],
  [/^\w+ modulus by zero$/, 'modulus by zero'],
];

function evaluationProblem(error: Error): string {
  for (const [pattern, words] of PROBLEMS)
    if (pattern.test(error.message)) return error.message.replace(pattern, words);
  return error.message;
}

function failed(rule: CompiledRule, field: string, type: string, bindings: Record<string, CelInput>): FieldError {
  const message = evaluatedMessage(rule.message, bindings) ?? messageOf(rule.source);
  switch (rule.source.reason) {
    case 'FieldValueForbidden':
      return forbiddenField(field, message);
    case 'FieldValueRequired':
      return required(field, message);
    case 'FieldValueDuplicate':
      return duplicate(field, type);
    default:
      return invalidValue(field, type, message);
  }
}

/** The text of a messageExpression; undefined when it gives none that can be used. */
function evaluatedMessage(program: Program | undefined, bindings: Record<string, CelInput>): string | undefined {
  const result = program?.(bindings);
  if (typeof result !== 'string') return undefined;
  const text = result.trim();
  return text === '' || text.includes('\n') || text.length > MESSAGE_SIZE_MAX ? undefined : text;
}

function messageOf(rule: ValidationRule): string {
  return rule.message ? rule.message.trim() : `failed rule: ${rule.rule.trim()}`;
}

function ruleText(rule: ValidationRule): string {
  return (rule.message || rule.rule).trim();
}
