import type { RequestInfo, Verb } from './model.ts';

type ResourceInfo = Extract<RequestInfo, { type: 'resource' }>;

const METHOD_VERBS: Readonly<Record<string, Verb>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** What a method and a path ask for. Everything that is not below a group and version is `other`. */
export function requestInfoOf(method: string, path: string, query: URLSearchParams): RequestInfo {
  const parts = path.split('/').filter((part) => part !== '');
  const other: RequestInfo = { type: 'other', verb: method.toLowerCase(), path };
  const prefix = parts.shift();
  if (prefix !== 'api' && prefix !== 'apis') return other;
  const group = prefix === 'api' ? '' : parts.shift();
  const version = parts.shift();
  if (group === undefined || version === undefined || parts.length === 0) return other;
  const verb = METHOD_VERBS[method];
  if (verb === undefined) return other;
  const legacyWatch = parts[0] === 'watch';
  if (legacyWatch) parts.shift();
  const target = targetOf(parts);
  if (target === undefined) return other;
  return { type: 'resource', group, version, ...target, ...refine(verb, legacyWatch, target.name, query) };
}

type Target = Pick<ResourceInfo, 'resource' | 'subresource' | 'namespace' | 'name' | 'rest'>;

/** `namespaces/NS/…` leads into a namespace, except for the subresources of the namespace itself. */
function targetOf(parts: readonly string[]): Target | undefined {
  const inNamespace = parts[0] === 'namespaces' && parts.length > 2 && !isNamespaceSubresource(parts[2]);
  const own = inNamespace ? parts.slice(2) : parts;
  const [resource, name, subresource, ...rest] = own;
  if (resource === undefined) return undefined;
  const namespace = parts[0] === 'namespaces' ? parts[1] : undefined;
  return { resource, namespace, name, subresource, rest: rest.length === 0 ? undefined : rest.join('/') };
}

function isNamespaceSubresource(word: string | undefined): boolean {
  return word === 'status' || word === 'finalize';
}

function refine(
  verb: Verb,
  legacyWatch: boolean,
  name: string | undefined,
  query: URLSearchParams,
): Pick<ResourceInfo, 'verb'> & Partial<Pick<ResourceInfo, 'name'>> {
  if (name !== undefined) return { verb: legacyWatch && verb === 'get' ? 'watch' : verb };
  if (verb === 'delete') return { verb: 'deletecollection' };
  if (verb !== 'get') return { verb };
  const named = onlyName(query.get('fieldSelector'));
  return {
    verb: legacyWatch || isTrue(query.get('watch')) ? 'watch' : 'list',
    ...(named === undefined ? {} : { name: named }),
  };
}

/** A collection request for one name counts as a request for that name (RBAC `resourceNames`). */
function onlyName(fieldSelector: string | null): string | undefined {
  return /^metadata\.name={1,2}([^,=!]+)$/.exec(fieldSelector ?? '')?.[1];
}

/** Go's idea of a true boolean parameter; a parameter without a value counts. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}
