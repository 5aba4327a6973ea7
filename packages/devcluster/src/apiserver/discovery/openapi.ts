import { createHash } from 'node:crypto';
import type { ApiResponse } from '../contract.ts';
import { jsonResponse, textResponse } from '../front/wire.ts';
import type { ObjectReader, Registry } from '../model.ts';
import { type OpenApiDefinition, openApiDefinitions } from '../schema/index.ts';
import { customDefinitions } from './custom-definitions.ts';
import { type DiscoveredGroup, type DiscoveredVersion, groupVersion } from './groups.ts';
import { acceptsJson, notAcceptable, parseAccept } from './media-types.ts';
import { resourcePaths } from './openapi-paths.ts';
import { toSwagger } from './swagger.ts';

type Definitions = Readonly<Record<string, OpenApiDefinition>>;
type Document = Readonly<Record<string, unknown>>;

interface Rendered {
  readonly body: Uint8Array;
  readonly hash: string;
}

interface OpenApiOptions {
  readonly registry: Registry;
  readonly objects: ObjectReader;
  readonly groups: () => readonly DiscoveredGroup[];
}

const INFO = { title: 'Kubernetes', version: '1.34' };
const V3 = '/openapi/v3';

/** Answers `/openapi/v2`, `/openapi/v3` and the documents below it, one for each group and version, made when asked for. */
export function createOpenApi(
  options: OpenApiOptions,
): (path: string, query: URLSearchParams, headers: Readonly<Record<string, string>>) => ApiResponse | undefined {
  const documents = new DocumentCache(options);
  return (path, query, headers) => {
    if (path === '/openapi/v2') {
      // Clients that know v2 ask for its protobuf form first and JSON second, or for JSON alone.
      if (!parseAccept(headers.accept).some(acceptsJson)) return notAcceptable();
      return rendered(documents.swagger(), headers, {});
    }
    if (path === V3) {
      const paths = Object.fromEntries(
        documents
          .names()
          .map((name) => [name, { serverRelativeURL: `${V3}/${name}?hash=${documents.v3(name)?.hash}` }]),
      );
      return textResponse(200, JSON.stringify({ paths }));
    }
    if (!path.startsWith(`${V3}/`)) return undefined;
    const document = documents.v3(path.slice(V3.length + 1));
    if (document === undefined) return { status: 404, headers: {} };
    const wanted = query.get('hash');
    if (wanted !== null && wanted !== document.hash)
      return { status: 301, headers: { location: `${path}?hash=${document.hash}`, etag: `"${document.hash}"` } };
    // A document under its hash never changes.
    const cache = wanted === null ? {} : { 'cache-control': 'public, immutable, max-age=31536000' };
    return rendered(document, headers, cache);
  };
}

function rendered(
  document: Rendered,
  headers: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>>,
): ApiResponse {
  const etag = `"${document.hash}"`;
  if (headers['if-none-match'] === etag) return { status: 304, headers: { etag, ...more } };
  const response = jsonResponse(200, undefined);
  return { ...response, headers: { ...response.headers, vary: 'Accept', etag, ...more }, body: document.body };
}

/** Built-in documents are made once, those of custom resources once for every revision of the registry. */
class DocumentCache {
  readonly #options: OpenApiOptions;
  readonly #builtin = new Map<string, Rendered>();
  readonly #custom = new Map<string, Rendered>();
  #revision = -1;

  constructor(options: OpenApiOptions) {
    this.#options = options;
  }

  names(): readonly string[] {
    const names = ['version'];
    for (const group of this.#options.groups()) {
      const root = group.name === '' ? 'api' : 'apis';
      names.push(root, ...(group.name === '' ? [] : [`apis/${group.name}`]));
      names.push(...group.versions.map(({ version }) => `${root}/${groupVersion(group.name, version)}`));
    }
    return [...new Set(names)].sort();
  }

