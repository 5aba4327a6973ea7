import type { AnyObject, Clock, Random } from '@drey/kube';
import { accessOf } from './auth/access.ts';
import { forbiddenStatus } from './auth/forbidden.ts';
import type { ApiHandler, ApiRequest, ApiResponse, User } from './contract.ts';
import { Encoder } from './encode.ts';
import {
  type Admission,
  type Authorizer,
  type NonResourceHandler,
  type ObjectReader,
  type ProtobufDecoder,
  StatusError,
  type TableRenderer,
  type VirtualResources,
} from './model.ts';
import { acceptsOnlyProtobuf, encodeStatus } from './protobuf/encode-status.ts';
import { customNames } from './registry/custom-resources.ts';
import { DefinitionController } from './registry/definition-controller.ts';
import { ResourceRegistry } from './registry/registry.ts';
import { requestInfoOf } from './request-info.ts';
import { internalError, resourceUnknown, storeRefusal } from './status.ts';
import { type ObjectStore, StoreError } from './storage/index.ts';
import { ServiceAllocators } from './verbs/allocation.ts';
import type { Call, ServerCore } from './verbs/context.ts';
import { handleResource } from './verbs/resource-request.ts';

/** What plug-ins of the server are made from. */
export interface ServerParts {
  readonly registry: ResourceRegistry;
  readonly reader: ObjectReader;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** What the server asks others for. Absent parts: everything allowed, nothing admitted or answered beyond storage. */
export interface ServerPlugins {
  readonly authorizer?: Authorizer;
  readonly admission?: Admission;
  readonly renderTable?: TableRenderer;
  readonly nonResource?: NonResourceHandler;
  readonly virtual?: VirtualResources;
  readonly decodeProtobuf?: ProtobufDecoder;
}

export interface ApiServerOptions {
  /** The server closes it. */
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Called once, while the server is made. */
  readonly plugins?: (parts: ServerParts) => ServerPlugins;
  /** Where Services get their addresses from; default `10.0.0.0/16`. */
  readonly serviceCidr?: string;
  /** Hears of errors that are nobody's answer: they become a 500. */
  readonly onFault?: (error: unknown, request: ApiRequest) => void;
}

export interface ApiServer extends ServerParts {
  /** Handles authenticated requests. Never rejects. */
  readonly handle: ApiHandler;
  /** Ends the store. Watches end with their requests' signals. */
  close(): void;
}

/** The API server: routing, authorization, verbs, storage. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { store, clock, random } = options;
  const registry = new ResourceRegistry();
  const parts: ServerParts = { registry, reader: objectReader(store, registry), store, clock, random };
  const plugins = options.plugins?.(parts) ?? {};
  const core: ServerCore = {
    store,
    clock,
    random,
    registry,
    encoder: new Encoder(),
    allocators: new ServiceAllocators(store, options.serviceCidr ?? '10.0.0.0/16'),
    admission: plugins.admission,
    renderTable: plugins.renderTable,
    virtual: plugins.virtual,
    decodeProtobuf: plugins.decodeProtobuf,
  };
  const handle: ApiHandler = async (request) => {
    const warnings: string[] = [];
    try {
      return await answer(core, plugins, request, warnings);
    } catch (error) {
      if (error instanceof StatusError) return { ...statusAnswer(error, request.headers.accept), warnings };
      if (error instanceof StoreError) return statusAnswer(storeRefusal(error), request.headers.accept);
      options.onFault?.(error, request);
      const message = error instanceof Error ? error.message : String(error);
      return statusAnswer(internalError(message));
    }
  };
  new DefinitionController({
    store,
    registry,
    clock,
    deleteInstance: (crd, instance) => deleteInstance(handle, crd, instance),
  });
  return { ...parts, handle, close: () => store.close() };
}

/** Who the server is to itself. */
const SELF: User = { name: 'system:apiserver', groups: ['system:masters'] };

/** An instance that cannot be deleted now is tried again when something else of its kind goes. */
async function deleteInstance(handle: ApiHandler, crd: AnyObject, instance: AnyObject): Promise<void> {
  const { group, plural } = customNames(crd);
  const { namespace, name } = instance.metadata;
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  const [version = ''] = instance.apiVersion.split('/').reverse();
  await handle({
    method: 'DELETE',
    path: `/apis/${group}/${version}${scope}/${plural}/${name}`,
    query: new URLSearchParams(),
    headers: {},
    body: undefined,
    user: SELF,
    signal: new AbortController().signal,
  });
}

const NOT_FOUND_PAGE: ApiResponse = {
  status: 404,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body: Buffer.from('404 page not found\n'),
};

/** Puts what the client is to be warned of into `warnings`, also when it throws. */
async function answer(
  core: ServerCore,
  plugins: ServerPlugins,
  request: ApiRequest,
  warnings: string[],
): Promise<ApiResponse> {
  const info = requestInfoOf(request.method, request.path, request.query);
  const decision = plugins.authorizer?.(request.user, info) ?? { allowed: true, reason: '' };
  if (!decision.allowed) throw new StatusError(forbiddenStatus(request.user, accessOf(info), decision.reason));
  if (info.type === 'other') {
    return plugins.nonResource?.(request.method, request.path, request.query, request.headers) ?? NOT_FOUND_PAGE;
  }
  const resource = core.registry.find(info.group, info.version, info.resource);
  if (resource === undefined) {
    if (!core.registry.isBuiltin(info.group)) return NOT_FOUND_PAGE;
    throw resourceUnknown();
  }
  const subresource = resource.subresources.find(({ name }) => name === info.subresource);
  const call: Call = { core, request, info, resource, subresource, warnings };
  return handleResource(call);
}

function statusAnswer(error: StatusError, accept?: string): ApiResponse {
  if (error.status.code === 406 && acceptsOnlyProtobuf(accept)) {
    const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' };
    return { status: 406, headers, body: encodeStatus(error.status) };
  }
  return {
    status: error.status.code,
    headers: { 'content-type': 'application/json', ...error.headers },
    body: Buffer.from(`${JSON.stringify(error.status)}\n`),
  };
}

/** Reads by group and plural; custom resources by their storage version. */
function objectReader(store: ObjectStore, registry: ResourceRegistry): ObjectReader {
  const keyOf = (group: string, plural: string): string => registry.storageKeyOf(group, plural) ?? `${group}/${plural}`;
  return {
    get: (group, plural, namespace, name) => store.get(keyOf(group, plural), namespace ?? '', name)?.object,
    list: (group, plural, namespace) => store.list(keyOf(group, plural), { namespace }).map((record) => record.object),
  };
}
