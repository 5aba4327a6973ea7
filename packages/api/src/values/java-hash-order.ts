const DEFAULT_TABLE_SIZE = 16;

/**
 * Keys in the order in which Java's HashMap iterates over them. Flink keeps maps such as `kubernetes.secrets` in one, and
 * the order shows in lists (volumes, environment) of the objects it makes.
 *
 * The order follows from the table size (a power of two, doubled above three quarters full) and the spread hash of each
 * key; keys of one bucket keep the order in which they were put. `initialSize` is the size the table was made with.
 */
export function javaHashOrder(keys: readonly string[], initialSize = DEFAULT_TABLE_SIZE): string[] {
  let size = initialSize;
  while (keys.length > size * 0.75) size *= 2;
  return keys
    .map((key, index) => ({ key, index, bucket: bucketOf(key, size) }))
    .sort((a, b) => a.bucket - b.bucket || a.index - b.index)
    .map(({ key }) => key);
}

/** The entries of a map in Java's HashMap order, see {@link javaHashOrder}. */
export function javaHashEntries(map: ReadonlyMap<string, string>): [string, string][] {
  return javaHashOrder([...map.keys()]).map((key) => [key, map.get(key) ?? '']);
}

/** The table size of a HashMap made as a copy of a map with `count` entries. */
export function copiedTableSize(count: number): number {
  if (count === 0) return DEFAULT_TABLE_SIZE;
  let size = 1;
  while (size < Math.floor(count / 0.75 + 1)) size *= 2;
  return size;
}

function bucketOf(key: string, size: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 16)) & (size - 1);
}
