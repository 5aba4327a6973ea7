/** On the Lease of operators that share the work: who works on which shard. */
export const SHARDS_ANNOTATION = 'flink.apache.org/shards';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * The shard of the objects with this key (`namespace/name`), of every kind: FNV-1a of its UTF-16 units, so that it depends on
 * nothing that can change and is known of objects that are gone.
 */
export function shardOf(key: string, shards: number): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), FNV_PRIME);
  return (hash >>> 0) % shards;
}
