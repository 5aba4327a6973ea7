import type { FieldError } from '../model.ts';
import { goText } from '../schema/index.ts';
import { forbiddenField, invalidValue, notSupported, required } from '../validation/field-errors.ts';
import { isEmbedded, type JsonSchema } from './json-schema.ts';
import { defaultErrors } from './validate-defaults.ts';
import { ruleErrors } from './validate-rules.ts';
import { structuralErrors } from './validate-structural.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

/** Keywords that make a schema unusable; without them the rest is worth judging. */
const UNSUPPORTED: readonly (keyof JsonSchema | 'id' | 'additionalItems')[] = [
  'id',
  'additionalItems',
  'patternProperties',
  'definitions',
  'dependencies',
  '$ref',
];

/** What the root may hold when the status has an endpoint of its own, by the names of the real server's type. */
const ROOT_FIELDS = (
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems ' +
  'MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations'
).split(' ');
const ROOT_KEYS: ReadonlySet<string> = new Set([
  ...ROOT_FIELDS.map((name) => name.charAt(0).toLowerCase() + name.slice(1)),
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
]);

/** What a walk through a schema carries down. */
interface Place {
  readonly path: string;
  /** Why defaults are not allowed here; undefined where they are. */
  readonly noDefaults: string | undefined;
  readonly insideMetadata: boolean;
  /** The innermost list or map around whose items have no old counterpart. */
  readonly uncorrelatable: string | undefined;
  readonly isRoot: boolean;
}

/** Errors of an `openAPIV3Schema`; `path` names it. */
export function validateDefinitionSchema(
  schema: JsonSchema,
  path: string,
  statusEnabled: boolean,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (statusEnabled && schema.type && schema.type !== 'object') {
    const detail =
      'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
    errors.push(invalidValue(`${path}.type`, schema.type, detail));
  } else if (statusEnabled && Object.keys(schema).some((key) => !ROOT_KEYS.has(key))) {
    const detail = `only ${goText(ROOT_FIELDS)} fields are allowed at the root of the schema if the status subresource is enabled`;
    errors.push(invalidValue(path, schema, detail));
  }
  if (schema.nullable === true) errors.push(forbiddenField(`${path}.nullable`, 'nullable cannot be true at the root'));
  const convertible = isConvertible(schema);
  if (convertible) {
    const structural = structuralErrors(schema, path);
    errors.push(...(structural.length > 0 ? structural : defaultErrors(schema, path)));
  }
  const root: Place = { path, noDefaults: undefined, insideMetadata: false, uncorrelatable: undefined, isRoot: true };
  const checkRules = convertible && errors.length === 0;
  const own: FieldError[] = [];
  const rules: FieldError[] = [];
  checkNode(schema, root, own, checkRules ? rules : []);
  return [...errors, ...own, ...(own.length === 0 ? rules : [])];
}

function isConvertible(schema: JsonSchema): boolean {
  if (Array.isArray(schema.items) || UNSUPPORTED.some((key) => hasKey(schema, key))) return false;
  return subschemas(schema).every((s) => isConvertible(s));
}

function hasKey(schema: JsonSchema, key: string): boolean {
  return (schema as Record<string, unknown>)[key] !== undefined;
}

