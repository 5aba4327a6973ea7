import type { KubeList, KubeObject, Resource } from './objects.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** For the whole call with its repetitions. Default 30 s. */
  readonly timeoutMs?: number;
}

export interface ListOptions extends CallOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly timeoutSeconds?: number;
  readonly sendInitialEvents?: boolean;
  readonly signal: AbortSignal;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly object: KubeObject };

export interface WriteOptions extends CallOptions {
  /** Default: the client's own manager. */
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly subresource?: 'status' | 'scale';
}

export interface ApplyOptions extends WriteOptions {
  /** One stable name per purpose, for example `drey` and `drey-status`. */
  readonly fieldManager: string;
  /** Default true, as controllers should. */
  readonly force?: boolean;
}

export type PatchType = 'json' | 'merge' | 'strategic';

export interface DeleteOptions extends CallOptions {
  readonly propagation?: 'Foreground' | 'Background' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  /** Deletes only this very object. */
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface LogOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly limitBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * Typed calls on the Kubernetes API. Every method rejects with a {@link file://./errors.ts | KubeError} on failure, or
 * with the signal's reason once the caller aborts, and never repeats a write by itself (reads are repeated on 429, 5xx and
 * a reset connection). Names are passed first; `namespace` is ignored for cluster-scoped kinds.
 */
export interface KubeClient {
  get<T extends KubeObject>(r: Resource<T>, namespace: string | undefined, name: string, o?: CallOptions): Promise<T>;
  list<T extends KubeObject>(r: Resource<T>, o?: ListOptions): Promise<KubeList<T>>;
  /** Ends without an error when the server closes the stream; rejects with E_KUBE_EXPIRED on 410 in either form. */
  watch<T extends KubeObject>(r: Resource<T>, o: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(r: Resource<T>, object: T, o?: WriteOptions): Promise<T>;
  /** PUT; optimistic when `metadata.resourceVersion` is set. */
  replace<T extends KubeObject>(r: Resource<T>, object: T, o?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(
    r: Resource<T>,
    namespace: string | undefined,
    name: string,
    type: PatchType,
    patch: unknown,
    o?: WriteOptions,
  ): Promise<T>;
  /** Server-side apply of the full intent. */
  apply<T extends KubeObject>(r: Resource<T>, intent: T, o: ApplyOptions): Promise<T>;
  /** Resolves when accepted; a missing object rejects with E_KUBE_NOT_FOUND. */
  delete(r: Resource<KubeObject>, namespace: string | undefined, name: string, o?: DeleteOptions): Promise<void>;
  /** The log of one container as bytes; with `follow` until it ends or the signal aborts. */
  logs(namespace: string, pod: string, o?: LogOptions): AsyncIterable<Uint8Array>;
  /** Any other call that answers JSON, for example a subresource create (`binding`, `token`). */
  raw<R>(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    o?: CallOptions,
  ): Promise<R>;
}
