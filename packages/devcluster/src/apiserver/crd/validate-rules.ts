import type { FieldError } from '../model.ts';
import { escapeJson } from '../schema/index.ts';
import { invalidValue, notSupported, required } from '../validation/field-errors.ts';
import { expressionProblem } from './cel-rules.ts';
import { entrySchema, type JsonSchema, type ValidationRule } from './json-schema.ts';

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

/**
 * Errors of the rules of one schema: of their form into `errors`, of the expressions into `expressions`.
 * `uncorrelatable` names what keeps old and new values apart here, if anything does.
 */
export function ruleErrors(
  schema: JsonSchema,
  path: string,
  isResource: boolean,
  uncorrelatable: string | undefined,
  errors: FieldError[],
  expressions: FieldError[],
): void {
  for (const [i, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    const at = `${path}.x-kubernetes-validations[${i}]`;
    checkForm(rule, at, schema, errors);
    checkExpressions(rule, at, schema, isResource, uncorrelatable, expressions);
  }
}

function checkForm(rule: ValidationRule, at: string, schema: JsonSchema, errors: FieldError[]): void {
  const text = rule.rule.trim();
  const message = (rule.message ?? '').trim();
  if (text === '') errors.push(required(`${at}.rule`, 'rule is not specified'));
  else if (rule.message && message === '') {
    errors.push(invalidValue(`${at}.message`, rule.message, 'must be non-empty if specified'));
  } else if (/[\r\n]/.test(message)) {
    errors.push(invalidValue(`${at}.message`, rule.message, 'must not contain line breaks'));
  } else if (/[\r\n]/.test(text) && message === '') {
    errors.push(required(`${at}.message`, 'message must be specified if rule contains line breaks'));
  }
  if (rule.messageExpression && rule.messageExpression.trim() === '') {
    errors.push(required(`${at}.messageExpression`, 'messageExpression must be non-empty if specified'));
  }
  if (rule.reason !== undefined && !REASONS.includes(rule.reason)) {
    errors.push(notSupported(`${at}.reason`, rule.reason, REASONS));
  }
  if (!rule.fieldPath) return;
  if (rule.fieldPath.trim() === '') {
    errors.push(invalidValue(`${at}.fieldPath`, rule.fieldPath, 'must be non-empty if specified'));
  }
  if (/[\r\n]/.test(rule.fieldPath)) {
    errors.push(invalidValue(`${at}.fieldPath`, rule.fieldPath, 'must not contain line breaks'));
  }
  if (!refersToField(rule.fieldPath, schema)) {
    errors.push(invalidValue(`${at}.fieldPath`, rule.fieldPath, 'must be a valid path'));
  }
}

/** Fields with dots and quoted keys with brackets: `.spec.x`, `['a.b']`. */
function refersToField(fieldPath: string, schema: JsonSchema): boolean {
  let at: JsonSchema | undefined = schema;
  let rest = fieldPath;
  while (rest !== '') {
    const m = /^(?:\.([^.[\]]+)|\['((?:[^'\\]|\\.)*)'\])/.exec(rest);
    if (m === null || at === undefined) return false;
    const name = m[1] ?? (m[2] ?? '').replaceAll(/\\(.)/g, '$1');
    at = at.properties === undefined ? entrySchema(at) : at.properties[name];
    rest = rest.slice(m[0].length);
  }
  return at !== undefined;
}

function checkExpressions(
  rule: ValidationRule,
  at: string,
  schema: JsonSchema,
  isResource: boolean,
  uncorrelatable: string | undefined,
  out: FieldError[],
): void {
  const usesOld = /\boldSelf\b/.test(rule.rule);
  const { messageExpression } = rule;
  const problem = rule.rule.trim() === '' ? undefined : expressionProblem(rule.rule, schema, isResource, rule, 'bool');
  if (problem !== undefined) out.push(invalidRule(`${at}.rule`, rule, problem));
  if (messageExpression?.trim()) {
    const message = expressionProblem(messageExpression, schema, isResource, rule, 'string');
    if (message !== undefined) out.push(invalidRule(`${at}.messageExpression`, rule, `messageExpression ${message}`));
  }
  if (usesOld && uncorrelatable !== undefined) {
    const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelatable}`;
    out.push(invalidValue(`${at}.rule`, rule.rule, detail));
  } else if (!usesOld && rule.optionalOldSelf !== undefined) {
    const detail = 'may not be set if oldSelf is not used in rule';
    out.push(invalidValue(`${at}.optionalOldSelf`, rule.optionalOldSelf, detail));
  }
}

/** The real server prints the whole rule, with the names of its internal type. */
function invalidRule(field: string, rule: ValidationRule, detail: string): FieldError {
  const printed = {
    Rule: rule.rule,
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  };
  return {
    field,
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${escapeJson(JSON.stringify(printed))}: ${detail}`,
  };
}
