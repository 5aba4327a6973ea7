import type { FlinkDeployment, FlinkStateSnapshot } from '@drey/api';
import { type Cached, keyOf, priority, storeSource } from '@drey/kube';
import { isUnfinished } from '../job/snapshots/snapshot-object.ts';
import type { KindController, KindScope } from '../runtime/kind-controller.ts';
import { reconcile } from './reconcile.ts';

/** Reconciles FlinkStateSnapshots. Woken by the object itself, and by its job and the cluster that runs it. */
export function snapshotController(scope: KindScope): KindController {
  const { caches } = scope.env;
  const options = { priorityOf: () => priority.transition } as const;
  const ofJob = (kind: string, object: Named): string[] =>
    caches.snapshots
      .byIndex('job', `${kind}/${object.metadata.namespace}/${object.metadata.name}`)
      .filter(concernsJob)
      .map(keyOf);
  /** Snapshots of the job that a deployment runs itself, and of the jobs on its session cluster. */
  const ofDeployment = (deployment: Cached<FlinkDeployment>): string[] => [
    ...ofJob('FlinkDeployment', deployment),
    ...caches.sessionJobs.byIndex('cluster', keyOf(deployment)).flatMap((job) => ofJob('FlinkSessionJob', job)),
  ];
  return {
    kind: 'FlinkStateSnapshot',
    sources: [
      storeSource(caches.snapshots, (change) => [keyOf(change.object)], { ignoreOwn: true }),
      storeSource(caches.flinkDeployments, (change) => ofDeployment(change.object), options),
      storeSource(caches.sessionJobs, (change) => ofJob('FlinkSessionJob', change.object), options),
    ],
    reconcile: (pass) => reconcile(scope, pass),
  };
}

interface Named {
  readonly metadata: { readonly namespace?: string; readonly name?: string };
}

/** Snapshots that ended have nothing more to do with their job, unless they are to be deleted. */
function concernsJob(snapshot: Cached<FlinkStateSnapshot>): boolean {
  return snapshot.metadata.deletionTimestamp !== undefined || isUnfinished(snapshot);
}
