import type { AnyObject } from '@drey/kube';

/** `group/plural` of what is stored, for example `apps/deployments` or `/pods`; one key for all versions of a kind. */
export type StorageKey = string;

/** One version of one object. The object is shared and must not be changed. */
export interface StoredRecord {
  readonly key: StorageKey;
  /** Empty for cluster-scoped objects. */
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  /** In its storage version, with `metadata.resourceVersion` equal to `revision`. */
  readonly object: AnyObject;
}

/** One committed change. A DELETED record carries the last content with the revision of the removal. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly record: StoredRecord;
  readonly previous: StoredRecord | undefined;
}

export interface ListScope {
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** Only keys from here on (inclusive), in key order: `namespace/name`, or `name` for cluster-scoped objects. */
  readonly from?: string;
}

/** What happened to the revision a reader asked for. */
export type AtRevision =
  | { readonly type: 'records'; readonly records: readonly StoredRecord[] }
  /** Discarded; `oldest` is the oldest revision that can still be read. */
  | { readonly type: 'gone'; readonly oldest: number }
  /** Not reached yet. */
  | { readonly type: 'future' };

export type ChangeListener = (change: Change) => void;

/** What lies under the store: the durable copy of the newest version of each object. Calls are synchronous and atomic. */
export interface Backend {
  /** Everything stored, and the last revision ever given. */
  load(): { readonly revision: number; readonly records: Iterable<StoredRecord> };
  put(record: StoredRecord): void;
  remove(record: StoredRecord): void;
  close(): void;
}
