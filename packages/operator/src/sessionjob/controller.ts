import type { FlinkSessionJob } from '@drey/api';
import { type Cached, type KubeObject, keyOf, priority, type Store, storeSource } from '@drey/kube';
import { artifactFetcher } from '../artifact/fetch-artifact.ts';
import { clusterOf } from '../runtime/caches.ts';
import { JobPulse } from '../runtime/job-pulse.ts';
import type { KindController, KindScope } from '../runtime/kind-controller.ts';
import { reconcile } from './reconcile.ts';
import { Submissions } from './submissions.ts';

/**
 * Reconciles FlinkSessionJobs. Woken by the object itself, by its session cluster and the JobManager of that, by the pulse of
 * its job, and by the end of a submission.
 */
export function sessionJobController(scope: KindScope, wake: (key: string) => void): KindController {
  const { env, signal } = scope;
  const { caches, clock, random } = env;
  const pulse = new JobPulse({ clock, random, wake, signal });
  const fetch = env.artifacts ?? artifactFetcher(clock);
  const submissions = new Submissions({ clock, fetch, wake, signal });
  const jobsOf = (cluster: string): string[] => caches.sessionJobs.byIndex('cluster', cluster).map(keyOf);
  const options = { priorityOf: () => priority.transition };
  const ofCluster = <T extends KubeObject>(
    store: Pick<Store<T>, 'subscribe' | 'whenSynced'>,
    matters: (object: Cached<KubeObject>) => boolean = () => true,
  ) =>
    storeSource(
      store,
      ({ object }) =>
        matters(object as Cached<KubeObject>) ? clusterOf(object as Cached<KubeObject>).flatMap(jobsOf) : [],
      options,
    );
  return {
    kind: 'FlinkSessionJob',
    sources: [
      storeSource(caches.sessionJobs, (change) => [keyOf(change.object as FlinkSessionJob)], { ignoreOwn: true }),
      storeSource(caches.flinkDeployments, (change) => jobsOf(keyOf(change.object)), options),
      ofCluster(caches.deployments),
      ofCluster(caches.pods, isJobManager),
    ],
    reconcile: (pass) => reconcile({ ...scope, pulse, submissions }, pass),
    watchedJobs: () => pulse.size,
  };
}

/** TaskManagers come and go with the jobs; a cluster is there for its jobs when its JobManager is. */
function isJobManager({ metadata }: Cached<KubeObject>): boolean {
  return metadata.labels?.component === 'jobmanager';
}
