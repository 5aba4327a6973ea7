import type { Clock } from '../runtime/clock.ts';
import { Heap } from '../runtime/heap.ts';

interface Timer {
  readonly at: number;
  /** Order of creation, so that timers of one instant fire first in, first out. */
  readonly seq: number;
  fn: (() => void) | undefined;
}

const MAX_TURNS = 100_000;

/**
 * A clock that stands still until told otherwise.
 *
 * Guarantees: timers fire in order of due time, then of creation; between two timers everything that is runnable
 * (promises, microtasks, `setImmediate` callbacks) has run, so that one seed gives one run. Wall and monotonic time advance
 * together unless {@link VirtualClock.shiftWall} moves the wall.
 * Assumptions: code under test waits only through this clock and settles without real input or output.
 * Failure: {@link VirtualClock.runUntilIdle} and {@link VirtualClock.advance} reject when more than `maxTimers` timers fire,
 * which means a loop that re-arms itself without end.
 */
export class VirtualClock implements Clock {
  readonly #heap = new Heap<Timer>((a, b) => (a.at !== b.at ? a.at < b.at : a.seq < b.seq));
  #elapsed = 0;
  #wall: number;
  #seq = 0;
  #live = 0;
  readonly #turns: number;

  /** `turns`: how many `setImmediate` rounds count as settled; raise it for code with deep chains of real streams. */
  constructor(startMs = Date.UTC(2026, 0, 1), turns = 3) {
    this.#wall = startMs;
    this.#turns = turns;
  }

  /** Whole milliseconds, as the system's clock has them. */
  now(): number {
    return Math.floor(this.#wall + this.#elapsed);
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(delayMs: number, fn: () => void): () => void {
    const timer: Timer = { at: this.#elapsed + Math.max(0, delayMs), seq: this.#seq++, fn };
    this.#heap.push(timer);
    this.#live++;
    return () => {
      if (timer.fn === undefined) return;
      timer.fn = undefined;
      this.#live--;
      while (this.#heap.size > 0 && this.#heap.peek()?.fn === undefined) this.#heap.pop();
    };
  }

  /** Timers that are armed. */
  get pending(): number {
    return this.#live;
  }

  /** Monotonic time of the next timer; undefined when none is armed. */
  get nextAt(): number | undefined {
    return this.#heap.peek()?.at;
  }

  /** Moves wall-clock time by `ms` (may be negative) without firing anything, as a clock step on a host does. */
  shiftWall(ms: number): void {
    this.#wall += ms;
  }

  /** Runs everything that is due within `ms`, then stands `ms` later. */
  async advance(ms: number, maxTimers = MAX_TURNS): Promise<void> {
    const target = this.#elapsed + ms;
    await this.settle();
    for (let fired = 0; this.#fireNext(target); fired++) {
      if (fired >= maxTimers) throw new Error(`more than ${maxTimers} timers fired within ${ms} virtual ms`);
      await this.settle();
    }
    this.#elapsed = target;
  }

  /** Fires timers until none is armed, or until `limitMs` of virtual time have passed. Returns the time that passed. */
  async runUntilIdle(limitMs = Number.POSITIVE_INFINITY, maxTimers = MAX_TURNS): Promise<number> {
    const start = this.#elapsed;
    await this.settle();
    for (let fired = 0; this.#fireNext(start + limitMs); fired++) {
      if (fired >= maxTimers)
        throw new Error(`more than ${maxTimers} timers fired: something re-arms itself without end`);
      await this.settle();
    }
    return this.#elapsed - start;
  }

  /** Advances timer by timer until `condition` holds; rejects when it does not within `limitMs`. */
  async until(condition: () => boolean, limitMs = 600_000, what = 'the condition'): Promise<void> {
    const end = this.#elapsed + limitMs;
    await this.settle();
    while (!condition()) {
      if (!this.#fireNext(end)) throw new Error(`${what} did not hold within ${limitMs} virtual ms`);
      await this.settle();
    }
  }

  /** Lets everything that is runnable now run, without moving time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < this.#turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #fireNext(limit: number): boolean {
    const next = this.#heap.peek();
    if (next === undefined || next.at > limit) return false;
    this.#heap.pop();
    this.#elapsed = Math.max(this.#elapsed, next.at);
    const { fn } = next;
    next.fn = undefined;
    this.#live--;
    while (this.#heap.size > 0 && this.#heap.peek()?.fn === undefined) this.#heap.pop();
    fn?.();
    return true;
  }
}
