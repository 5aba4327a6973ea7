import { goText, isObject, type JsonObject } from '../schema/index.ts';
import { unclassified, unprocessable } from './failures.ts';

/** Lists under a strategic merge: kinds of items, merge keys, and the order of the result. */

export type ItemKind = 'map' | 'scalar';

/** What the items of these lists are; they have to agree. Throws when they do not, or when there are none. */
export function itemKind(...lists: readonly (readonly unknown[])[]): ItemKind {
  let first: string | undefined;
  for (const item of lists.flat()) {
    const kind = Array.isArray(item) ? 'list' : isObject(item) ? 'map' : typeof item;
    if (first === undefined) {
      if (kind === 'list') throw unprocessable();
      first = kind;
    } else if (kind !== first) {
      throw unclassified(`list element types are not identical: ${goText(lists)}`);
    }
  }
  if (first === undefined) throw unclassified('no elements in any of the given slices');
  return first === 'map' ? 'map' : 'scalar';
}

export function noMergeKey(item: JsonObject, mergeKey: string): Error {
  return unclassified(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
}

/** Where the item with this merge key is, or -1. */
export function findByKey(list: readonly unknown[], mergeKey: string, value: unknown): number {
  for (const [i, item] of list.entries()) {
    if (!isObject(item)) throw unclassified(`value for key ${i} is not a map`);
    if (Object.hasOwn(item, mergeKey) && item[mergeKey] === value) return i;
  }
  return -1;
}

/** Splits a list into what `by` has too, and the rest. */
export function partition(
  list: readonly unknown[],
  by: readonly unknown[],
  mergeKey: string,
): { inBoth: unknown[]; rest: unknown[] } {
  const inBoth: unknown[] = [];
  const rest: unknown[] = [];
  for (const item of list) (isIn(item, by, mergeKey) ? inBoth : rest).push(item);
  return { inBoth, rest };
}

function isIn(item: unknown, by: readonly unknown[], mergeKey: string): boolean {
  if (mergeKey === '') return by.includes(item);
  if (!isObject(item)) throw unclassified(`expected a map[string]interface {}, but received a ${typeof item}`);
  if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
  return findByKey(by, mergeKey, item[mergeKey]) >= 0;
}

/**
 * The merged items in their final order: those of the patch in the patch's order, the server's own in the server's, and
 * between the two the server's order as far as possible.
 */
export function orderItems(
  patchItems: readonly unknown[],
  serverItems: readonly unknown[],
  patchOrder: readonly unknown[],
  serverOrder: readonly unknown[],
  mergeKey: string,
  kind: ItemKind,
): unknown[] {
  const right = sortBy(patchItems, patchOrder, mergeKey, kind);
  const left = sortBy(serverItems, serverOrder, mergeKey, kind);
  const position = (item: unknown): number => positionIn(serverOrder, item, mergeKey, kind);
  const out: unknown[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    if (i < left.length && (j >= right.length || isBefore(position(left[i]), position(right[j])))) out.push(left[i++]);
    else out.push(right[j++]);
  }
  return out;
}

function isBefore(left: number, right: number): boolean {
  return left >= 0 && right >= 0 && left < right;
}

function sortBy(items: readonly unknown[], order: readonly unknown[], mergeKey: string, kind: ItemKind): unknown[] {
  if (kind === 'map') {
    for (const item of [...items, ...order]) {
      if (isObject(item) && !Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
    }
  }
  const position = (item: unknown): number => positionIn(order, item, mergeKey, kind);
  return [...items].sort((a, b) => {
    const [i, j] = [position(a), position(b)];
    return i >= 0 && j >= 0 ? i - j : 0;
  });
}

function positionIn(list: readonly unknown[], item: unknown, mergeKey: string, kind: ItemKind): number {
  if (kind === 'scalar') return list.indexOf(item);
  const value = isObject(item) ? item[mergeKey] : undefined;
  return list.findIndex((other) => isObject(other) && other[mergeKey] === value);
}
