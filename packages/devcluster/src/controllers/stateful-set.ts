import { isKubeError, type Outcome, PersistentVolumeClaim, Pod, StatefulSet } from '@drey/kube';
import { type ControllerContext, objectKey, ownerKeys, startController } from './context.ts';
import { deletePod } from './replica-set.ts';
import { sameJson } from './same.ts';
import { claimsOf, planStatefulSet, statefulPod, statefulStatus } from './stateful-set-plan.ts';

/** Keeps numbered pods with stable names and claims. */
export function startStatefulSetController(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { client, informers } = context;
  const sets = informers.of(StatefulSet);
  const pods = informers.of(Pod);
  const events = context.events('statefulset-controller');

  const create = async (set: StatefulSet, ordinal: number): Promise<void> => {
    for (const claim of claimsOf(set, ordinal)) {
      await client.create(PersistentVolumeClaim, claim).catch((error: unknown) => {
        if (!isKubeError(error, 'E_KUBE_ALREADY_EXISTS')) throw error;
      });
    }
    const pod = await client.create(Pod, statefulPod(set, ordinal));
    const message = `create Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
    events.record(set, { type: 'Normal', reason: 'SuccessfulCreate', message });
  };

  const reconcile = async (namespace: string, name: string): Promise<Outcome> => {
    const set = sets.get(namespace, name);
    if (set === undefined) return { type: 'gone' };
    const owned = (): Pod[] => pods.ownedBy(set.metadata.uid ?? '');
    const plan = planStatefulSet(set, owned());
    for (const ordinal of plan.create) await create(set, ordinal);
    for (const pod of plan.remove) {
      await deletePod(context, pod);
      const message = `delete Pod ${pod.metadata.name} in StatefulSet ${name} successful`;
      events.record(set, { type: 'Normal', reason: 'SuccessfulDelete', message });
    }
    const status = statefulStatus(set, owned());
    if (!sameJson(status, set.status)) {
      await client.replace(StatefulSet, { ...set, status }, { subresource: 'status' });
    }
    return { type: 'done' };
  };

  return startController(
    context,
    {
      name: 'statefulset',
      sources: [sets.source((set) => [objectKey(set)]), pods.source(ownerKeys('StatefulSet'))],
      reconcile,
    },
    signal,
  );
}
