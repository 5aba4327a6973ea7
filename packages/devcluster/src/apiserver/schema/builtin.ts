import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { FieldSchema, GoFieldFacts, TypeSchema } from './types.ts';

/** A definition of an OpenAPI v3 document, without descriptions. */
export interface OpenApiDefinition {
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, OpenApiDefinition>>;
  readonly additionalProperties?: OpenApiDefinition | boolean;
  readonly items?: OpenApiDefinition;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly $ref?: string;
  readonly allOf?: readonly OpenApiDefinition[];
  readonly oneOf?: readonly OpenApiDefinition[];
  readonly 'x-kubernetes-group-version-kind'?: readonly { group: string; version: string; kind: string }[];
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly [extension: string]: unknown;
}

interface Table {
  readonly definitions: Readonly<Record<string, OpenApiDefinition>>;
  /** Per definition, `name flags type` of each field in Go's order; see scripts/generate-kube-schema.ts. */
  readonly go: Readonly<Record<string, readonly string[]>>;
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const EXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

let table: Table | undefined;
let kinds: ReadonlyMap<string, string> | undefined;
const compiled = new Map<string, TypeSchema>();

function load(): Table {
  table ??= JSON.parse(
    gunzipSync(readFileSync(join(import.meta.dirname, 'builtin.generated.json.gz'))).toString('utf8'),
  ) as Table;
  return table;
}

/**
 * Definitions by full name (`io.k8s.api.apps.v1.Deployment`) in OpenAPI v3 form, references as
 * `#/components/schemas/…`, descriptions dropped. Those of every kind that a Kubernetes 1.34 server serves.
 */
export function openApiDefinitions(): Readonly<Record<string, OpenApiDefinition>> {
  return load().definitions;
}

/** The schema of a built-in kind; undefined when there is none. The same object for every call. */
export function builtinSchema(group: string, version: string, kind: string): TypeSchema | undefined {
  kinds ??= indexKinds();
  const name = kinds.get(`${group}/${version}/${kind}`);
  return name === undefined ? undefined : definitionSchema(name);
}

/** The schema of a definition by its full name, for parts of kinds (`…meta.v1.ObjectMeta`). Throws for an unknown name. */
export function definitionSchema(name: string): TypeSchema {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const definition = load().definitions[name];
  if (definition === undefined) throw new Error(`no OpenAPI definition ${name}`);
  const schema = special(name) ?? compile(definition, name);
  compiled.set(name, schema);
  return schema;
}

/** metadata of every object. */
export function objectMetaSchema(): TypeSchema {
  return definitionSchema(`${META}.ObjectMeta`);
}

function indexKinds(): ReadonlyMap<string, string> {
  const index = new Map<string, string>();
  for (const [name, definition] of Object.entries(load().definitions)) {
    // Options types (DeleteOptions, WatchEvent) claim every group; the groups' own kinds come first and only once.
    for (const gvk of definition['x-kubernetes-group-version-kind'] ?? []) {
      const key = `${gvk.group}/${gvk.version}/${gvk.kind}`;
      if (!index.has(key)) index.set(key, name);
    }
  }
  return index;
}

/** Types whose JSON form their definition does not tell. */
function special(name: string): TypeSchema | undefined {
  switch (name) {
    case 'io.k8s.apimachinery.pkg.api.resource.Quantity':
      return { t: 'scalar', scalar: 'quantity' };
    case 'io.k8s.apimachinery.pkg.util.intstr.IntOrString':
      return { t: 'scalar', scalar: 'int-or-string' };
    case `${META}.Time`:
      return { t: 'scalar', scalar: 'time' };
    case `${META}.MicroTime`:
      return { t: 'scalar', scalar: 'microtime' };
    case 'io.k8s.apimachinery.pkg.runtime.RawExtension':
      return { t: 'any', atomic: true };
    case `${EXTENSIONS}.JSONSchemaPropsOrArray`:
    case `${EXTENSIONS}.JSONSchemaPropsOrBool`:
    case `${EXTENSIONS}.JSONSchemaPropsOrStringArray`:
      return { t: 'any', object: () => definitionSchema(`${EXTENSIONS}.JSONSchemaProps`) };
    default:
      return undefined;
  }
}

function compile(definition: OpenApiDefinition, name: string | undefined): TypeSchema {
  switch (definition.type) {
    case 'string':
      return { t: 'scalar', scalar: definition.format === 'byte' ? 'bytes' : 'string' };
    case 'integer':
    case 'number':
    case 'boolean':
      return { t: 'scalar', scalar: definition.type };
    case 'array':
      return compileList(definition);
    case 'object':
      return compileObject(definition, name);
    default:
      return { t: 'any' };
  }
}

function compileObject(definition: OpenApiDefinition, name: string | undefined): TypeSchema {
  const atomic = definition['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {};
  if (definition.properties !== undefined) {
    return { t: 'struct', ...(name === undefined ? {} : { name }), fields: compileFields(definition, name), ...atomic };
  }
  const values = definition.additionalProperties;
  if (typeof values === 'object') return { t: 'map', value: once(() => reference(values)), ...atomic };
  // A struct without fields (the status subresource of a definition) has Go facts; anything else is free-form.
  if (name !== undefined && load().go[name] !== undefined && name.startsWith(EXTENSIONS)) {
    return { t: 'struct', name, fields: {} };
  }
  return { t: 'any' };
}

function compileFields(definition: OpenApiDefinition, name: string | undefined): Record<string, FieldSchema> {
  const facts = goFacts(name);
  const properties = definition.properties ?? {};
  const order = facts.size === 0 ? Object.keys(properties) : [...facts.keys()];
  const fields: Record<string, FieldSchema> = {};
  for (const key of order) {
    const property = properties[key];
    if (property === undefined) continue;
    const go = withShape(facts.get(key), property);
    const strategy = property['x-kubernetes-patch-strategy'];
    const mergeKey = property['x-kubernetes-patch-merge-key'];
    fields[key] = {
      schema: once(() => reference(property)),
      ...(property.default === undefined ? {} : { default: property.default }),
      ...(strategy === undefined ? {} : { patchStrategy: strategy }),
      ...(mergeKey === undefined ? {} : { patchMergeKey: mergeKey }),
      ...(go === undefined ? {} : { go }),
    };
  }
  return fields;
}

/** Named map and list types (`ResourceList`) look like values in Go's source; the definition tells them apart. */
function withShape(go: GoFieldFacts | undefined, property: OpenApiDefinition): GoFieldFacts | undefined {
  if (go?.shape !== 'value') return go;
  if (property.type === 'array') return { ...go, shape: 'slice' };
  return property.type === 'object' ? { ...go, shape: 'map' } : go;
}

const SHAPES: Readonly<Record<string, GoFieldFacts['shape']>> = {
  p: 'pointer',
  l: 'slice',
  m: 'map',
  b: 'bytes',
  s: 'value',
};

function goFacts(name: string | undefined): ReadonlyMap<string, GoFieldFacts> {
  const facts = new Map<string, GoFieldFacts>();
  for (const line of name === undefined ? [] : (load().go[name] ?? [])) {
    const [field = '', flags = '', type = ''] = line.split(' ');
    facts.set(field, {
      shape: SHAPES[flags.charAt(0)] ?? 'value',
      omitEmpty: flags.includes('o'),
      omitZero: flags.includes('z'),
      type,
    });
  }
  return facts;
}

function compileList(definition: OpenApiDefinition): TypeSchema {
  const items = definition.items;
  const listType = definition['x-kubernetes-list-type'];
  return {
    t: 'list',
    item: once(() => (items === undefined ? { t: 'any', atomic: true } : reference(items))),
    listType: listType === 'map' || listType === 'set' ? listType : 'atomic',
    keys: listType === 'map' ? (definition['x-kubernetes-list-map-keys'] ?? []) : [],
  };
}

const PREFIX = '#/components/schemas/';

/** Follows `$ref`, alone or in an `allOf` of one; a map type stated at the reference overrides the referred type's. */
function reference(property: OpenApiDefinition): TypeSchema {
  const ref = property.$ref ?? property.allOf?.[0]?.$ref;
  if (ref === undefined) return compile(property, undefined);
  const target = definitionSchema(ref.slice(PREFIX.length));
  if (property['x-kubernetes-map-type'] === 'atomic' && (target.t === 'struct' || target.t === 'map')) {
    return { ...target, atomic: true };
  }
  return target;
}

/** Calls `make` at the first use and remembers the answer. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
