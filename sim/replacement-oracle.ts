import type { FlinkDeployment } from '@drey/api';
import type { SimulatedWorld } from '@drey/devcluster/testing';
import type { AnyObject } from '@drey/kube';
import type { Violation } from './oracles.ts';

/** The name of the rule. */
export const KEPT = 'no running cluster is taken for lost';

/**
 * A part of rule 7, checked whenever the Deployment of a JobManager is deleted: not to recover a cluster that nothing has happened
 * to and that runs its job. What the operator's caches do not have may be there all the same.
 */
export class ReplacementOracle {
  readonly violations: Violation[] = [];
  readonly #world: SimulatedWorld;
  readonly #now: () => number;
  /** Clusters that something was done to: whatever follows may be called for. */
  readonly #harmed = new Set<string>();

  constructor(world: SimulatedWorld, now: () => number) {
    this.#world = world;
    this.#now = now;
    world.store.subscribe(undefined, ({ type, record: { object } }) => {
      const { deletionTimestamp, name, labels } = object.metadata;
      const goes = type === 'DELETED' || deletionTimestamp !== undefined;
      if (object.kind === 'Deployment' && goes && labels?.app === name) this.#goes(object);
    });
  }

  /** Something happens to a cluster (`namespace/name`). */
  happensTo(cluster: string): void {
    this.#harmed.add(cluster);
  }

  #goes({ metadata: { namespace = '', name = '' } }: AnyObject): void {
    const cluster = `${namespace}/${name}`;
    const { server, fabric } = this.#world;
    const found = server.server.reader.get('flink.apache.org', 'flinkdeployments', namespace, name);
    const deployment = found as unknown as FlinkDeployment | undefined;
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined) return;
    if (deployment.status?.operation?.kind !== 'recover' || this.#harmed.has(cluster)) return;
    // A health check may find fault with what runs.
    if (JSON.stringify(deployment.spec.flinkConfiguration ?? {}).includes('health-check')) return;
    const running = [...(fabric.leader(cluster)?.jobs.values() ?? [])].filter(({ state }) => state === 'RUNNING');
    if (running.length === 0) return;
    // Once is enough, however often it is deleted.
    this.#harmed.add(cluster);
    this.violations.push({ rule: KEPT, at: this.#now(), detail: `${cluster} runs and is removed to be recovered` });
  }
}
