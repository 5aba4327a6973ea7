import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import type { Resource } from '@drey/kube';
import { changed } from './plans.ts';
import type { SmallCluster } from './small-cluster.ts';
import type { SmallWorld } from './small-operator.ts';

/** The life of an object in a small world, in which processes die. */
export interface Life {
  readonly log: readonly string[];
  /** Edges of calls: the places at which a process can die. */
  readonly calls: number;
  readonly cluster: SmallCluster;
}

/** Lets the world settle, then an object be given another parallelism by its user, then be deleted. */
export async function upgradedAndDeleted<T extends FlinkDeployment | FlinkSessionJob>(
  world: SmallWorld,
  resource: Resource<T>,
  name: string,
): Promise<Life> {
  const { cluster } = world;
  const edit = (change: (object: T) => T): void => {
    const current = cluster.get(resource, name);
    if (current !== undefined) cluster.put(resource, change(structuredClone(current)));
  };
  await world.settle();
  edit((object) => changed(object, { parallelism: 4 }));
  await world.settle();
  edit((object) => ({ ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T01:00:00Z' } }));
  await world.settle();
  return { log: cluster.log, calls: world.edges, cluster };
}

/** Makes the same claims about a life for each of these edges as the one at which the process dies. */
export async function dyingAt<L extends Pick<Life, 'cluster'>>(
  edges: Iterable<number>,
  live: (crashAt: number) => Promise<L>,
  claims: (life: L) => void,
): Promise<void> {
  for (const crashAt of edges) {
    const life = await live(crashAt);
    try {
      claims(life);
    } catch (error) {
      throw new Error(`dying at edge ${crashAt}:\n${life.cluster.log.join('\n')}`, { cause: error });
    }
  }
}

/** All edges of a life. */
export function edgesUpTo(calls: number): number[] {
  return Array.from({ length: calls }, (_, index) => index + 1);
}
