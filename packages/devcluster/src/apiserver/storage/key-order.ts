import type { StoredRecord } from './types.ts';

/** The order in which lists are answered: that of the whole key, so that `a-b/x` comes before `a/x`. */
export function orderKey(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** Records of one kind in key order, with logarithmic search. */
export class SortedRecords {
  readonly #keys: string[] = [];
  readonly #records: StoredRecord[] = [];

  get size(): number {
    return this.#keys.length;
  }

  /** The index of the first key that is not below `key`. */
  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get(key: string): StoredRecord | undefined {
    const index = this.#lowerBound(key);
    return this.#keys[index] === key ? this.#records[index] : undefined;
  }

  set(key: string, record: StoredRecord): void {
    const index = this.#lowerBound(key);
    if (this.#keys[index] === key) this.#records[index] = record;
    else {
      this.#keys.splice(index, 0, key);
      this.#records.splice(index, 0, record);
    }
  }

  delete(key: string): void {
    const index = this.#lowerBound(key);
    if (this.#keys[index] !== key) return;
    this.#keys.splice(index, 1);
    this.#records.splice(index, 1);
  }

  /** Records from `from` (inclusive) whose key starts with `prefix`. */
  range(prefix: string, from: string): StoredRecord[] {
    const start = this.#lowerBound(from > prefix ? from : prefix);
    if (prefix === '') return this.#records.slice(start);
    let end = start;
    while (end < this.#keys.length && this.#keys[end]?.startsWith(prefix)) end += 1;
    return this.#records.slice(start, end);
  }
}
