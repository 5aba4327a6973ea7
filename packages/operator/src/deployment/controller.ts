import type { FlinkStateSnapshot } from '@drey/api';
import { type Cached, type Change, type KubeObject, keyOf, priority, type Store, storeSource } from '@drey/kube';
import { clusterOf, sessionClusterOf } from '../runtime/caches.ts';
import { JobPulse } from '../runtime/job-pulse.ts';
import type { KindController, KindScope } from '../runtime/kind-controller.ts';
import { DriftMemory } from './drift/drift-reading.ts';
import { reconcile } from './reconcile.ts';

/** Reconciles FlinkDeployments. Woken by the object itself, by everything of its cluster, and by its job's pulse. */
export function deploymentController(scope: KindScope, wake: (key: string) => void): KindController {
  const { env, signal } = scope;
  const { caches, clock, random } = env;
  const pulse = new JobPulse({ clock, random, wake, signal });
  const drift = new DriftMemory();
  // Also the cluster it belonged to before: who changes the label that says so takes it away from there.
  const toClusters = (change: Change<KubeObject>): string[] => {
    const before = change.type === 'modified' ? clusterOf(change.old) : [];
    const keys = new Set([...before, ...clusterOf(change.object)]);
    return [...keys].filter((key) => caches.flinkDeployments.getByKey(key) !== undefined);
  };
  const ofCluster = <T extends KubeObject>(store: Pick<Store<T>, 'subscribe' | 'whenSynced'>) =>
    storeSource(store, (change) => toClusters(change as Change<KubeObject>), {
      priorityOf: () => priority.transition,
      ignoreOwn: true,
    });
  // An Ingress has the name of its deployment, and its labels are the user's.
  const ofOwner = <T extends KubeObject>(store: Pick<Store<T>, 'subscribe' | 'whenSynced'>) =>
    storeSource(
      store,
      (change) => [keyOf(change.object)].filter((key) => caches.flinkDeployments.getByKey(key) !== undefined),
      { priorityOf: () => priority.transition, ignoreOwn: true },
    );
  const ofSnapshot = ({ metadata, spec }: Cached<FlinkStateSnapshot>): string[] =>
    spec.jobReference?.kind === 'FlinkDeployment' ? [`${metadata.namespace}/${spec.jobReference.name}`] : [];
  const isWaitingForJobs = (key: string): boolean => {
    const deployment = caches.flinkDeployments.getByKey(key);
    return deployment?.metadata.deletionTimestamp !== undefined || deployment?.status?.operation?.phase === 'stopping';
  };
  return {
    kind: 'FlinkDeployment',
    sources: [
      storeSource(caches.flinkDeployments, (change) => [keyOf(change.object)], { ignoreOwn: true }),
      ofCluster(caches.deployments),
      ofCluster(caches.statefulSets),
      ofCluster(caches.pods),
      ofCluster(caches.services),
      ofCluster(caches.configMaps),
      storeSource(caches.snapshots, (change) => ofSnapshot(change.object), { ignoreOwn: true }),
      ...(caches.ingresses ? [ofOwner(caches.ingresses)] : []),
      // A session cluster that is being deleted or replaced waits for its jobs.
      storeSource(caches.sessionJobs, (change) => sessionClusterOf(change.object).filter(isWaitingForJobs)),
    ],
    reconcile: (pass) => reconcile({ ...scope, pulse, drift }, pass),
    watchedJobs: () => pulse.size,
  };
}
