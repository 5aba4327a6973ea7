import { isKubeError, Node, type Outcome, Pod } from '@drey/kube';
import { timestamp } from '../node/pod-status.ts';
import { type ControllerContext, objectKey, startController } from './context.ts';
import { NodeUses } from './node-use.ts';
import { hasEnded } from './pod-facts.ts';
import { placePod } from './schedule.ts';

const RETRY_MS = 5000;

/** Gives pods to nodes. One pod at a time, so that two never take the same room. */
export function startScheduler(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const pods = context.informers.of(Pod);
  const nodes = context.informers.of(Node);
  const events = context.events('default-scheduler');
  const uses = new NodeUses();
  /** Bound here, not yet seen bound by the watch. */
  const assumed = new Set<string>();
  const waiting = new Set<string>();

  const waits = (pod: Pod): boolean =>
    !pod.spec?.nodeName &&
    pod.metadata.deletionTimestamp === undefined &&
    !hasEnded(pod) &&
    (pod.spec?.schedulerName ?? 'default-scheduler') === 'default-scheduler' &&
    (pod.spec?.schedulingGates ?? []).length === 0;

  const forget = (uid: string): void => {
    assumed.delete(uid);
    uses.release(uid);
  };

  // Heard before the controller's own source, so that every pass sees what woke it.
  pods.onChange((pod, old, deleted) => {
    const { uid = '' } = pod.metadata;
    if (old !== undefined && old.metadata.uid !== uid) forget(old.metadata.uid ?? '');
    if (!deleted && waits(pod)) waiting.add(objectKey(pod));
    else waiting.delete(objectKey(pod));
    if (deleted || hasEnded(pod)) forget(uid);
    else if (pod.spec?.nodeName) {
      assumed.delete(uid);
      uses.assign(pod, pod.spec.nodeName);
    }
  });

  const bind = async (pod: Pod, node: string): Promise<void> => {
    const { namespace, name = '', uid = '' } = pod.metadata;
    assumed.add(uid);
    uses.assign(pod, node);
    try {
      await context.client.raw('POST', `/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name, namespace, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      });
    } catch (error) {
      if (assumed.delete(uid)) uses.release(uid);
      if (isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) return;
      throw error;
    }
    const message = `Successfully assigned ${namespace}/${name} to ${node}`;
    events.record(pod, { type: 'Normal', reason: 'Scheduled', message });
  };

  const refuse = async (pod: Pod, message: string): Promise<void> => {
    const before = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled');
    if (before?.status === 'False' && before.message === message) return;
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastProbeTime: null,
      lastTransitionTime: timestamp(context.clock.now()),
    };
    const { namespace, name = '' } = pod.metadata;
    const patch = { status: { conditions: [condition] } };
    await context.client.patch(Pod, namespace, name, 'strategic', patch, { subresource: 'status' });
    events.record(pod, { type: 'Warning', reason: 'FailedScheduling', message });
  };

  const reconcile = async (namespace: string, name: string): Promise<Outcome> => {
    const pod = pods.get(namespace, name);
    if (pod === undefined) return { type: 'gone' };
    if (!waits(pod)) return { type: 'done' };
    if (assumed.has(pod.metadata.uid ?? '')) return { type: 'done', requeueAfterMs: RETRY_MS };
    const placement = placePod(pod, nodes.list(), (node) => uses.of(node));
    if (placement.type === 'fits') {
      await bind(pod, placement.node);
      return { type: 'done' };
    }
    await refuse(pod, placement.message);
    return { type: 'done', requeueAfterMs: RETRY_MS };
  };

  /** Room may have been made for those that wait. */
  const keysOf = (pod: Pod): readonly string[] =>
    pod.metadata.deletionTimestamp !== undefined || hasEnded(pod) ? [objectKey(pod), ...waiting] : [objectKey(pod)];
  return startController(
    context,
    {
      name: 'scheduler',
      sources: [pods.source(keysOf), nodes.source((node) => (isReadyNode(node) ? [...waiting] : []))],
      reconcile,
      workers: 1,
    },
    signal,
  );
}

function isReadyNode(node: Node): boolean {
  return (
    node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true
  );
}
