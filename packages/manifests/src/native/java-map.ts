/**
 * Keys in the order in which Java's HashMap iterates over them. Flink keeps maps such as `kubernetes.secrets` in one, and
 * the order shows in lists (volumes, environment) of the objects it makes.
 *
 * The order follows from the table size (a power of two, doubled above three quarters full) and the spread hash of each
 * key; keys of one bucket keep the order in which they were put.
 */
export function javaHashOrder(keys: readonly string[]): string[] {
  let size = 16;
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

function bucketOf(key: string, size: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 16)) & (size - 1);
}
