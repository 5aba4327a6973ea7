import type { Change } from './types.ts';

/** How many changes of one kind are kept for watches that resume and for lists at an older revision. */
export const MAX_CHANGES_PER_KIND = 4096;

/** The last changes of one kind, oldest first, in a ring that grows up to {@link MAX_CHANGES_PER_KIND}. */
export class History {
  readonly #limit: number;
  #changes: Change[] = [];
  #start = 0;
  /** The newest revision whose change is no longer here: readers from below it missed something. */
  #floor: number;

  constructor(floor: number, limit: number = MAX_CHANGES_PER_KIND) {
    this.#floor = floor;
    this.#limit = limit;
  }

  get floor(): number {
    return this.#floor;
  }

  add(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length - this.#start > this.#limit) this.#drop(1);
  }

  /** Forgets changes up to `revision`. */
  discard(revision: number): void {
    let count = 0;
    while (this.#start + count < this.#changes.length && this.#revisionAt(count) <= revision) count += 1;
    this.#drop(count);
    this.#floor = Math.max(this.#floor, revision);
  }

  #revisionAt(offset: number): number {
    return this.#changes[this.#start + offset]?.record.revision ?? Number.POSITIVE_INFINITY;
  }

  #drop(count: number): void {
    if (count === 0) return;
    this.#floor = Math.max(this.#floor, this.#revisionAt(count - 1));
    this.#start += count;
    // Amortised: the array is cut only when half of it is dead, but dropped changes must not be kept alive for long.
    if (this.#start > 256 || this.#start * 2 > this.#changes.length) {
      this.#changes = this.#changes.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Changes after `revision`, oldest first. */
  after(revision: number): Change[] {
    let low = this.#start;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.record.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#changes.slice(low);
  }
}
