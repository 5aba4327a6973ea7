import type { Random } from '@drey/kube';

/** One of `list`, uniformly. */
export function pick<T>(random: Random, list: readonly [T, ...(readonly T[])]): T {
  return list[Math.floor(random.next() * list.length)] ?? list[0];
}

/** A whole number from `low` to below `high`, uniformly. */
export function span(random: Random, low: number, high: number): number {
  return Math.floor(low + random.next() * (high - low));
}
