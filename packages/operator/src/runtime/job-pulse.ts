import type { Clock, Random } from '@drey/kube';
import type { FlinkCluster } from './ports.ts';

/** How often one job is looked at while there are not too many. */
const INTERVAL_MS = 700;
/** All jobs together are asked at most this often; with more jobs than it allows the interval grows. */
const MAX_PER_SECOND = 400;
const TIMEOUT_MS = 2_000;

/** A job that is followed. */
export interface PulseTarget {
  readonly flink: FlinkCluster;
  readonly jobId: string;
  /** The state that was last recorded; another one wakes the key. */
  readonly state: string;
}

/**
 * Follows the states of running jobs by the cheapest request Flink knows, one small answer that is compared as a text, and
 * wakes a key when its job's state is another one or cannot be read. It decides nothing and reads nothing else.
 *
 * Guarantees: one request a job at a time; at most {@link MAX_PER_SECOND} a second for all jobs; a key that was woken is
 * left alone until it is followed again.
 */
export class JobPulse {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #wake: (key: string) => void;
  readonly #signal: AbortSignal;
  readonly #followed = new Map<string, { target: PulseTarget; cancel: () => void }>();

  constructor(options: { clock: Clock; random: Random; wake: (key: string) => void; signal: AbortSignal }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#wake = options.wake;
    this.#signal = options.signal;
    options.signal.addEventListener('abort', () => this.#stop(), { once: true });
  }

  get size(): number {
    return this.#followed.size;
  }

  /** Follows `target` under `key`, or nothing any more. */
  follow(key: string, target: PulseTarget | undefined): void {
    const previous = this.#followed.get(key);
    if (previous !== undefined && target !== undefined && isSame(previous.target, target)) return;
    previous?.cancel();
    this.#followed.delete(key);
    if (target !== undefined && !this.#signal.aborted) this.#arm(key, target);
  }

  #arm(key: string, target: PulseTarget): void {
    const interval = Math.max(INTERVAL_MS, (this.#followed.size / MAX_PER_SECOND) * 1000);
    const cancel = this.#clock.after(interval * (0.9 + 0.2 * this.#random.next()), () => {
      void this.#look(key, target);
    });
    this.#followed.set(key, { target, cancel });
  }

  async #look(key: string, target: PulseTarget): Promise<void> {
    const answer = await target.flink.pulse(target.jobId, { timeoutMs: TIMEOUT_MS, signal: this.#signal });
    if (this.#signal.aborted || this.#followed.get(key)?.target !== target) return;
    if (answer.kind === 'ok' && answer.value === target.state) {
      this.#arm(key, target);
      return;
    }
    this.#followed.delete(key);
    this.#wake(key);
  }

  #stop(): void {
    for (const { cancel } of this.#followed.values()) cancel();
    this.#followed.clear();
  }
}

function isSame(left: PulseTarget, right: PulseTarget): boolean {
  return left.jobId === right.jobId && left.state === right.state;
}
