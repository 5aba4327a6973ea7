import type { ApiResponse } from '../contract.ts';
import { jsonResponse, textResponse } from '../front/wire.ts';
import type { NonResourceHandler, ObjectReader, Registry, StatusError } from '../model.ts';
import { methodNotAllowed, resourceUnknown } from '../status.ts';
import { apiGroup, apiResourceList, type DiscoveredGroup, discoverGroups, groupDiscovery } from './groups.ts';
import { healthResponse } from './health.ts';
import { acceptsJson, notAcceptable, parseAccept } from './media-types.ts';
import { createOpenApi } from './openapi.ts';
import { SERVER_VERSION } from './version.ts';

export interface DiscoveryOptions {
  readonly registry: Registry;
  /** For the schemas of CustomResourceDefinitions. */
  readonly objects: ObjectReader;
  /** Host and port that `/api` names, for example `127.0.0.1:6443`. */
  readonly serverAddress: () => string;
  /** The key set behind `/openid/v1/jwks`, and who signs with it. */
  readonly serviceAccounts: { readonly issuer: string; readonly jwks: Readonly<Record<string, unknown>> };
  /** Prometheus text behind `/metrics`, if there is any. */
  readonly metrics?: () => string;
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/**
 * Answers discovery, OpenAPI, version and health paths. Undefined for other paths, which are those of resources or do not
 * exist. Documents follow the registry: a change of its revision makes them anew.
 */
export function createNonResourceHandler(options: DiscoveryOptions): NonResourceHandler {
  const groups = cachedByRevision(options.registry, () => discoverGroups(options.registry));
  const openApi = createOpenApi({ registry: options.registry, objects: options.objects, groups });
  return (method, path, query, headers) => {
    const [, root = '', ...rest] = path.replace(/\/$/, '').split('/');
    switch (root) {
      case 'api':
      case 'apis':
        return discovery(options, groups(), { root, rest, accept: headers.accept });
      case 'openapi':
        return openApi(path, query, headers);
      case 'version':
        return rest.length > 0 ? undefined : versionResponse(method, headers.accept);
      case 'healthz':
      case 'livez':
      case 'readyz':
        return healthResponse(root, rest, query);
      case '.well-known':
        return rest.join('/') === 'openid-configuration' ? openIdConfiguration(options) : undefined;
      case 'openid':
        return rest.join('/') === 'v1/jwks' ? keySet(options) : undefined;
      case 'metrics':
        return rest.length > 0 || options.metrics === undefined ? undefined : textResponse(200, options.metrics());
      default:
        return undefined;
    }
  };
}

/** A value made again whenever the registry has changed. */
export function cachedByRevision<T>(registry: Registry, make: () => T): () => T {
  let cached: { revision: number; value: T } | undefined;
  return () => {
    if (cached?.revision !== registry.revision) cached = { revision: registry.revision, value: make() };
    return cached.value;
  };
}

interface DiscoveryPath {
  readonly root: 'api' | 'apis';
  readonly rest: readonly string[];
  readonly accept: string | undefined;
}

function discovery(
  options: DiscoveryOptions,
  groups: readonly DiscoveredGroup[],
  path: DiscoveryPath,
): ApiResponse | undefined {
  const named = groups.filter(({ name }) => (path.root === 'api') === (name === ''));
  const depth = path.rest.length + (path.root === 'api' ? 1 : 0);
  if (depth === (path.root === 'api' ? 1 : 0)) return rootResponse(options, named, path);
  if (depth > 2) return undefined;
  const [first = '', second] = path.root === 'api' ? ['', path.rest[0]] : path.rest;
  const group = named.find(({ name }) => name === first);
  if (group === undefined) return textResponse(404, '404 page not found\n');
  if (!parseAccept(path.accept).some(acceptsJson)) return notAcceptable();
  if (second === undefined) return jsonResponse(200, { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group) });
  const version = group.versions.find((candidate) => candidate.version === second);
  return version === undefined ? statusAnswer(resourceUnknown()) : jsonResponse(200, apiResourceList(group, version));
}

function rootResponse(options: DiscoveryOptions, groups: readonly DiscoveredGroup[], path: DiscoveryPath): ApiResponse {
  for (const media of parseAccept(path.accept)) {
    const { as, g, v } = media.parameters;
    if (as === 'APIGroupDiscoveryList' && g === 'apidiscovery.k8s.io' && v === 'v2') {
      const list = {
        kind: 'APIGroupDiscoveryList',
        apiVersion: 'apidiscovery.k8s.io/v2',
        metadata: {},
        items: groups.map(groupDiscovery),
      };
      const response = jsonResponse(200, list);
      return { ...response, headers: { ...response.headers, 'content-type': AGGREGATED, vary: 'Accept' } };
    }
    if (acceptsJson(media)) return jsonResponse(200, plainRoot(options, groups, path.root));
  }
  return notAcceptable();
}

function plainRoot(
  options: DiscoveryOptions,
  groups: readonly DiscoveredGroup[],
  root: 'api' | 'apis',
): Record<string, unknown> {
  if (root === 'apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(apiGroup) };
  return {
    kind: 'APIVersions',
    versions: groups.flatMap(({ versions }) => versions.map(({ version }) => version)),
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: options.serverAddress() }],
  };
}

function versionResponse(method: string, accept: string | undefined): ApiResponse {
  if (method !== 'GET' && method !== 'HEAD') {
    return statusAnswer(methodNotAllowed());
  }
  return parseAccept(accept).some(acceptsJson) ? jsonResponse(200, SERVER_VERSION) : notAcceptable();
}

function statusAnswer({ status }: StatusError): ApiResponse {
  return jsonResponse(status.code, status);
}

function openIdConfiguration({ serviceAccounts }: DiscoveryOptions): ApiResponse {
  return jsonResponse(200, {
    issuer: serviceAccounts.issuer,
    jwks_uri: `${serviceAccounts.issuer}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  });
}

function keySet({ serviceAccounts }: DiscoveryOptions): ApiResponse {
  const response = jsonResponse(200, serviceAccounts.jwks);
  return { ...response, headers: { ...response.headers, 'content-type': 'application/jwk-set+json' } };
}
