import type { Clock, Random } from '@drey/kube';
import { NOT_ADDRESSABLE, newestCheckpoint } from '../job/job-observation.ts';
import type { FlinkCheckpoints, FlinkCluster } from './ports.ts';

/** How often one job is looked at while there are not too many. */
const INTERVAL_MS = 700;
/** All jobs together are asked for their states at most this often; with more jobs than it allows the interval grows. */
const MAX_PER_SECOND = 400;
const TIMEOUT_MS = 2_000;
/** The checkpoints of a job are asked for with every so manieth look at its state. Flink's own answer is up to 3 s old. */
const CHECKPOINTS_EVERY = 3;
/** With each of so many first looks until there is one: a job that dies before it is known has to be restored by hand. */
const EAGER_LOOKS = 60;

/** A job that is followed. */
export interface PulseTarget {
  readonly flink: FlinkCluster;
  readonly jobId: string;
  /** The state that was last recorded; another one wakes the key. */
  readonly state: string;
  /**
   * The JobManager process whose checkpoints are to be remembered, since nobody else would know them after its death;
   * undefined: high availability keeps them, or nobody wants them.
   */
  readonly process: string | undefined;
}

/** The newest state that one JobManager process was seen to complete. */
export interface SeenState {
  readonly jobId: string;
  /** undefined: the job was started anew since, so this is not its newest state any more. */
  readonly process: string | undefined;
  readonly path: string;
  /** When it was triggered, in epoch milliseconds; 0 where that is not known, or before the run began. */
  readonly triggeredAt: number;
}

/**
 * Follows the states of running jobs by the cheapest request Flink knows, one small answer that is compared as a text, and
 * wakes a key when its job's state is another one or cannot be read. Where a target names its process it also remembers the
 * newest checkpoint. It decides nothing and reads nothing else.
 *
 * Guarantees: one request a job at a time; at most {@link MAX_PER_SECOND} looks at a state a second for all jobs, and a third
 * as many at checkpoints; a key that was woken is left alone until it is followed again.
 */
export class JobPulse {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #wake: (key: string) => void;
  readonly #signal: AbortSignal;
  readonly #followed = new Map<string, { target: PulseTarget; cancel: () => void }>();
  readonly #seen = new Map<string, SeenState>();

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
    if (target !== undefined && !this.#signal.aborted) this.#arm(key, target, 0);
  }

  /** What is remembered under `key`. */
  seen(key: string): SeenState | undefined {
    return this.#seen.get(key);
  }

  /** Remembers the newest of `checkpoints`, when it can be started from. True: nothing was known of this run before. */
  remember(key: string, jobId: string, process: string, checkpoints: FlinkCheckpoints): boolean {
    const { path, triggeredAt = 0 } = newestCheckpoint(checkpoints) ?? {};
    if (path === undefined || path === NOT_ADDRESSABLE) return false;
    const isFirst = this.#seen.get(key)?.process !== process;
    this.#seen.set(key, { jobId, process, path, triggeredAt });
    return isFirst;
  }

  /** The job is started anew: what is remembered is the state of the run before. */
  retire(key: string): void {
    const seen = this.#seen.get(key);
    if (seen !== undefined) this.#seen.set(key, { ...seen, process: undefined });
  }

  /** The object is gone. */
  forget(key: string): void {
    this.follow(key, undefined);
    this.#seen.delete(key);
  }

  #arm(key: string, target: PulseTarget, looks: number): void {
    const interval = Math.max(INTERVAL_MS, (this.#followed.size / MAX_PER_SECOND) * 1000);
    const cancel = this.#clock.after(interval * (0.9 + 0.2 * this.#random.next()), () => {
      void this.#look(key, target, looks);
    });
    this.#followed.set(key, { target, cancel });
  }

  async #look(key: string, target: PulseTarget, looks: number): Promise<void> {
    const answer = await target.flink.pulse(target.jobId, { timeoutMs: TIMEOUT_MS, signal: this.#signal });
    if (this.#signal.aborted || this.#followed.get(key)?.target !== target) return;
    if (answer.kind === 'ok' && answer.value === target.state) {
      const isEager = looks < EAGER_LOOKS && this.#seen.get(key)?.process !== target.process;
      const isDue = isEager || looks % CHECKPOINTS_EVERY === 0;
      if (target.process !== undefined && isDue) await this.#lookAtCheckpoints(key, target);
      if (!this.#signal.aborted && this.#followed.get(key)?.target === target) this.#arm(key, target, looks + 1);
      return;
    }
    this.#followed.delete(key);
    this.#wake(key);
  }

  async #lookAtCheckpoints(key: string, target: PulseTarget): Promise<void> {
    const { flink, jobId, process } = target;
    const answer = await flink.checkpoints(jobId, { timeoutMs: TIMEOUT_MS, signal: this.#signal });
    if (answer.kind !== 'ok' || process === undefined) return;
    // The first checkpoint of a run is to be in the status soon; the others are written there now and then.
    if (this.remember(key, jobId, process, answer.value)) this.#wake(key);
  }

  #stop(): void {
    for (const { cancel } of this.#followed.values()) cancel();
    this.#followed.clear();
  }
}

function isSame(left: PulseTarget, right: PulseTarget): boolean {
  return left.jobId === right.jobId && left.state === right.state && left.process === right.process;
}
