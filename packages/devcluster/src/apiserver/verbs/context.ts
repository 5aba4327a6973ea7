import type { AnyObject, Clock, Random } from '@drey/kube';
import type { ApiRequest } from '../contract.ts';
import type { Encoder } from '../encode.ts';
import type {
  Admission,
  ProtobufDecoder,
  RequestInfo,
  SubresourceDefinition,
  TableRenderer,
  VirtualResources,
} from '../model.ts';
import type { ResourceRegistry } from '../registry/registry.ts';
import type { ServedResource } from '../registry/served.ts';
import type { ObjectStore } from '../storage/index.ts';
import type { Allocators } from './allocation.ts';

/** What all requests share. */
export interface ServerCore {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly registry: ResourceRegistry;
  readonly encoder: Encoder;
  readonly allocators: Allocators;
  readonly admission: Admission | undefined;
  readonly renderTable: TableRenderer | undefined;
  readonly virtual: VirtualResources | undefined;
  readonly decodeProtobuf: ProtobufDecoder | undefined;
}

/** One request on a served resource. */
export interface Call {
  readonly core: ServerCore;
  readonly request: ApiRequest;
  readonly info: Extract<RequestInfo, { type: 'resource' }>;
  readonly resource: ServedResource;
  readonly subresource: SubresourceDefinition | undefined;
  /** Filled while the request is handled; sent as Warning headers. */
  readonly warnings: string[];
}

/** RFC 3339 with seconds, as Kubernetes writes times. */
export function timestamp(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
}

/** The object under the request's name in the version of the request, or undefined. */
export function currentObject(call: Call): AnyObject | undefined {
  const { core, resource, info } = call;
  const record = core.store.get(resource.storageKey, namespaceOf(call), info.name ?? '');
  return record === undefined ? undefined : resource.decode(record.object);
}

/** The namespace in storage: empty for cluster-scoped kinds. */
export function namespaceOf(call: Call): string {
  return call.resource.namespaced ? (call.info.namespace ?? '') : '';
}
