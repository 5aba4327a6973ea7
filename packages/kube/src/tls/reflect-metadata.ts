/**
 * The three functions of the Reflect metadata proposal that the container inside `@peculiar/x509` calls. Node has none of
 * them, and the published polyfills are larger than this need. Imported for its effect, before `@peculiar/x509`.
 */
const metadata = new WeakMap<object, Map<unknown, unknown>>();

const functions = {
  defineMetadata(key: unknown, value: unknown, target: object): void {
    const entries = metadata.get(target) ?? new Map<unknown, unknown>();
    entries.set(key, value);
    metadata.set(target, entries);
  },
  getOwnMetadata(key: unknown, target: object): unknown {
    return metadata.get(target)?.get(key);
  },
  getMetadata(key: unknown, target: object): unknown {
    for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at)) {
      const entries = metadata.get(at);
      if (entries?.has(key)) return entries.get(key);
    }
    return undefined;
  },
};

for (const [name, value] of Object.entries(functions)) {
  if (!(name in Reflect)) Object.defineProperty(Reflect, name, { value, configurable: true, writable: true });
}
