/**
 * Time as a dependency. Everything in Drey that waits or reads time takes a {@link Clock}; only a process's
 * `main.ts` creates the system one, so that the simulator can run production code on virtual time.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. */
  now(): number;
  /** Monotonic time in milliseconds; only differences mean anything. */
  monotonic(): number;
  /** Runs `fn` once after `delayMs` (clamped to at least 0). The returned function cancels it; cancelling twice is harmless. */
  after(delayMs: number, fn: () => void): () => void;
}

/** A source of uniform numbers in [0, 1). */
export interface Random {
  next(): number;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

/** The system clock. Delays above 24.8 days are re-armed, since Node fires such timers at once. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fn) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      timer = setTimeout(
        () => (left > MAX_TIMER_MS ? arm(left - MAX_TIMER_MS) : fn()),
        Math.min(Math.max(0, left), MAX_TIMER_MS),
      );
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  },
};

/** The system's random numbers. */
export const systemRandom: Random = { next: () => Math.random() };

/**
 * Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted.
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
