import type { FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot } from '@drey/api';
import { type KubeObject, keyOf, type Store } from '@drey/kube';
import { Gauge, type Registry } from 'prom-client';
import { snapshotType } from '../job/snapshots/snapshot-object.ts';
import type { Caches } from './caches.ts';

/** The caches whose objects are counted. */
export type CountedCaches = {
  readonly [K in 'flinkDeployments' | 'sessionJobs' | 'snapshots']: Pick<Caches[K], 'list'>;
};

/** What a resource is called that says nothing yet. */
const UNKNOWN = 'UNKNOWN';

/**
 * Gauges of how many resources there are, by namespace and by how they are (reference: apache-operator.md 7.1, snapshots.md
 * 16, whose numbers they are, in the way of Prometheus: one metric with labels where Flink has one name for each value).
 *
 * Guarantees: counted from memory when they are asked for, and at no other time; nothing is left of objects that are gone.
 * An operator that does not lead counts nothing, one
 * of several that share the work what it works on.
 */
export class ResourceMetrics {
  #caches: CountedCaches | undefined;

  constructor(registry: Registry) {
    const gauge = <L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[],
      count: (caches: CountedCaches, add: (labels: Record<L, string>, value?: number) => void) => void,
    ): void => {
      const made: Gauge<L> = new Gauge({
        name,
        help,
        labelNames,
        registers: [registry],
        collect: () => {
          made.reset();
          if (this.#caches !== undefined) count(this.#caches, (labels, value = 1) => made.inc(labels, value));
        },
      });
    };
    gauge(
      'flink_operator_resources',
      'FlinkDeployments and FlinkSessionJobs by where they stand in their life.',
      ['kind', 'namespace', 'state'],
      (caches, add) => {
        for (const { kind, namespace, status } of withJobs(caches))
          add({ kind, namespace, state: status?.lifecycleState ?? UNKNOWN });
      },
    );
    gauge('flink_operator_jobs', 'Jobs by their state.', ['kind', 'namespace', 'state'], (caches, add) => {
      for (const { kind, namespace, hasJob, status } of withJobs(caches))
        if (hasJob) add({ kind, namespace, state: status?.jobStatus?.state ?? UNKNOWN });
    });
    gauge(
      'flink_operator_job_managers',
      'JobManagers of FlinkDeployments by how their Deployment is.',
      ['namespace', 'status'],
      (caches, add) => {
        for (const { metadata, status } of caches.flinkDeployments.list())
          add({ namespace: metadata.namespace ?? '', status: status?.jobManagerDeploymentStatus ?? UNKNOWN });
      },
    );
    gauge(
      'flink_operator_flink_versions',
      'FlinkDeployments by the version of Flink that their cluster reports.',
      ['namespace', 'version'],
      (caches, add) => {
        for (const { metadata, status } of caches.flinkDeployments.list())
          add({ namespace: metadata.namespace ?? '', version: status?.clusterInfo?.['flink-version'] ?? UNKNOWN });
      },
    );
    for (const { name, help, key } of USAGE) {
      gauge(name, help, ['namespace'], (caches, add) => {
        for (const { metadata, status } of caches.flinkDeployments.list())
          add({ namespace: metadata.namespace ?? '' }, Number(status?.clusterInfo?.[key]) || 0);
      });
    }
    gauge(
      'flink_operator_snapshots',
      'FlinkStateSnapshots by type and state.',
      ['namespace', 'type', 'state'],
      (caches, add) => {
        for (const snapshot of caches.snapshots.list() as FlinkStateSnapshot[]) {
          const { metadata, status } = snapshot;
          add({
            namespace: metadata.namespace ?? '',
            type: snapshotType(snapshot),
            state: status?.state ?? 'TRIGGER_PENDING',
          });
        }
      },
    );
  }

  /** Counts what these caches hold of the keys that `owns` accepts, until `signal` aborts or other ones are given. */
  count(caches: CountedCaches, owns: (key: string) => boolean, signal: AbortSignal): void {
    const owned = <T extends KubeObject>(store: Pick<Store<T>, 'list'>): Pick<Store<T>, 'list'> => ({
      list: () => store.list().filter((object) => owns(keyOf(object))),
    });
    const counted: CountedCaches = {
      flinkDeployments: owned(caches.flinkDeployments as Pick<Store<FlinkDeployment>, 'list'>),
      sessionJobs: owned(caches.sessionJobs as Pick<Store<FlinkSessionJob>, 'list'>),
      snapshots: owned(caches.snapshots as Pick<Store<FlinkStateSnapshot>, 'list'>),
    };
    this.#caches = counted;
    signal.addEventListener('abort', () => {
      if (this.#caches === counted) this.#caches = undefined;
    });
  }
}

/** What clusters use, as they report it themselves. */
const USAGE = [
  {
    name: 'flink_operator_resource_usage_cpu',
    help: 'Cores that the clusters of a namespace use.',
    key: 'total-cpu',
  },
  {
    name: 'flink_operator_resource_usage_memory_bytes',
    help: 'Memory that the clusters of a namespace use.',
    key: 'total-memory',
  },
  {
    name: 'flink_operator_state_size_bytes',
    help: 'Size of the newest checkpoints of the jobs of a namespace.',
    key: 'state-size',
  },
] as const;

interface Counted {
  readonly kind: 'FlinkDeployment' | 'FlinkSessionJob';
  readonly namespace: string;
  readonly hasJob: boolean;
  readonly status: FlinkDeployment['status'] | FlinkSessionJob['status'];
}

function* withJobs({ flinkDeployments, sessionJobs }: CountedCaches): Generator<Counted> {
  for (const { metadata, spec, status } of flinkDeployments.list() as FlinkDeployment[]) {
    const hasJob = spec?.job !== undefined && spec.job !== null;
    yield { kind: 'FlinkDeployment', namespace: metadata.namespace ?? '', hasJob, status };
  }
  for (const { metadata, status } of sessionJobs.list() as FlinkSessionJob[])
    yield { kind: 'FlinkSessionJob', namespace: metadata.namespace ?? '', hasJob: true, status };
}
