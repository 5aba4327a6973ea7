import type { AnyObject, Clock } from '@drey/kube';
import { History, MAX_CHANGES_PER_KIND } from './history.ts';
import { orderKey, SortedRecords } from './key-order.ts';
import type { AtRevision, Backend, Change, ChangeListener, ListScope, StorageKey, StoredRecord } from './types.ts';

/** How long older versions stay readable by lists unless {@link StoreOptions.historyMs} says otherwise. */
export const DEFAULT_HISTORY_MS = 60_000;

/** Spacing of the marks by which the store knows how old a revision is. */
const MARK_EVERY_MS = 1_000;

/** A watch from version 1 has always missed something, as on a real server. */
const FIRST_REVISION = 2;

export interface StoreOptions {
  readonly clock: Clock;
  /** Absent: memory only. */
  readonly backend?: Backend;
  /** Lists at revisions older than this get 410, as after etcd's compaction. */
  readonly historyMs?: number;
  readonly maxChangesPerKind?: number;
}

interface Kind {
  readonly records: SortedRecords;
  readonly history: History;
  readonly listeners: Set<ChangeListener>;
}

/**
 * All objects in memory, one revision counter, and a bounded window of older versions.
 *
 * Guarantees: calls are synchronous and atomic; a write is durable (if there is a backend) before it is visible, and
 * listeners hear of changes in revision order, each exactly once. A backend that fails leaves the store as it was.
 */
export class ObjectStore {
  readonly #clock: Clock;
  readonly #backend: Backend | undefined;
  readonly #historyMs: number;
  readonly #maxChanges: number;
  readonly #kinds = new Map<StorageKey, Kind>();
  readonly #listeners = new Set<ChangeListener>();
  readonly #startRevision: number;
  #marks: { at: number; revision: number }[] = [];
  #revision: number;
  #compacted = 0;

  constructor(options: StoreOptions) {
    this.#clock = options.clock;
    this.#backend = options.backend;
    this.#historyMs = options.historyMs ?? DEFAULT_HISTORY_MS;
    this.#maxChanges = options.maxChangesPerKind ?? MAX_CHANGES_PER_KIND;
    const loaded = options.backend?.load() ?? { revision: FIRST_REVISION, records: [] };
    this.#revision = Math.max(FIRST_REVISION, loaded.revision);
    this.#startRevision = this.#revision;
    this.#compacted = this.#revision;
    for (const record of loaded.records) this.#kind(record.key).records.set(keyOf(record), record);
  }

  /** The revision of the newest change. */
  get revision(): number {
    return this.#revision;
  }

  get(key: StorageKey, namespace: string, name: string): StoredRecord | undefined {
    return this.#kinds.get(key)?.records.get(orderKey(namespace, name));
  }

  /** The newest records in key order. */
  list(key: StorageKey, scope: ListScope): readonly StoredRecord[] {
    const records = this.#kinds.get(key)?.records;
    return records === undefined ? [] : records.range(prefixOf(scope), scope.from ?? '');
  }

  count(key: StorageKey): number {
    return this.#kinds.get(key)?.records.size ?? 0;
  }

