import type { Clock, Random } from '../runtime/clock.ts';
import { type CallDeps, callJson, callStream, nameOf } from './call.ts';
import type {
  ApplyOptions,
  CallOptions,
  DeleteOptions,
  KubeClient,
  ListOptions,
  LogOptions,
  PatchType,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { KubeError } from './errors.ts';
import { connectionFailure, failureOf, isStatus } from './failure.ts';
import { type ExactInteger, parseJson } from './json.ts';
import { linesOf } from './lines.ts';
import { apiVersionOf, type KubeList, type KubeObject, type Resource } from './objects.ts';
import { collectionPath, objectPath, withQuery } from './paths.ts';
import type { HttpRequest, Transport } from './transport.ts';

/** One watch event is one object: 1.5 MB at rest in etcd, somewhat more with its managedFields. */
const MAX_EVENT_BYTES = 32 * 1024 * 1024;

const CONTENT_TYPES: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

export interface KubeClientOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** Field manager of writes that name none. Default `drey`. */
  readonly fieldManager?: string;
  /** Default `drey`. */
  readonly userAgent?: string;
  /** Hears every `Warning` header (deprecated versions, unknown fields). */
  readonly onWarning?: (warning: string, path: string) => void;
  /** What an integer that a number cannot hold becomes. Default: the nearest number. */
  readonly exactInteger?: ExactInteger;
}

/**
 * The {@link KubeClient} over a {@link Transport}.
 *
 * Guarantees: every call ends within its time-out by the injected clock; items of lists carry `apiVersion` and `kind`,
 * which the API server leaves out; writes are sent once; watches ask for bookmarks.
 * Failure: see {@link KubeError}.
 */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const deps: CallDeps = {
    transport: options.transport,
    clock: options.clock,
    random: options.random,
    headers: { 'user-agent': options.userAgent ?? 'drey' },
    onWarning: options.onWarning,
    exactInteger: options.exactInteger,
  };
  return new Client(deps, options.fieldManager ?? 'drey');
}

class Client implements KubeClient {
  readonly #deps: CallDeps;
  readonly #fieldManager: string;

  constructor(deps: CallDeps, fieldManager: string) {
    this.#deps = deps;
    this.#fieldManager = fieldManager;
  }

  async get<T extends KubeObject>(
    r: Resource<T>,
    namespace: string | undefined,
    name: string,
    o: CallOptions = {},
  ): Promise<T> {
    return this.#object<T>('GET', objectPath(r, namespace, named(r, name)), undefined, o);
  }

