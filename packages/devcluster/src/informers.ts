import {
  type Change,
  type Clock,
  type KubeClient,
  type KubeObject,
  type Random,
  Reflector,
  type Resource,
  type Source,
  Store,
  showOwnWrites,
  storeSource,
} from '@drey/kube';

/**
 * One kind in memory, shared by the controllers and nodes of this cluster. Objects are shared too: whoever reads one must
 * not change it.
 */
export interface Informer<T extends KubeObject> {
  get(namespace: string | undefined, name: string): T | undefined;
  list(namespace?: string): T[];
  /** Objects whose controlling owner has this uid. */
  ownedBy(uid: string): T[];
  /** Hears every change from now on, and what is there already. `old` is undefined for new objects. */
  onChange(listener: (object: T, old: T | undefined, deleted: boolean) => void): void;
  /** A source for a controller: the keys that `keysOf` names for each object that changes. */
  source(keysOf: (object: T) => readonly string[]): Source;
}

type Index = 'owner';

/** The informers of a cluster, one per kind, and a client whose writes show in them at once. */
export class Informers {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #signal: AbortSignal;
  readonly #stores = new Map<string, { store: Store<KubeObject, Index>; done: Promise<void> }>();
  /** Use this client for every write. */
  readonly client: KubeClient;

  constructor(options: { client: KubeClient; clock: Clock; random: Random; signal: AbortSignal }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#signal = options.signal;
    this.client = showOwnWrites(options.client, (resource) => this.#stores.get(keyOfKind(resource))?.store);
  }

  /** The informer of a kind; it starts to list with the first request for it. */
  of<T extends KubeObject>(resource: Resource<T>): Informer<T> {
    const store = this.#storeOf(resource);
    // The store's types are deeply readonly; its objects are plain, and readers promise not to change them.
    const plain = (object: unknown): T => object as T;
    return {
      get: (namespace, name) => {
        const found = store.get(namespace, name);
        return found === undefined ? undefined : plain(found);
      },
      list: (namespace) => store.list(namespace).map(plain),
      ownedBy: (uid) => store.byIndex('owner', uid).map(plain),
      onChange: (listener) => {
        const hear = (change: Change<KubeObject>): void =>
          listener(
            plain(change.object),
            change.type === 'modified' ? plain(change.old) : undefined,
            change.type === 'deleted',
          );
        store.subscribe(hear, { replay: true });
      },
      source: (keysOf) =>
        storeSource(store, (change) => {
          const now = keysOf(plain(change.object));
          return change.type === 'modified' ? [...new Set([...keysOf(plain(change.old)), ...now])] : now;
        }),
    };
  }

  /** Resolves when every informer asked for so far has its first list. */
  async synced(): Promise<void> {
    await Promise.all([...this.#stores.values()].map(({ store }) => store.whenSynced(this.#signal)));
  }

  /** Resolves when every reflector ended, after the signal was aborted. */
  async stopped(): Promise<void> {
    await Promise.all([...this.#stores.values()].map(({ done }) => done));
  }

  #storeOf(resource: Resource<KubeObject>): Store<KubeObject, Index> {
    const key = keyOfKind(resource);
    const existing = this.#stores.get(key);
    if (existing !== undefined) return existing.store;
    const store = new Store<KubeObject, Index>({
      indexers: {
        owner: (object) => (object.metadata.ownerReferences ?? []).filter((o) => o.controller).map((o) => o.uid),
      },
    });
    const reflector = new Reflector({
      client: this.#client,
      resource,
      feed: store.feed(),
      clock: this.#clock,
      random: this.#random,
    });
    this.#stores.set(key, { store, done: reflector.run(this.#signal) });
    return store;
  }
}

function keyOfKind(resource: Resource<KubeObject>): string {
  return `${resource.group}/${resource.plural}`;
}