  /** Records as they were at `revision`. */
  listAt(key: StorageKey, scope: ListScope, revision: number): AtRevision {
    if (revision > this.#revision) return { type: 'future' };
    const oldest = Math.max(this.#compactedNow(), this.#kinds.get(key)?.history.floor ?? 0);
    if (revision < oldest) return { type: 'gone', oldest };
    const undone = this.#kinds.get(key)?.history.after(revision) ?? [];
    if (undone.length === 0) return { type: 'records', records: this.list(key, scope) };
    return { type: 'records', records: rewind(this.list(key, scope), undone, scope) };
  }

  /**
   * Stores `object` under `metadata.namespace` and `metadata.name`, with the next revision as its resourceVersion.
   * Returns `conflict` when the newest record is not `expected` (undefined: there must be none). Throws StoreError.
   */
  write(key: StorageKey, object: AnyObject, expected: StoredRecord | undefined): StoredRecord | 'conflict' {
    const namespace = object.metadata.namespace ?? '';
    const name = object.metadata.name ?? '';
    const kind = this.#kind(key);
    if (kind.records.get(orderKey(namespace, name)) !== expected) return 'conflict';
    const record = this.#record(key, namespace, name, object);
    this.#backend?.put(record);
    this.#revision = record.revision;
    kind.records.set(orderKey(namespace, name), record);
    this.#publish(kind, { type: expected === undefined ? 'ADDED' : 'MODIFIED', record, previous: expected });
    return record;
  }

  /** Removes `expected`; `lastObject` is what watchers see (default: its content). Throws StoreError. */
  remove(expected: StoredRecord, lastObject: AnyObject = expected.object): StoredRecord | 'conflict' {
    const kind = this.#kind(expected.key);
    if (kind.records.get(keyOf(expected)) !== expected) return 'conflict';
    const record = this.#record(expected.key, expected.namespace, expected.name, lastObject);
    this.#backend?.remove(record);
    this.#revision = record.revision;
    kind.records.delete(keyOf(expected));
    this.#publish(kind, { type: 'DELETED', record, previous: expected });
    return record;
  }

  /** Calls `listener` for every change of one kind, or of all kinds, after this call. Returns how to stop. */
  subscribe(key: StorageKey | undefined, listener: ChangeListener): () => void {
    const listeners = key === undefined ? this.#listeners : this.#kind(key).listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Changes of a kind after `revision`, or the oldest revision from which they are complete. */
  changesAfter(key: StorageKey, revision: number): readonly Change[] | { readonly oldest: number } {
    const { history } = this.#kind(key);
    return revision < history.floor ? { oldest: history.floor } : history.after(revision);
  }

  /** Watches of a kind from before this moment are refused from now on (a custom resource that begins to be served). */
  startHistory(key: StorageKey): void {
    this.#kind(key).history.discard(this.#revision);
  }

  /** Discards versions older than the newest ones. */
  compact(): void {
    this.#compacted = this.#revision;
  }

  close(): void {
    this.#backend?.close();
  }

  #kind(key: StorageKey): Kind {
    const found = this.#kinds.get(key);
    if (found !== undefined) return found;
    const kind: Kind = {
      records: new SortedRecords(),
      history: new History(this.#startRevision, this.#maxChanges),
      listeners: new Set(),
    };
    this.#kinds.set(key, kind);
    return kind;
  }

  #record(key: StorageKey, namespace: string, name: string, object: AnyObject): StoredRecord {
    const revision = this.#revision + 1;
    const metadata = { ...object.metadata, resourceVersion: String(revision) };
    return { key, namespace, name, revision, object: { ...object, metadata } };
  }

  #publish(kind: Kind, change: Change): void {
    const now = this.#clock.now();
    const last = this.#marks.at(-1);
    if (last !== undefined && now - last.at < MARK_EVERY_MS) last.revision = this.#revision;
    else this.#marks.push({ at: now, revision: this.#revision });
    this.#compactedNow();
    kind.history.add(change);
    for (const listener of kind.listeners) listener(change);
    for (const listener of this.#listeners) listener(change);
  }

  /** The revision below which lists are refused, moved on by age. */
  #compactedNow(): number {
    const horizon = this.#clock.now() - this.#historyMs;
    let passed = 0;
    while (passed < this.#marks.length && (this.#marks[passed]?.at ?? horizon) < horizon) passed += 1;
    if (passed > 0) {
      this.#compacted = Math.max(this.#compacted, this.#marks[passed - 1]?.revision ?? 0);
      this.#marks = this.#marks.slice(passed);
    }
    return this.#compacted;
  }
}

function keyOf(record: StoredRecord): string {
  return orderKey(record.namespace, record.name);
}

function prefixOf(scope: ListScope): string {
  return scope.namespace === undefined ? '' : `${scope.namespace}/`;
}

/** Takes back `changes`, newest first. */
function rewind(newest: readonly StoredRecord[], changes: readonly Change[], scope: ListScope): StoredRecord[] {
  const state = new Map(newest.map((record) => [keyOf(record), record]));
  for (const change of changes.toReversed()) {
    const key = keyOf(change.record);
    if (key < (scope.from ?? '') || !key.startsWith(prefixOf(scope))) continue;
    if (change.previous === undefined) state.delete(key);
    else state.set(key, change.previous);
  }
  return [...state].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}