  async list<T extends KubeObject>(r: Resource<T>, o: ListOptions = {}): Promise<KubeList<T>> {
    const path = withQuery(collectionPath(r, o.namespace), {
      labelSelector: o.labelSelector,
      fieldSelector: o.fieldSelector,
      limit: o.limit,
      continue: o.continue,
      resourceVersion: o.resourceVersion,
      resourceVersionMatch: o.resourceVersionMatch,
    });
    const call = { method: 'GET', path, ...callOptions(o) } as const;
    const list = await callJson(this.#deps, call);
    if (!isList<T>(list)) throw notAn('a list', nameOf(call), false);
    const apiVersion = apiVersionOf(r);
    list.items ??= [];
    for (const item of list.items) {
      item.apiVersion ??= apiVersion;
      item.kind ??= r.kind;
    }
    return list;
  }

  async *watch<T extends KubeObject>(r: Resource<T>, o: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const path = withQuery(collectionPath(r, o.namespace), {
      watch: true,
      allowWatchBookmarks: true,
      labelSelector: o.labelSelector,
      fieldSelector: o.fieldSelector,
      resourceVersion: o.resourceVersion,
      timeoutSeconds: o.timeoutSeconds,
      sendInitialEvents: o.sendInitialEvents ? true : undefined,
      resourceVersionMatch: o.sendInitialEvents ? 'NotOlderThan' : undefined,
    });
    const call = { method: 'GET', path, signal: o.signal } as const;
    const what = `watch ${collectionPath(r, o.namespace)}`;
    const response = await callStream(this.#deps, call);
    const lines = linesOf(response.body, {
      maxBytes: MAX_EVENT_BYTES,
      onTooLong: () => new KubeError('E_KUBE_BAD_ANSWER', `${what}: an event is larger than ${MAX_EVENT_BYTES} bytes`),
      onPartial: () => new KubeError('E_KUBE_UNREACHABLE', `${what}: the stream broke off in the middle of an event`),
    });
    try {
      for await (const line of lines) yield eventOf<T>(line, what, this.#deps.exactInteger);
    } catch (error) {
      o.signal.throwIfAborted();
      throw connectionFailure(error, what, false, true);
    }
  }

  async create<T extends KubeObject>(r: Resource<T>, object: T, o: WriteOptions = {}): Promise<T> {
    const path = collectionPath(r, object.metadata.namespace);
    return this.#object<T>('POST', withQuery(path, this.#writeQuery(o)), object, o);
  }

  async replace<T extends KubeObject>(r: Resource<T>, object: T, o: WriteOptions = {}): Promise<T> {
    const path = objectPath(r, object.metadata.namespace, named(r, object.metadata.name), o.subresource);
    return this.#object<T>('PUT', withQuery(path, this.#writeQuery(o)), object, o);
  }

  async patch<T extends KubeObject>(
    r: Resource<T>,
    namespace: string | undefined,
    name: string,
    type: PatchType,
    patch: unknown,
    o: WriteOptions = {},
  ): Promise<T> {
    const path = withQuery(objectPath(r, namespace, named(r, name), o.subresource), this.#writeQuery(o));
    return this.#object<T>('PATCH', path, patch, o, CONTENT_TYPES[type]);
  }

  async apply<T extends KubeObject>(r: Resource<T>, intent: T, o: ApplyOptions): Promise<T> {
    const { namespace, name } = intent.metadata;
    const path = withQuery(objectPath(r, namespace, named(r, name), o.subresource), {
      ...this.#writeQuery(o),
      force: o.force ?? true,
    });
    return this.#object<T>('PATCH', path, intent, o, 'application/apply-patch+yaml');
  }

  async delete(
    r: Resource<KubeObject>,
    namespace: string | undefined,
    name: string,
    o: DeleteOptions = {},
  ): Promise<void> {
    const exact = o.uid !== undefined || o.resourceVersion !== undefined;
    const body = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...(o.propagation !== undefined && { propagationPolicy: o.propagation }),
      ...(o.gracePeriodSeconds !== undefined && { gracePeriodSeconds: o.gracePeriodSeconds }),
      ...(exact && {
        preconditions: {
          ...(o.uid !== undefined && { uid: o.uid }),
          ...(o.resourceVersion !== undefined && { resourceVersion: o.resourceVersion }),
        },
      }),
    };
    const path = objectPath(r, namespace, named(r, name));
    await callJson(this.#deps, { method: 'DELETE', path, body, ...callOptions(o) });
  }

  async *logs(namespace: string, pod: string, o: LogOptions = {}): AsyncGenerator<Uint8Array> {
    const path = withQuery(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`, {
      container: o.container,
      follow: o.follow,
      previous: o.previous,
      timestamps: o.timestamps,
      tailLines: o.tailLines,
      sinceSeconds: o.sinceSeconds,
      limitBytes: o.limitBytes,
    });
    const call = { method: 'GET', path, signal: o.signal } as const;
    const response = await callStream(this.#deps, call);
    try {
      yield* response.body;
    } catch (error) {
      o.signal?.throwIfAborted();
      throw connectionFailure(error, nameOf(call), false, true);
    }
  }

  async raw<R>(method: HttpRequest['method'], path: string, body?: unknown, o: CallOptions = {}): Promise<R> {
    const contentType = method === 'PATCH' ? CONTENT_TYPES.merge : 'application/json';
    return (await callJson(this.#deps, { method, path, body, contentType, ...callOptions(o) })) as R;
  }

  async #object<T extends KubeObject>(
    method: HttpRequest['method'],
    path: string,
    body: unknown,
    o: CallOptions,
    contentType = 'application/json',
  ): Promise<T> {
    const call = { method, path, body, contentType, ...callOptions(o) };
    const answer = await callJson(this.#deps, call);
    if (!isObject<T>(answer)) throw notAn('an object', nameOf(call), method !== 'GET');
    return answer;
  }

  #writeQuery(o: WriteOptions): Record<string, string | undefined> {
    return { fieldManager: o.fieldManager ?? this.#fieldManager, dryRun: o.dryRun ? 'All' : undefined };
  }
}

function eventOf<T extends KubeObject>(
  line: string,
  what: string,
  exactInteger: ExactInteger | undefined,
): WatchEvent<T> {
  let event: { type?: unknown; object?: unknown };
  try {
    event = parseJson(line, exactInteger) as { type?: unknown; object?: unknown };
  } catch (cause) {
    throw new KubeError('E_KUBE_BAD_ANSWER', `${what}: a line of the stream is not JSON`, { status: 200, cause });
  }
  const { type, object } = event;
  if (type === 'ERROR') {
    const status = isStatus(object) ? object : undefined;
    throw failureOf(status?.code ?? 500, status, what);
  }
  if (isObject<T>(object)) {
    if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') return { type, object };
    if (type === 'BOOKMARK') return { type, object };
  }
  throw new KubeError('E_KUBE_BAD_ANSWER', `${what}: an event of unknown type ${JSON.stringify(type)}`, {
    status: 200,
  });
}

function callOptions(o: CallOptions): { signal: AbortSignal | undefined; timeoutMs: number | undefined } {
  return { signal: o.signal, timeoutMs: o.timeoutMs };
}

function named(r: Resource<KubeObject>, name: string | undefined): string {
  if (name === undefined || name === '') {
    throw new KubeError('E_KUBE_INVALID', `a call on one ${r.kind} needs metadata.name`);
  }
  return name;
}

function isObject<T extends KubeObject>(value: unknown): value is T {
  return typeof value === 'object' && value !== null && typeof (value as { metadata?: unknown }).metadata === 'object';
}

function isList<T extends KubeObject>(value: unknown): value is KubeList<T> {
  if (!isObject<KubeObject>(value)) return false;
  const { items } = value as { items?: unknown };
  return items === undefined || items === null || Array.isArray(items);
}

function notAn(expected: string, what: string, write: boolean): KubeError {
  return new KubeError('E_KUBE_BAD_ANSWER', `${what}: the answer is not ${expected}`, {
    status: 200,
    maybeCommitted: write,
  });
}
