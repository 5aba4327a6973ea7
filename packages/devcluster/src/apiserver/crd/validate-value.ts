import type { FieldError } from '../model.ts';
import { equalJson, getOwn, isObject } from '../schema/index.ts';
import { invalidValue, notSupported, required, tooLong } from '../validation/field-errors.ts';
import { correlateItems } from './correlate.ts';
import { tooMany, typeInvalid } from './field-errors.ts';
import { formatCheck } from './formats.ts';
import { entrySchema, isIntOrString, type JsonSchema } from './json-schema.ts';
import { compilePattern } from './pattern.ts';

/**
 * Checks of a value against its schema, with the words of kube-openapi's validator. `matches` counts checks that passed:
 * of several alternatives that failed, the one with most matches tells why.
 */
interface Outcome {
  readonly errors: FieldError[];
  matches: number;
}

/** The field of an error that has no path. */
export const NO_FIELD = '<nil>';

/**
 * Errors of a custom resource against its schema. What did not change from `old` is let pass (ratcheting); undefined means
 * there is no old value.
 */
export function validateValue(value: unknown, old: unknown, schema: JsonSchema): readonly FieldError[] {
  return validateNode(value, old, schema, '', false).errors;
}

/** `ratchet`: errors of an unchanged value are dropped. */
function validateNode(value: unknown, old: unknown, schema: JsonSchema, path: string, ratchet: boolean): Outcome {
  const out: Outcome = { errors: [], matches: 0 };
  checkType(value, schema, path, out);
  if (value === null) {
    checkEnum(value, schema, path, out);
    return out;
  }
  checkCombinations(value, old, schema, path, out);
  if (typeof value === 'string') checkString(value, schema, path, out);
  if (typeof value === 'number') checkNumber(value, schema, path, out);
  if (Array.isArray(value)) checkList(value, old, schema, path, out);
  checkEnum(value, schema, path, out);
  if (isObject(value)) checkObject(value, old, schema, path, out);
  out.matches += 3;
  const unchanged = ratchet && out.errors.length > 0 && old !== undefined && equalJson(value, old);
  return unchanged ? { errors: [], matches: out.matches } : out;
}

function add(out: Outcome, error: FieldError): void {
  if (!out.errors.some((e) => e.field === error.field && e.message === error.message)) out.errors.push(error);
}

function merge(out: Outcome, other: Outcome): void {
  for (const error of other.errors) add(out, error);
  out.matches += other.matches;
}

function field(path: string): string {
  const name = path.startsWith('.') ? path.slice(1) : path;
  return name === '' ? NO_FIELD : name;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function checkType(value: unknown, schema: JsonSchema, path: string, out: Outcome): void {
  const types = isIntOrString(schema) ? ['integer', 'string'] : schema.type ? [schema.type] : [];
  if (types.length === 0) return;
  const actual = typeOf(value);
  if (hasCheckedFormat(schema, types) && value !== null) {
    if (typeof value === 'string' || Array.isArray(value)) {
      out.matches += 2;
      return;
    }
    const format = typeof value === 'number' ? (Number.isInteger(value) ? 'int64' : 'float64') : '';
    const detail = `${path} in body must be of type ${schema.format}: ${JSON.stringify(format)}`;
    add(out, typeInvalid(field(path), format, detail));
    return;
  }
  const fits =
    types.includes(actual) ||
    (actual === 'integer' && types.includes('number')) ||
    (value === null && schema.nullable === true);
  if (fits) out.matches += 2;
  else {
    const expected = types.join(',');
    add(
      out,
      typeInvalid(field(path), actual, `${path} in body must be of type ${expected}: ${JSON.stringify(actual)}`),
    );
  }
}

/** A string with a known format: the format stands in for the type, and lists are let pass. */
function hasCheckedFormat({ format }: JsonSchema, types: readonly string[]): boolean {
  return format !== undefined && formatCheck(format) !== undefined && types[0] === 'string' && types.length === 1;
}

function checkString(value: string, schema: JsonSchema, path: string, out: Outcome): void {
  const length = [...value].length;
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    add(out, tooLong(field(path), schema.maxLength));
  } else if (schema.minLength !== undefined && length < schema.minLength) {
    add(out, invalidValue(field(path), value, `${path} in body should be at least ${schema.minLength} chars long`));
  } else if (schema.pattern) {
    const pattern = compilePattern(schema.pattern);
    if (pattern?.test(value) === false) {
      add(out, invalidValue(field(path), value, `${path} in body should match '${schema.pattern}'`));
    }
  } else out.matches++;
  const check = schema.format === undefined ? undefined : formatCheck(schema.format);
  if (check !== undefined && !check(value)) {
    const detail = `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`;
    add(out, typeInvalid(field(path), value, detail));
  }
}

function checkNumber(value: number, schema: JsonSchema, path: string, out: Outcome): void {
  const before = out.errors.length;
  // An integer is compared with bounds that were made integers too.
  const bound = (n: number | undefined): number | undefined =>
    n === undefined || !Number.isInteger(value) ? n : Math.trunc(n);
  const [multipleOf, minimum, maximum] = [bound(schema.multipleOf), bound(schema.minimum), bound(schema.maximum)];
  const say = (detail: string): void =>
    add(out, invalidValue(field(path), value, `${path} in body should be ${detail}`));
  if (multipleOf !== undefined && multipleOf <= 0) {
    const detail = `factor MultipleOf declared for ${path} must be positive: ${multipleOf}`;
    add(out, invalidValue(field(path), multipleOf, detail));
  } else if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    say(`a multiple of ${multipleOf}`);
  }
  if (minimum !== undefined) {
    if (schema.exclusiveMinimum === true && value <= minimum) say(`greater than ${minimum}`);
    else if (value < minimum) say(`greater than or equal to ${minimum}`);
  }
  if (maximum !== undefined) {
    if (schema.exclusiveMaximum === true && value >= maximum) say(`less than ${maximum}`);
    else if (value > maximum) say(`less than or equal to ${maximum}`);
  }
  if (out.errors.length === before) out.matches++;
}

