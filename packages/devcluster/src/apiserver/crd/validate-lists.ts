import type { ObjectMeta } from '@drey/kube';
import type { FieldError } from '../model.ts';
import { equalJson, isObject, normalize, objectMetaSchema } from '../schema/index.ts';
import { duplicate, invalidValue, required } from '../validation/field-errors.ts';
import { annotationErrors, labelMapErrors } from '../validation/object-meta.ts';
import { keyOf } from './correlate.ts';
import { entrySchema, isEmbedded, type JsonSchema, propertySchema } from './json-schema.ts';

/** Items of sets and of map lists have to be unique. */
export function validateLists(value: unknown, schema: JsonSchema): readonly FieldError[] {
  const errors: FieldError[] = [];
  visit(value, schema, '', (v, s, path) => {
    if (!Array.isArray(v)) return;
    const type = s['x-kubernetes-list-type'];
    if (type === 'set') checkSet(v, path, errors);
    if (type === 'map') checkMapList(v, s, path, errors);
  });
  return errors;
}

function checkSet(list: readonly unknown[], path: string, errors: FieldError[]): void {
  const reported: unknown[] = [];
  for (const [i, item] of list.entries()) {
    const repeated = list.slice(0, i).some((other) => equalJson(other, item));
    if (!repeated || reported.some((other) => equalJson(other, item))) continue;
    reported.push(item);
    errors.push(duplicate(`${path}[${i}]`, item));
  }
}

function checkMapList(list: readonly unknown[], schema: JsonSchema, path: string, errors: FieldError[]): void {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const counts = new Map<string, number>();
  for (const [i, item] of list.entries()) {
    if (!isObject(item)) continue;
    const key = keyOf(item, keys, schema);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count === 2) {
      const fields = [...keys].sort().filter((k) => item[k] !== undefined);
      errors.push(duplicate(`${path}[${i}]`, Object.fromEntries(fields.map((k) => [k, item[k]]))));
    }
  }
}

/** Objects inside a custom resource that are whole objects need an apiVersion and a kind. */
export function validateEmbedded(value: unknown, schema: JsonSchema): readonly FieldError[] {
  const errors: FieldError[] = [];
  visit(value, schema, '', (v, s, path) => {
    if (!isObject(v)) return;
    if (!isEmbedded(s) || path === '') return;
    const { apiVersion, kind, metadata } = v;
    if (apiVersion === null) errors.push(invalidValue(`${path}.apiVersion`, null, 'must be a string'));
    else if (typeof apiVersion !== 'string' || apiVersion === '') errors.push(required(`${path}.apiVersion`));
    else if (apiVersion.split('/').length > 2) {
      errors.push(invalidValue(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
    }
    if (kind === null) errors.push(invalidValue(`${path}.kind`, null, 'must be a string'));
    else if (typeof kind !== 'string' || kind === '') errors.push(required(`${path}.kind`));
    const read = isObject(metadata) ? normalize(metadata, objectMetaSchema()) : undefined;
    if (read?.ok !== true) return;
    const { labels, annotations } = read.value as ObjectMeta;
    errors.push(...labelMapErrors(labels, `${path}.metadata.labels`));
    errors.push(...annotationErrors(annotations, `${path}.metadata.annotations`));
  });
  return errors;
}

/**
 * Why an object cannot be read as a custom resource at all: metadata, its own or that of an object inside, which is not of
 * the form that all objects have. The text comes behind `… cannot be handled as a Kind: `; undefined when it can be read.
 */
export function decodeProblem(object: Readonly<Record<string, unknown>>, schema: JsonSchema): string | undefined {
  let problem: string | undefined;
  visit(object, schema, '', (v, s, path) => {
    if (problem !== undefined || !isObject(v) || (path !== '' && !isEmbedded(s))) return;
    for (const key of ['apiVersion', 'kind']) {
      const value = v[key];
      if (value !== undefined && typeof value !== 'string' && (value !== null || path !== '')) {
        problem = `${path === '' ? key : `${path}.${key}`}: Invalid value: ${JSON.stringify(value)}: must be a string`;
      }
    }
    const result = v.metadata === undefined ? undefined : normalize(v.metadata, objectMetaSchema());
    if (result === undefined || result.ok) return;
    problem =
      path === ''
        ? result.message
        : `${path}.metadata: Invalid value: ${JSON.stringify(v.metadata)}: ${result.message}`;
  });
  return problem;
}

function visit(
  value: unknown,
  schema: JsonSchema,
  path: string,
  check: (value: unknown, schema: JsonSchema, path: string) => void,
): void {
  check(value, schema, path);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined) for (const [i, v] of value.entries()) visit(v, items, `${path}[${i}]`, check);
    return;
  }
  if (!isObject(value)) return;
  const entry = entrySchema(schema);
  for (const [key, v] of Object.entries(value)) {
    const property = propertySchema(schema, key);
    if (property !== undefined) visit(v, property, path === '' ? key : `${path}.${key}`, check);
    else if (entry !== undefined) visit(v, entry, `${path}[${key}]`, check);
  }
}
