import type { KubeObject } from '../client/objects.ts';
import type { Cached } from './store.ts';

/** Functions that name the values under which an object can be found, one per index. */
export type Indexers<T extends KubeObject, I extends string> = Readonly<
  Record<I, (object: Cached<T>) => readonly string[]>
>;

/** Files an object under the uid of its controlling owner. */
export function controllerUid(object: Cached<KubeObject>): readonly string[] {
  const owner = object.metadata.ownerReferences?.find((o) => o.controller === true);
  return owner === undefined ? [] : [owner.uid];
}

/** Files an object under the value of one label, and under `namespace/value` as well. */
export function labelValue(label: string): (object: Cached<KubeObject>) => readonly string[] {
  return (object) => {
    const value = object.metadata.labels?.[label];
    if (value === undefined) return [];
    const { namespace } = object.metadata;
    return namespace === undefined ? [value] : [value, `${namespace}/${value}`];
  };
}

const NONE: ReadonlySet<string> = new Set();

/** Inverted indexes over the keys of a store: always one by namespace, and those asked for. */
export class Indexes<T extends KubeObject, I extends string> {
  readonly #namespaces = new Map<string, Set<string>>();
  readonly #named: {
    readonly name: string;
    readonly of: (o: Cached<T>) => readonly string[];
    readonly keys: Map<string, Set<string>>;
  }[] = [];

  constructor(indexers: Indexers<T, I> | undefined) {
    if (indexers === undefined) return;
    for (const name of Object.keys(indexers)) {
      this.#named.push({ name, of: indexers[name as I], keys: new Map() });
    }
  }

  namespace(namespace: string): ReadonlySet<string> {
    return this.#namespaces.get(namespace) ?? NONE;
  }

  keys(index: I, value: string): ReadonlySet<string> {
    return this.#named.find((i) => i.name === index)?.keys.get(value) ?? NONE;
  }

  update(key: string, old: Cached<T> | undefined, next: Cached<T> | undefined): void {
    const [from, to] = [old?.metadata.namespace, next?.metadata.namespace];
    if (from !== to) {
      if (from !== undefined) drop(this.#namespaces, from, key);
      if (to !== undefined) file(this.#namespaces, to, key);
    }
    for (const index of this.#named) {
      const before = old === undefined ? [] : index.of(old);
      const after = next === undefined ? [] : index.of(next);
      for (const value of before) if (!after.includes(value)) drop(index.keys, value, key);
      for (const value of after) file(index.keys, value, key);
    }
  }
}

function file(index: Map<string, Set<string>>, value: string, key: string): void {
  const keys = index.get(value);
  if (keys === undefined) index.set(value, new Set([key]));
  else keys.add(key);
}

function drop(index: Map<string, Set<string>>, value: string, key: string): void {
  const keys = index.get(value);
  if (keys?.delete(key) && keys.size === 0) index.delete(value);
}
