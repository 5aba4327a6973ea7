import { type Cached, type KubeObject, keyOf, priority, type Store, storeSource } from '@drey/kube';
import { clusterOf } from '../runtime/caches.ts';
import { JobPulse } from '../runtime/job-pulse.ts';
import type { KindController, KindScope } from '../runtime/kind-controller.ts';
import { reconcile } from './reconcile.ts';

/** Reconciles FlinkDeployments. Woken by the object itself, by everything of its cluster, and by its job's pulse. */
export function deploymentController(scope: KindScope, wake: (key: string) => void): KindController {
  const { env, signal } = scope;
  const { caches, clock, random } = env;
  const pulse = new JobPulse({ clock, random, wake, signal });
  const toCluster = (object: Cached<KubeObject>): string[] =>
    clusterOf(object).filter((key) => caches.flinkDeployments.getByKey(key) !== undefined);
  const ofCluster = <T extends KubeObject>(store: Pick<Store<T>, 'subscribe' | 'whenSynced'>) =>
    storeSource(store, (change) => toCluster(change.object as Cached<KubeObject>), {
      priorityOf: () => priority.transition,
      ignoreOwn: true,
    });
  return {
    kind: 'FlinkDeployment',
    sources: [
      storeSource(caches.flinkDeployments, (change) => [keyOf(change.object)], { ignoreOwn: true }),
      ofCluster(caches.deployments),
      ofCluster(caches.pods),
      ofCluster(caches.services),
    ],
    reconcile: (pass) => reconcile({ ...scope, pulse }, pass),
    watchedJobs: () => pulse.size,
  };
}
