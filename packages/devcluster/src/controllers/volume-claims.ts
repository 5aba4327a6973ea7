import { type Outcome, PersistentVolumeClaim } from '@drey/kube';
import { type ControllerContext, objectKey, startController } from './context.ts';

/**
 * Binds every claim at once: a claim is a directory of the node, made when the first pod mounts it. There are no
 * PersistentVolume objects behind it.
 */
export function startVolumeClaimController(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const claims = context.informers.of(PersistentVolumeClaim);

  const reconcile = async (namespace: string, name: string): Promise<Outcome> => {
    const claim = claims.get(namespace, name);
    if (claim === undefined) return { type: 'gone' };
    if (claim.metadata.deletionTimestamp !== undefined || claim.status?.phase === 'Bound') return { type: 'done' };
    const storage = claim.spec?.resources?.requests?.storage;
    const status = {
      phase: 'Bound',
      accessModes: claim.spec?.accessModes ?? ['ReadWriteOnce'],
      ...(storage === undefined ? {} : { capacity: { storage: String(storage) } }),
    };
    await context.client.patch(PersistentVolumeClaim, namespace, name, 'merge', { status }, { subresource: 'status' });
    return { type: 'done' };
  };

  return startController(
    context,
    { name: 'persistentvolumeclaim', sources: [claims.source((claim) => [objectKey(claim)])], reconcile },
    signal,
  );
}
