import { isObject } from '../schema/index.ts';
import type { JsonSchema } from './json-schema.ts';

/** Finds the old item of a list that goes with a new one: by its keys, and in map lists only. */
export function correlateItems(schema: JsonSchema, old: unknown): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  let index: Map<string, unknown> | undefined;
  return (item) => {
    if (!isObject(item)) return undefined;
    index ??= new Map(old.filter(isObject).map((o) => [keyOf(o, keys, schema), o]));
    return index.get(keyOf(item, keys, schema));
  };
}

/** The identity of an item of a map list; defaults of keys count. */
export function keyOf(item: Readonly<Record<string, unknown>>, keys: readonly string[], schema: JsonSchema): string {
  return JSON.stringify(keys.map((key) => item[key] ?? schema.items?.properties?.[key]?.default ?? null));
}
