import { type CurrentOperation, elapsedMs } from '../../job/operation.ts';
import { after, inTransition } from '../../job/wake-up.ts';
import type { Context, Outcome } from '../context.ts';
import type { Step } from '../plan.ts';
import { STATEFUL_SETS_REFUSED } from '../start/missing-right.ts';

/** Result of looking at a cluster that is to go. */
export type Removal =
  /** Nothing of it exists any more. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'waiting'; readonly outcome: Outcome }
  /** The name is taken by a cluster that is not ours. */
  | { readonly kind: 'foreign' };

/**
 * Takes the cluster away step by step: the JobManager's Deployment first (its pods, the services and in a native cluster
 * the TaskManagers go with it), then the TaskManagers of a standalone cluster, then, unless it carries the state, the HA
 * metadata. `gone` is only said on the word of the API server itself.
 */
export function removeCluster(context: Context, operation: CurrentOperation, keepHaMetadata: boolean): Removal {
  const { world, status } = context;
  const refused = world.refusedStatefulSets === undefined ? '' : ` ${STATEFUL_SETS_REFUSED}`;
  const progress = { reason: 'RemovingCluster', message: `Waiting for the cluster to be removed.${refused}` };
  const wait = (steps: readonly Step[] = []): Removal => ({
    kind: 'waiting',
    outcome: { status, steps, progress, wakeUp: inTransition(elapsedMs(operation, context.now)) },
  });
  const { jobManager, remains, ha } = world;
  if (!jobManager.known) return wait();
  const deployment = jobManager.value;
  if (deployment !== undefined) {
    if (deployment.ownerUid !== context.wanted.metadata.uid) return { kind: 'foreign' };
    // What this very operation created is never what it has to remove: this status is older than the cluster.
    if (deployment.operationId === operation.id) return wait();
    return wait(deployment.deleting ? [] : [{ kind: 'delete-job-manager', uid: deployment.uid }]);
  }
  if (!remains.known || remains.value.deployment) return wait();
  const { taskManagers } = remains.value;
  if (taskManagers !== undefined) {
    if (taskManagers.ownerUid !== context.wanted.metadata.uid) return { kind: 'foreign' };
    // A JobManager that lost its TaskManagers would take its job for failed, and that is the end of some jobs.
    if ((remains.value.jobManagerPods ?? []).length > 0 || taskManagers.deleting) return wait();
    return wait([{ kind: 'delete-task-managers', uid: taskManagers.uid, workload: taskManagers.kind }]);
  }
  if (remains.value.pods.length > 0 || remains.value.services.length > 0) return wait();
  if (keepHaMetadata) return { kind: 'gone' };
  if (!ha.known) return wait();
  const { zooKeeper } = ha.value;
  if (zooKeeper !== undefined) {
    return wait([{ kind: 'delete-zookeeper-nodes', quorum: zooKeeper.quorum, paths: [zooKeeper.root] }]);
  }
  if (ha.value.configMaps.length > 0) {
    const configMaps = ha.value.configMaps.map(({ name, uid }) => ({ name, uid }));
    const removed = wait([{ kind: 'delete-ha-metadata', configMaps }]);
    return removed.kind === 'waiting' ? { ...removed, outcome: { ...removed.outcome, wakeUp: after(0) } } : removed;
  }
  return { kind: 'gone' };
}
