import { type Clock, isKubeError } from '@drey/kube';

const RETRY_AFTER_MS = 500;

export interface OneAtATimeOptions {
  readonly clock: Clock;
  readonly handle: (key: string) => Promise<void>;
  /** Hears of keys whose handling failed; they are tried again. What is not found has gone, which is no failure. */
  readonly failed: (key: string, error: unknown) => void;
}

/** Keys that are handled one after the other, each as often as it was asked for since, and timers that end with it. */
export class OneAtATime {
  readonly #options: OneAtATimeOptions;
  readonly #queue = new Set<string>();
  readonly #timers = new Set<() => void>();
  #running = false;
  #stopped = false;

  constructor(options: OneAtATimeOptions) {
    this.#options = options;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#queue.add(key);
    if (this.#running) return;
    this.#running = true;
    void this.#drain();
  }

  /** Runs something later, unless it is stopped before. */
  later(delayMs: number, run: () => void): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#timers) cancel();
  }

  async #drain(): Promise<void> {
    // The store's listeners come first; writes happen in a turn of their own.
    await Promise.resolve();
    for (const key of this.#queue) {
      this.#queue.delete(key);
      if (this.#stopped) break;
      try {
        await this.#options.handle(key);
      } catch (error) {
        if (isKubeError(error, 'E_KUBE_NOT_FOUND')) continue;
        this.#options.failed(key, error);
        this.later(RETRY_AFTER_MS, () => this.add(key));
      }
    }
    this.#running = false;
  }
}
