import type { KubeObject } from '../client/objects.ts';
import { type Feed, ScopedFeed } from './feed.ts';
import { type Indexers, Indexes } from './indexes.ts';
import { compareVersions } from './version.ts';

/** A value nobody may change: what the cache hands out is shared by everybody who reads it. */
export type DeepReadonly<T> = T extends (infer E)[]
  ? readonly DeepReadonly<E>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** An object as the cache holds it. */
export type Cached<T extends KubeObject> = DeepReadonly<T>;

/** One change of what readers see. `own` is true when a write of this process brought it, before the watch did. */
export type Change<T extends KubeObject> =
  | { readonly type: 'added'; readonly object: Cached<T>; readonly own: boolean }
  | { readonly type: 'modified'; readonly object: Cached<T>; readonly old: Cached<T>; readonly own: boolean }
  | { readonly type: 'deleted'; readonly object: Cached<T>; readonly own: boolean };

export type Listener<T extends KubeObject> = (change: Change<T>) => void;

export interface StoreOptions<T extends KubeObject, I extends string> {
  readonly indexers?: Indexers<T, I>;
  /** Drops what nobody reads, before an object is kept; managedFields are dropped anyway. May change its argument. */
  readonly transform?: (object: T) => T;
  /** Freezes what is handed out, so that a test finds a writer. */
  readonly freeze?: boolean;
  /** Hears a listener that threw. Default: the error ends the process, as any fault outside a reconcile does. */
  readonly onFault?: (error: unknown) => void;
}

/** `namespace/name`, or `name` alone for cluster-scoped objects. */
export function keyOf(object: { readonly metadata: { readonly name?: string; readonly namespace?: string } }): string {
  return keyFor(object.metadata.namespace, object.metadata.name ?? '');
}

export function keyFor(namespace: string | undefined, name: string): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/**
 * The objects of one kind in memory, read-your-writes.
 *
 * Guarantees: listeners hear each change of the view exactly once and in order, after the whole step is visible (a relist is
 * one step); when an own write turns out to contain changes of others, it is told once more as `modified` with `own: false`, so
 * that whoever ignores own changes misses nothing; the response of an own write ({@link Store.written}) is visible at once and stays until the watch has caught up
 * with it; neither a late event nor a late response brings back an older object or a deleted one; reads never copy.
 * Assumptions: each feed delivers events in the order of their versions, as a watch does.
 * Failure: versions that cannot be compared switch the overlay off (own writes then show when the watch brings them).
 */
export class Store<T extends KubeObject, I extends string = never> {
  readonly #view = new Map<string, Cached<T>>();
  /** Keys whose view is an own write. */
  readonly #shadowed = new Map<string, Shadow<T>>();
  readonly #indexes: Indexes<T, I>;
  readonly #feeds = new Map<string, ScopedFeed<T>>();
  readonly #listeners = new Set<Listener<T>>();
  readonly #options: StoreOptions<T, I>;
  #waiting: (() => void)[] = [];

  constructor(options: StoreOptions<T, I> = {}) {
    this.#options = options;
    this.#indexes = new Indexes(options.indexers);
  }

  get(namespace: string | undefined, name: string): Cached<T> | undefined {
    return this.#view.get(keyFor(namespace, name));
  }

  getByKey(key: string): Cached<T> | undefined {
    return this.#view.get(key);
  }