function subschemas(schema: JsonSchema): readonly JsonSchema[] {
  const { items, additionalProperties, not } = schema;
  return [
    ...(typeof items === 'object' && !Array.isArray(items) ? [items] : []),
    ...(typeof additionalProperties === 'object' ? [additionalProperties] : []),
    ...Object.values(schema.properties ?? {}),
    ...(schema.allOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(not === undefined ? [] : [not]),
  ];
}

function checkNode(schema: JsonSchema, at: Place, errors: FieldError[], rules: FieldError[]): void {
  checkKeywords(schema, at, errors);
  if (schema.uniqueItems === true) {
    const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.push(forbiddenField(`${at.path}.uniqueItems`, detail));
  }
  descend(schema, at, errors, rules);
  checkExtensions(schema, at.path, errors);
  ruleErrors(schema, at.path, at.isRoot || isEmbedded(schema), at.uncorrelatable, errors, rules);
}

function checkKeywords(schema: JsonSchema, at: Place, errors: FieldError[]): void {
  const { path } = at;
  if (schema.type && !TYPES.includes(schema.type)) errors.push(notSupported(`${path}.type`, schema.type, TYPES));
  if (schema.default !== undefined && at.noDefaults !== undefined) {
    errors.push(forbiddenField(`${path}.default`, `must not be set ${at.noDefaults}`.trim()));
  }
  for (const key of UNSUPPORTED) {
    if (hasKey(schema, key)) errors.push(forbiddenField(`${path}.${key}`, `${key} is not supported`));
  }
  if (schema.type === 'null') {
    errors.push(forbiddenField(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  }
  if (Array.isArray(schema.items)) {
    errors.push(forbiddenField(`${path}.items`, 'items must be a schema object and not an array'));
  }
  if (at.insideMetadata && isEmbedded(schema)) {
    errors.push(forbiddenField(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'));
  }
}

const META_FIELDS = ['metadata', 'kind', 'apiVersion'];

function descend(schema: JsonSchema, at: Place, errors: FieldError[], rules: FieldError[]): void {
  const { path } = at;
  const entry = schema.additionalProperties;
  if (entry !== undefined && entry !== true && Object.keys(schema.properties ?? {}).length > 0) {
    errors.push(
      forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'),
    );
  }
  const inner: Place = { ...at, isRoot: false };
  if (typeof entry === 'object') {
    const noDefaults = at.insideMetadata ? 'inside additionalProperties applying to object metadata' : at.noDefaults;
    checkNode(entry, { ...inner, path: `${path}.additionalProperties`, noDefaults }, errors, rules);
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const isMeta = (at.isRoot || isEmbedded(schema)) && META_FIELDS.includes(name);
    const place: Place = {
      ...inner,
      path: `${path}.properties[${name}]`,
      insideMetadata: at.insideMetadata || isMeta,
      noDefaults: isMeta && at.isRoot ? `in top-level ${name}` : at.noDefaults,
    };
    checkNode(property, place, errors, rules);
  }
  // Rules inside of combinations are not compiled.
  if (schema.not !== undefined) checkNode(schema.not, { ...inner, path: `${path}.not` }, errors, []);
  for (const key of ['allOf', 'oneOf', 'anyOf'] as const) {
    for (const [i, s] of (schema[key] ?? []).entries())
      checkNode(s, { ...inner, path: `${path}.${key}[${i}]` }, errors, []);
  }
  if (schema.items !== undefined && !Array.isArray(schema.items)) {
    const correlated = schema['x-kubernetes-list-type'] === 'map';
    const uncorrelatable = correlated ? at.uncorrelatable : (at.uncorrelatable ?? path);
    checkNode(schema.items, { ...inner, path: `${path}.items`, uncorrelatable }, errors, rules);
  }
}

function checkExtensions(schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  const typed = (wanted: string, extension: string): void => {
    if (schema.type === wanted) return;
    const detail = `must be ${wanted} if ${extension} is specified`;
    errors.push(schema.type ? invalidValue(`${path}.type`, schema.type, detail) : required(`${path}.type`, detail));
  };
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType !== undefined) {
    typed('object', 'x-kubernetes-map-type');
    const known = ['atomic', 'granular'];
    if (!known.includes(mapType)) errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, known));
  }
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== undefined) {
    typed('array', 'x-kubernetes-list-type');
    if (listType === 'set') checkSetItems(schema, path, errors);
    const known = ['atomic', 'set', 'map'];
    if (!known.includes(listType)) errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, known));
  }
  checkMapList(schema, listType, path, errors);
}

function checkSetItems(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const { items } = schema;
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  if (items?.type === 'array' && (items['x-kubernetes-list-type'] ?? 'atomic') !== 'atomic') {
    errors.push(invalidValue(`${path}.items.x-kubernetes-list-type`, items['x-kubernetes-list-type'], detail));
  }
  if (items?.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    errors.push(invalidValue(`${path}.items.x-kubernetes-map-type`, items['x-kubernetes-list-type'] ?? null, detail));
  }
}

function checkMapList(schema: JsonSchema, listType: string | undefined, path: string, errors: FieldError[]): void {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const { items } = schema;
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    const at = `${path}.x-kubernetes-list-type`;
    errors.push(listType === undefined ? required(at, detail) : invalidValue(at, listType, detail));
  }
  if (listType === 'map') {
    if (keys.length === 0) {
      errors.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
    }
    if (items === undefined) {
      errors.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
    } else if (items.type !== 'object') {
      const detail = "must be object if parent array's x-kubernetes-list-type is map";
      errors.push(invalidValue(`${path}.items.type`, items.type ?? '', detail));
    } else checkMapKeys(items, keys, path, errors);
  }
  if (items === undefined || (listType !== 'map' && listType !== 'set')) return;
  if (items.nullable === true) {
    errors.push(
      forbiddenField(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`),
    );
  }
  if (listType === 'map') checkKeyValues(items, keys, path, errors);
}

function checkMapKeys(items: JsonSchema, keys: readonly string[], path: string, errors: FieldError[]): void {
  const at = `${path}.x-kubernetes-list-map-keys`;
  for (const [i, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (property === undefined) errors.push(invalidValue(at, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') {
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.push(invalidValue(`${path}.items.properties[${key}].type`, items.type, detail));
    }
    if (keys.indexOf(key) < i) errors.push(invalidValue(at, keys, 'must not contain duplicate entries'));
  }
}

function checkKeyValues(items: JsonSchema, keys: readonly string[], path: string, errors: FieldError[]): void {
  for (const key of keys) {
    const property = items.properties?.[key];
    if (property === undefined) continue;
    const at = `${path}.items.properties[${key}]`;
    if (items.required?.includes(key) !== true && property.default === undefined) {
      const detail =
        'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      errors.push(required(`${at}.default`, detail));
    }
    if (property.nullable === true) {
      const detail = 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable';
      errors.push(forbiddenField(`${at}.nullable`, detail));
    }
  }
}
