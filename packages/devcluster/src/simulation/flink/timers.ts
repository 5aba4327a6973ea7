import type { Clock } from '@drey/kube';

/** The timers of one simulated process: all of them end with it. */
export class ProcessTimers {
  readonly #clock: Clock;
  readonly #pending = new Set<() => void>();
  #alive = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  after(ms: number, fn: () => void): void {
    if (!this.#alive) return;
    const cancel = this.#clock.after(ms, () => {
      this.#pending.delete(cancel);
      fn();
    });
    this.#pending.add(cancel);
  }

  /** The process is dead: nothing more fires. */
  stop(): void {
    this.#alive = false;
    for (const cancel of this.#pending) cancel();
    this.#pending.clear();
  }
}