  /** All objects, or those of one namespace, in no particular order. */
  list(namespace?: string): Cached<T>[] {
    if (namespace === undefined) return [...this.#view.values()];
    return this.#pick(this.#indexes.namespace(namespace));
  }

  /** The objects that an indexer filed under `value`. */
  byIndex(index: I, value: string): Cached<T>[] {
    return this.#pick(this.#indexes.keys(index, value));
  }

  get size(): number {
    return this.#view.size;
  }

  /** Own writes that the watch has not shown yet. */
  get pendingWrites(): number {
    return this.#shadowed.size;
  }

  /** True once every feed has delivered a complete list, or was skipped. */
  get synced(): boolean {
    if (this.#feeds.size === 0) return false;
    for (const feed of this.#feeds.values()) if (!feed.synced) return false;
    return true;
  }

  /** True once a list of the objects of `namespace` has come: the kind is installed and may be read there. */
  listed(namespace: string | undefined): boolean {
    const feed = this.#feeds.get('') ?? this.#feeds.get(namespace ?? '');
    return feed?.listed === true;
  }

  /** Resolves once {@link Store.synced}; rejects with the signal's reason. */
  whenSynced(signal: AbortSignal): Promise<void> {
    if (this.synced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(() => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }

  /** Hears changes from now on; with `replay` what is there already comes first, as `added`. Returns the way to stop. */
  subscribe(listener: Listener<T>, options: { readonly replay?: boolean } = {}): () => void {
    // A wrapper of its own, so that one function may listen twice.
    const entry: Listener<T> = (change) => listener(change);
    this.#listeners.add(entry);
    if (options.replay)
      for (const object of [...this.#view.values()]) this.#tell(entry, { type: 'added', object, own: false });
    return () => this.#listeners.delete(entry);
  }

  /** The delivery end for one scope. Asking again for the same scope gives the same feed. */
  feed(namespace?: string): Feed<T> {
    const scope = namespace ?? '';
    let feed = this.#feeds.get(scope);
    if (feed === undefined) {
      feed = new ScopedFeed<T>(namespace, {
        replace: (items, version) => this.#replace(namespace, items, version),
        observe: (type, object) => this.#observe(type, object),
        progress: (version) => this.#progress(namespace, version),
        skip: () => this.#wake(),
      });
      this.#feeds.set(scope, feed);
    }
    return feed;
  }

  /**
   * Ends the feed of a scope: nobody waits for it, its late deliveries change nothing, and objects that no other feed covers
   * leave the view, told as deletions.
   */
  drop(namespace?: string): void {
    const feed = this.#feeds.get(namespace ?? '');
    if (feed === undefined) return;
    feed.close();
    this.#feeds.delete(namespace ?? '');
    const held = namespace === undefined ? [...this.#view.keys()] : [...this.#indexes.namespace(namespace)];
    const changes: (Change<T> | undefined)[] = [];
    for (const key of held) {
      const object = this.#view.get(key);
      if (object === undefined || this.#covers(object.metadata.namespace)) continue;
      this.#shadowed.delete(key);
      changes.push(this.#set(key, undefined, false));
    }
    this.#emit(changes);
    this.#wake();
  }

  /**
   * Shows the server's answer to an own write before the watch does. Ignored when the watch is already as far, when no feed
   * covers the object, or when versions cannot be compared.
   */
  written(answer: T): void {
    this.#show(answer, true);
  }

  /**
   * Shows an object that was read from the server just now, as {@link Store.written} does, but tells it as the change of others,
   * since it may hold one.
   */
  refreshed(read: T): void {
    this.#show(read, false);
  }

  #show(answer: T, own: boolean): void {
    const feed = this.#feeds.get('') ?? this.#feeds.get(answer.metadata.namespace ?? '');
    const version = answer.metadata.resourceVersion;
    if (version === undefined || feed?.version === undefined || !isNewer(version, feed.version)) return;
    const key = keyOf(answer);
    const seen = this.#view.get(key);
    if (seen !== undefined && !isNewer(version, seen.metadata.resourceVersion)) return;
    const shadow = this.#shadowed.get(key) ?? { base: seen, own: [] };
    if (own) shadow.own.push(version);
    this.#shadowed.set(key, shadow);
    this.#emit([this.#set(key, this.#prepare(copyOf(answer)), own)]);
  }

  #observe(type: 'ADDED' | 'MODIFIED' | 'DELETED', raw: T): void {
    const key = keyOf(raw);
    const latest = this.#prepare(raw);
    const object = type === 'DELETED' ? undefined : latest;
    const version = raw.metadata.resourceVersion;
    const seen = this.#view.get(key);
    const ahead = seen !== undefined && isNewer(seen.metadata.resourceVersion, version);
    const shadow = this.#shadowed.get(key);
    if (shadow !== undefined && ahead) {
      this.#rebase(seen, shadow, object, version);
      return;
    }
    this.#shadowed.delete(key);
    if (ahead || isSame(seen, object)) return;
    const change = this.#set(key, object, false);
    this.#emit([change?.type === 'deleted' ? { ...change, object: latest } : change]);
  }

  #replace(namespace: string | undefined, items: readonly T[], version: string | undefined): void {
    const changes: (Change<T> | undefined)[] = [];
    const listed = new Map(items.map((item) => [keyOf(item), item]));
    const held = namespace === undefined ? [...this.#view.keys()] : [...this.#indexes.namespace(namespace)];
    for (const key of held) {
      if (listed.has(key) || this.#keepsShadow(key, version, undefined)) continue;
      changes.push(this.#set(key, undefined, false));
    }
    for (const [key, item] of listed) {
      const object = this.#prepare(item);
      const wasShadowed = this.#shadowed.has(key);
      if (this.#keepsShadow(key, version, object)) continue;
      const seen = this.#view.get(key);
      if (!isSame(seen, object)) changes.push(this.#set(key, object, false));
      // What the list skipped may have held the changes of others; the own write was told as own.
      else if (wasShadowed && seen !== undefined)
        changes.push({ type: 'modified', object: seen, old: seen, own: false });
    }
    this.#emit(changes);
    this.#wake();
  }

  #wake(): void {
    if (this.synced) for (const done of this.#waiting.splice(0)) done();
  }

  #covers(namespace: string | undefined): boolean {
    return this.#feeds.has('') || this.#feeds.has(namespace ?? '');
  }

  /** True while the own write under `key` is newer than `version`; drops it otherwise. */
  #keepsShadow(key: string, version: string | undefined, base: Cached<T> | undefined): boolean {
    const shadow = this.#shadowed.get(key);
    if (shadow === undefined) return false;
    const seen = this.#view.get(key);
    if (seen !== undefined && isNewer(seen.metadata.resourceVersion, version)) {
      this.#rebase(seen, shadow, base, base?.metadata.resourceVersion);
      return true;
    }
    this.#shadowed.delete(key);
    return false;
  }

  /**
   * Notes what the server shows under an own write. When that is the work of others, the own write contains it, and those who
   * ignore own writes have to be told.
   */
  #rebase(seen: Cached<T>, shadow: Shadow<T>, base: Cached<T> | undefined, version: string | undefined): void {
    const known = shadow.base;
    shadow.base = base;
    if (isSame(known, base) || (version !== undefined && shadow.own.includes(version))) return;
    this.#emit([{ type: 'modified', object: seen, old: known ?? seen, own: false }]);
  }

  /** An own write the watch has passed without showing it lies outside of the watch: what the server showed counts. */
  #progress(namespace: string | undefined, version: string): void {
    if (this.#shadowed.size === 0) return;
    const changes: (Change<T> | undefined)[] = [];
    for (const [key, shadow] of [...this.#shadowed]) {
      const own = this.#view.get(key);
      if (own === undefined || (namespace !== undefined && own.metadata.namespace !== namespace)) continue;
      if (isNewer(own.metadata.resourceVersion, version)) continue;
      this.#shadowed.delete(key);
      changes.push(this.#set(key, shadow.base, false));
    }
    this.#emit(changes);
  }

  #prepare(object: T): Cached<T> {
    const kept = this.#options.transform?.(object) ?? object;
    delete kept.metadata.managedFields;
    return (this.#options.freeze ? deepFreeze(kept) : kept) as Cached<T>;
  }

  /** Changes the view and its indexes; the change is for {@link Store.#emit} once the step is complete. */
  #set(key: string, object: Cached<T> | undefined, own: boolean): Change<T> | undefined {
    const old = this.#view.get(key);
    this.#indexes.update(key, old, object);
    if (object === undefined) {
      this.#view.delete(key);
      return old && { type: 'deleted', object: old, own };
    }
    this.#view.set(key, object);
    return old ? { type: 'modified', object, old, own } : { type: 'added', object, own };
  }

  #emit(changes: readonly (Change<T> | undefined)[]): void {
    for (const change of changes) {
      if (change === undefined) continue;
      for (const listener of [...this.#listeners]) this.#tell(listener, change);
    }
  }

  #tell(listener: Listener<T>, change: Change<T>): void {
    try {
      listener(change);
    } catch (error) {
      if (this.#options.onFault) this.#options.onFault(error);
      else
        queueMicrotask(() => {
          throw error;
        });
    }
  }

  #pick(keys: Iterable<string>): Cached<T>[] {
    const out: Cached<T>[] = [];
    for (const key of keys) {
      const object = this.#view.get(key);
      if (object !== undefined) out.push(object);
    }
    return out;
  }
}

interface Shadow<T extends KubeObject> {
  /** What the server has shown so far. */
  base: Cached<T> | undefined;
  /** Versions that own writes made and the watch has not shown, oldest first. */
  readonly own: string[];
}

/** A copy of JSON; values that are no plain JSON, such as exact numbers, never change and are shared. */
function copyOf<V>(value: V): V {
  if (Array.isArray(value)) return value.map(copyOf) as V;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const out: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) out[key] = copyOf(member);
  return out as V;
}

function isNewer(a: string | undefined, b: string | undefined): boolean {
  return (compareVersions(a, b) ?? 0) > 0;
}

function isSame<T extends KubeObject>(a: Cached<T> | undefined, b: Cached<T> | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.metadata.resourceVersion !== undefined &&
    a.metadata.resourceVersion === b.metadata.resourceVersion &&
    a.metadata.uid === b.metadata.uid
  );
}

function deepFreeze<V>(value: V): V {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