  v3(name: string): Rendered | undefined {
    const { registry } = this.#options;
    if (this.#revision !== registry.revision) {
      this.#custom.clear();
      this.#revision = registry.revision;
    }
    const known = this.#builtin.get(name) ?? this.#custom.get(name);
    if (known !== undefined || !this.names().includes(name)) return known;
    const found = this.#find(name);
    const document = found === undefined ? rootDocument(name) : this.#versionDocument(found.group, found.version);
    const made = render(document);
    const custom = found?.version.resources.some(({ crd }) => crd !== undefined) ?? false;
    (custom ? this.#custom : this.#builtin).set(name, made);
    return made;
  }

  /** Not kept: it is large, and nobody asks twice. */
  swagger(): Rendered {
    const paths: Record<string, unknown> = {};
    let definitions: Definitions = openApiDefinitions();
    for (const group of this.#options.groups()) {
      for (const version of group.versions) {
        const document = this.#versionDocument(group, version);
        Object.assign(paths, document.paths);
        definitions = { ...definitions, ...customDefinitions(group.name, version, this.#options.objects) };
      }
    }
    return render(toSwagger({ info: INFO, paths, definitions }));
  }

  #find(name: string): { group: DiscoveredGroup; version: DiscoveredVersion } | undefined {
    for (const group of this.#options.groups()) {
      const root = group.name === '' ? 'api' : 'apis';
      const version = group.versions.find((entry) => `${root}/${groupVersion(group.name, entry.version)}` === name);
      if (version !== undefined) return { group, version };
    }
    return undefined;
  }

  #versionDocument(group: DiscoveredGroup, version: DiscoveredVersion): Document {
    const definitions = { ...openApiDefinitions(), ...customDefinitions(group.name, version, this.#options.objects) };
    const schemaOf = kindIndex(definitions);
    const paths = resourcePaths(group.name, version, (gvk) => schemaOf.get(gvk));
    return {
      openapi: '3.0.0',
      info: INFO,
      paths,
      components: {
        schemas: closure(definitions, references(paths)),
        securitySchemes: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
      },
    };
  }
}

function render(document: Document): Rendered {
  const body = Buffer.from(JSON.stringify(document));
  return { body, hash: createHash('sha512').update(body).digest('hex').toUpperCase() };
}

/** The documents of discovery itself; no schemas, since no client reads them. */
function rootDocument(name: string): Document {
  const responses = { 200: { description: 'OK' }, 401: { description: 'Unauthorized' } };
  return { openapi: '3.0.0', info: INFO, paths: { [`/${name}/`]: { get: { responses } } }, components: {} };
}

/** `group/version/kind` → name of the definition. The first one wins: options kinds claim every group. */
function kindIndex(definitions: Definitions): ReadonlyMap<string, string> {
  const index = new Map<string, string>();
  for (const [name, definition] of Object.entries(definitions)) {
    const kinds = definition['x-kubernetes-group-version-kind'] ?? [];
    for (const { group, version, kind } of kinds) {
      const key = `${group}/${version}/${kind}`;
      if (!index.has(key)) index.set(key, name);
    }
  }
  return index;
}

const REFERENCE = '#/components/schemas/';

function references(value: unknown, found: Set<string> = new Set()): Set<string> {
  if (Array.isArray(value)) for (const item of value) references(item, found);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key === '$ref' && typeof item === 'string') found.add(item.slice(REFERENCE.length));
      else references(item, found);
    }
  }
  return found;
}

/** The named definitions and all that they refer to. */
function closure(definitions: Definitions, names: ReadonlySet<string>): Record<string, OpenApiDefinition> {
  const out: Record<string, OpenApiDefinition> = {};
  const todo = [...names];
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    const definition = definitions[name];
    if (definition === undefined || out[name] !== undefined) continue;
    out[name] = definition;
    todo.push(...references(definition));
  }
  return Object.fromEntries(Object.entries(out).sort(([a], [b]) => (a < b ? -1 : 1)));
}