function checkList(value: readonly unknown[], old: unknown, schema: JsonSchema, path: string, out: Outcome): void {
  const { items, minItems, maxItems } = schema;
  if (items !== undefined) {
    const oldItem = correlateItems(schema, old);
    for (const [i, item] of value.entries()) {
      const previous = oldItem(item);
      merge(out, validateNode(item, previous, items, `${path}[${i}]`, previous !== undefined));
    }
  }
  if (minItems !== undefined && value.length < minItems) {
    add(out, invalidValue(field(path), value.length, `${path} in body should have at least ${minItems} items`));
  }
  if (maxItems !== undefined && value.length > maxItems) add(out, tooMany(field(path), value.length, maxItems));
  if (schema.uniqueItems === true && value.some((v, i) => value.slice(0, i).some((w) => equalJson(v, w)))) {
    add(out, invalidValue(field(path), '', `${path} in body shouldn't contain duplicates`));
  }
}

function checkEnum(value: unknown, schema: JsonSchema, path: string, out: Outcome): void {
  const values = schema.enum;
  if (values === undefined || values.length === 0 || values.some((v) => v !== null && equalJson(v, value))) {
    out.matches++;
    return;
  }
  const printed = values.map((v) => (typeof v === 'string' ? v : JSON.stringify(v)));
  add(out, notSupported(field(path), value, printed));
}

function checkObject(
  value: Record<string, unknown>,
  old: unknown,
  schema: JsonSchema,
  path: string,
  out: Outcome,
): void {
  const count = Object.keys(value).length;
  const { minProperties, maxProperties, properties = {} } = schema;
  if (minProperties !== undefined && count < minProperties) {
    add(out, invalidValue(field(path), count, `${path} in body should have at least ${minProperties} properties`));
  }
  if (maxProperties !== undefined && count > maxProperties) add(out, tooMany(field(path), count, maxProperties));
  const before = isObject(old) ? old : undefined;
  const entry = entrySchema(schema);
  for (const [key, v] of Object.entries(value)) {
    if (Object.hasOwn(properties, key)) continue;
    if (schema.additionalProperties === false) {
      add(out, invalidValue(field(path), key, `${path}.${key} in body is a forbidden property`));
    } else if (entry !== undefined) merge(out, child(v, before, key, entry, `${path}.${key}`, path));
  }
  for (const [key, property] of Object.entries(properties)) {
    if (!Object.hasOwn(value, key)) continue;
    merge(out, child(value[key], before, key, property, path === '' ? key : `${path}.${key}`, path));
  }
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key)) add(out, required(field(`${path}.${key}`)));
  }
}

function child(
  value: unknown,
  old: Record<string, unknown> | undefined,
  key: string,
  schema: JsonSchema,
  path: string,
  parent: string,
): Outcome {
  // A version's own apiVersion and kind differ between versions, which says nothing.
  const correlated = parent !== '' || (key !== 'apiVersion' && key !== 'kind');
  const previous = old === undefined || !correlated ? undefined : getOwn(old, key);
  return validateNode(value, previous, schema, path, previous !== undefined);
}

function checkCombinations(value: unknown, old: unknown, schema: JsonSchema, path: string, out: Outcome): void {
  const quoted = JSON.stringify(path);
  const general = (message: string): FieldError => invalidValue(NO_FIELD, '', message);
  const run = (s: JsonSchema): Outcome => validateNode(value, old, s, path, false);
  if (schema.anyOf !== undefined && schema.anyOf.length > 0) {
    const outcomes = schema.anyOf.map(run);
    const success = outcomes.find((o) => o.errors.length === 0);
    if (success === undefined) add(out, general(`${quoted} must validate at least one schema (anyOf)`));
    merge(out, success ?? best(outcomes));
  }
  if (schema.oneOf !== undefined && schema.oneOf.length > 0) {
    const outcomes = schema.oneOf.map(run);
    const valid = outcomes.filter((o) => o.errors.length === 0);
    const [first] = valid;
    if (valid.length === 1 && first !== undefined) merge(out, first);
    else {
      const found = valid.length === 0 ? 'Found none valid' : `Found ${valid.length} valid alternatives`;
      add(out, general(`${quoted} must validate one and only one schema (oneOf). ${found}`));
      if (valid.length === 0) merge(out, best(outcomes));
    }
  }
  if (schema.allOf !== undefined && schema.allOf.length > 0) {
    const outcomes = schema.allOf.map(run);
    for (const o of outcomes) merge(out, o);
    const valid = outcomes.filter((o) => o.errors.length === 0).length;
    if (valid !== outcomes.length) {
      add(out, general(`${quoted} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`));
    }
  }
  if (schema.not !== undefined && run(schema.not).errors.length === 0) {
    add(out, general(`${quoted} must not validate the schema (not)`));
  }
  out.matches++;
}

function best(outcomes: readonly Outcome[]): Outcome {
  let found: Outcome = { errors: [], matches: 0 };
  for (const [i, o] of outcomes.entries()) if (i === 0 || o.matches > found.matches) found = o;
  return found;
}
