import type { KeyedQueue } from '@drey/kube';
import type { OperatorMetrics } from './metrics.ts';

/** The queue of one kind in one share, and how many jobs it follows. */
interface Counted {
  readonly queue: Pick<KeyedQueue, 'snapshot'>;
  readonly watchedJobs: (() => number) | undefined;
}

/** Gauges of the work on a kind, over all shares of an operator. */
export class WorkGauges {
  readonly #metrics: Pick<OperatorMetrics, 'queueDepth' | 'watchedJobs'>;
  readonly #counted = new Map<string, Set<Counted>>();

  constructor(metrics: Pick<OperatorMetrics, 'queueDepth' | 'watchedJobs'>) {
    this.#metrics = metrics;
  }

  /** Counts what is given until it is removed; `update` sets the gauges of its kind. */
  add(kind: string, counted: Counted): { update(): void; remove(): void } {
    const all = this.#counted.get(kind) ?? new Set();
    this.#counted.set(kind, all.add(counted));
    return {
      update: () => this.#set(kind, all),
      remove: () => {
        all.delete(counted);
        this.#set(kind, all);
      },
    };
  }

  #set(kind: string, all: ReadonlySet<Counted>): void {
    const depth = { ready: 0, waiting: 0, processing: 0 };
    let jobs: number | undefined;
    for (const { queue, watchedJobs } of all) {
      const { ready, waiting, processing } = queue.snapshot();
      depth.ready += Object.values(ready).reduce((sum, count) => sum + count, 0);
      depth.waiting += waiting;
      depth.processing += processing;
      if (watchedJobs !== undefined) jobs = (jobs ?? 0) + watchedJobs();
    }
    for (const [state, count] of Object.entries(depth)) this.#metrics.queueDepth.set({ kind, state }, count);
    if (jobs !== undefined) this.#metrics.watchedJobs.set({ kind }, jobs);
    else if (all.size === 0) this.#metrics.watchedJobs.remove({ kind });
  }
}
