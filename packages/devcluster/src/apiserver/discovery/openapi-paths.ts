import type { ResourceDefinition, SubresourceDefinition, Verb } from '../model.ts';
import { type DiscoveredVersion, groupVersion } from './groups.ts';

type Operation = Record<string, unknown>;
type PathItem = Record<string, unknown>;

/** The name of the definition of a `group/version/kind`. */
type SchemaLookup = (gvk: string) => string | undefined;

interface Target {
  readonly definition: ResourceDefinition;
  /** What operation ids start with after their verb, for example `AppsV1`. */
  readonly prefix: string;
  /** For example `apps_v1`. */
  readonly tag: string;
  readonly lookup: SchemaLookup;
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const PATCH_TYPES = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json'];
const STRATEGIC_MERGE = 'application/strategic-merge-patch+json';

/**
 * The paths of a version's resources: operations with the query parameters, bodies and answers that clients look up
 * (kubectl: whether `fieldValidation` is known, and which schema a resource has).
 */
export function resourcePaths(
  group: string,
  version: DiscoveredVersion,
  lookup: SchemaLookup,
): Record<string, PathItem> {
  const root = group === '' ? '/api' : '/apis';
  const base = `${root}/${groupVersion(group, version.version)}`;
  const name = camel(group === '' ? 'core' : group.replace(/\.k8s\.io$/, ''));
  const prefix = `${name}${camel(version.version)}`;
  const tag = `${name.charAt(0).toLowerCase()}${name.slice(1)}_${version.version}`;
  const paths: Record<string, PathItem> = {};
  for (const definition of version.resources) {
    const target = { definition, prefix, tag, lookup };
    const scope = definition.namespaced ? `${base}/namespaces/{namespace}` : base;
    const collection = `${scope}/${definition.plural}`;
    if (definition.namespaced && definition.verbs.includes('list')) {
      paths[`${base}/${definition.plural}`] = item(target, ['list'], { name: false, everywhere: true });
    }
    paths[collection] = item(target, ['list', 'create', 'deletecollection'], { name: false });
    if (definition.verbs.includes('get'))
      paths[`${collection}/{name}`] = item(target, ['get', 'update', 'delete', 'patch'], { name: true });
    for (const sub of definition.subresources)
      paths[`${collection}/{name}/${sub.name}`] = item(target, ['get', 'create', 'update', 'delete', 'patch'], {
        name: true,
        sub,
      });
  }
  return Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function camel(text: string): string {
  return text
    .split(/[^a-zA-Z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

interface Place {
  readonly name: boolean;
  /** The list over all namespaces. */
  readonly everywhere?: boolean;
  readonly sub?: SubresourceDefinition;
}

const methods: Readonly<Partial<Record<Verb, string>>> = {
  get: 'get',
  list: 'get',
  create: 'post',
  update: 'put',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'delete',
};

const operationVerbs: Readonly<Partial<Record<Verb, string>>> = {
  get: 'read',
  update: 'replace',
  deletecollection: 'deleteCollection',
};

const actions: Readonly<Partial<Record<Verb, string>>> = { create: 'post', update: 'put' };

function item(target: Target, verbs: readonly Verb[], place: Place): PathItem {
  const served = place.sub?.verbs ?? target.definition.verbs;
  const out: PathItem = {};
  for (const verb of verbs) {
    const method = methods[verb];
    if (method !== undefined && served.includes(verb)) out[method] = operation(target, verb, place);
  }
  const inPath = [
    ...(place.name ? ['name'] : []),
    ...(target.definition.namespaced && !place.everywhere ? ['namespace'] : []),
  ];
  out.parameters = [
    ...inPath.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } })),
    queryParameter(['pretty', 'string']),
  ];
  return out;
}

function operation(target: Target, verb: Verb, place: Place): Operation {
  const { definition, prefix } = target;
  const { group, version, kind } = definition;
  const scope = definition.namespaced && !place.everywhere ? 'Namespaced' : '';
  const tail = `${place.sub ? camel(place.sub.name) : ''}${place.everywhere ? 'ForAllNamespaces' : ''}`;
  const collection = verb === 'deletecollection' ? 'Collection' : '';
  const operationVerb = verb === 'deletecollection' ? 'delete' : (operationVerbs[verb] ?? verb);
  const gvk = gvkOf(definition, place.sub);
  const parameters = (parametersOf[verb] ?? []).map(queryParameter);
  return {
    tags: [target.tag],
    operationId: `${operationVerb}${prefix}${collection}${scope}${kind}${tail}`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(target, verb, place),
    responses: responses(target, verb, place),
    'x-kubernetes-action': actions[verb] ?? verb,
    // Subresources of custom resources carry the kind of their resource.
    'x-kubernetes-group-version-kind': definition.crd === undefined ? gvk : { group, version, kind },
  };
}

function gvkOf(definition: ResourceDefinition, sub: SubresourceDefinition | undefined): Record<string, string> {
  return {
    group: sub?.group ?? definition.group,
    version: sub?.version ?? definition.version,
    kind: sub?.kind ?? definition.kind,
  };
}

function schemaName(target: Target, verb: Verb, place: Place): string | undefined {
  if (verb === 'delete' || verb === 'deletecollection') return `${META}.Status`;
  const gvk = gvkOf(target.definition, place.sub);
  const kind = verb === 'list' ? target.definition.listKind : gvk.kind;
  return target.lookup(`${gvk.group}/${gvk.version}/${kind}`);
}

function responses(target: Target, verb: Verb, place: Place): Record<string, unknown> {
  const name = schemaName(target, verb, place);
  const schema = name === undefined ? { type: 'string' } : { $ref: `#/components/schemas/${name}` };
  const ok = { description: 'OK', content: { 'application/json': { schema } } };
  const created = ['create', 'update', 'patch'].includes(verb) ? { 201: { ...ok, description: 'Created' } } : {};
  return { 200: ok, ...created, 401: { description: 'Unauthorized' } };
}

function requestBody(target: Target, verb: Verb, place: Place): Operation {
  if (verb === 'patch') {
    const schema = { $ref: `#/components/schemas/${META}.Patch` };
    // Strategic merge needs Go types; kubectl decides by this list.
    const types = target.definition.crd === undefined ? [...PATCH_TYPES, STRATEGIC_MERGE] : PATCH_TYPES;
    return { requestBody: { content: Object.fromEntries(types.map((type) => [type, { schema }])), required: true } };
  }
  const isDelete = verb === 'delete' || verb === 'deletecollection';
  const name = isDelete ? `${META}.DeleteOptions` : schemaName(target, verb, place);
  const hasBody = isDelete || verb === 'create' || verb === 'update';
  if (!hasBody || name === undefined) return {};
  const schema = { $ref: `#/components/schemas/${name}` };
  return { requestBody: { content: { '*/*': { schema } }, ...(isDelete ? {} : { required: true }) } };
}

type Parameter = readonly [name: string, type: 'string' | 'integer' | 'boolean'];

const writeParameters: readonly Parameter[] = [
  ['dryRun', 'string'],
  ['fieldManager', 'string'],
  ['fieldValidation', 'string'],
];
const deleteParameters: readonly Parameter[] = [
  ['dryRun', 'string'],
  ['gracePeriodSeconds', 'integer'],
  ['orphanDependents', 'boolean'],
  ['propagationPolicy', 'string'],
];
const listParameters: readonly Parameter[] = [
  ['allowWatchBookmarks', 'boolean'],
  ['continue', 'string'],
  ['fieldSelector', 'string'],
  ['labelSelector', 'string'],
  ['limit', 'integer'],
  ['resourceVersion', 'string'],
  ['resourceVersionMatch', 'string'],
  ['sendInitialEvents', 'boolean'],
  ['timeoutSeconds', 'integer'],
  ['watch', 'boolean'],
];

const parametersOf: Readonly<Partial<Record<Verb, readonly Parameter[]>>> = {
  create: writeParameters,
  update: writeParameters,
  patch: [...writeParameters, ['force', 'boolean']],
  delete: deleteParameters,
  deletecollection: [...deleteParameters, ...listParameters.filter(([name]) => name !== 'watch')],
  list: listParameters,
};

function queryParameter([name, type]: Parameter): Record<string, unknown> {
  return { name, in: 'query', schema: { type, uniqueItems: true } };
}
