import type { SimulatedJobManager } from './jobmanager.ts';
import { handleRest } from './rest.ts';
import type { RestAnswer } from './rest-errors.ts';
import { SimulatedStorage } from './storage.ts';

/**
 * The network between simulated Flink processes, and from others to them: which JobManager answers under which cluster.
 */
export class FlinkFabric {
  readonly storage = new SimulatedStorage();
  readonly #leaders = new Map<string, SimulatedJobManager>();
  readonly #listeners = new Set<(cluster: string) => void>();

  /** `namespace/cluster id`. */
  leader(cluster: string): SimulatedJobManager | undefined {
    const found = this.#leaders.get(cluster);
    return found?.alive ? found : undefined;
  }

  all(): readonly SimulatedJobManager[] {
    return [...this.#leaders.values()].filter((one) => one.alive);
  }

  join(cluster: string, jm: SimulatedJobManager): void {
    this.#leaders.set(cluster, jm);
    for (const listener of [...this.#listeners]) listener(cluster);
  }

  leave(cluster: string, jm: SimulatedJobManager): void {
    if (this.#leaders.get(cluster) === jm) this.#leaders.delete(cluster);
  }

  /** Calls back when a JobManager of some cluster starts; returns the way to stop that. */
  onJoin(listener: (cluster: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A REST call to a cluster; undefined: nobody listens there. */
  rest(cluster: string, method: string, target: string, body: unknown): RestAnswer | undefined {
    const jm = this.leader(cluster);
    if (jm === undefined || !jm.restUp) return undefined;
    return handleRest(jm, method, target, body);
  }
}
