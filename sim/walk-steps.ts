import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import { isKubeError, type KubeObject, type Resource } from '@drey/kube';
import type { OperatorWorld } from './operator-world.ts';

type Walked = FlinkDeployment | FlinkSessionJob;

/** Gives what is stored another spec; false when the API server refuses it. */
export async function giveSpec<T extends Walked>(
  sim: OperatorWorld,
  resource: Resource<T & KubeObject>,
  read: () => T | undefined,
  spec: T['spec'],
): Promise<boolean> {
  for (;;) {
    const stored = read();
    if (stored === undefined) throw new Error(`the walked ${resource.kind} is gone`);
    try {
      await sim.drive(sim.admin.replace(resource, { ...stored, spec } as T & KubeObject));
      return true;
    } catch (error) {
      if (isKubeError(error, 'E_KUBE_INVALID')) return false;
      if (!isKubeError(error, 'E_KUBE_CONFLICT')) throw error;
    }
  }
}

/** Waits until nothing has changed for `restMs` and the operator has nothing more to do; false when that does not come. */
export function comesToRest<T extends Walked>(
  sim: OperatorWorld,
  read: () => T | undefined,
  hasError: (stored: T | undefined) => boolean,
  { restMs, limitMs }: { readonly restMs: number; readonly limitMs: number },
): Promise<boolean> {
  let [last, since] = ['', 0];
  return sim.until(() => {
    const stored = read();
    const version = stored?.metadata.resourceVersion ?? '';
    const now = sim.clock.monotonic();
    if (version !== last) [last, since] = [version, now];
    if (now - since < restMs) return false;
    if (hasError(stored)) return true;
    const { observedGeneration, lifecycleState, jobStatus, operation } = stored?.status ?? {};
    const isArrived = observedGeneration === stored?.metadata.generation && operation == null;
    return isArrived && lifecycleState === 'STABLE' && jobStatus?.state === 'RUNNING';
  }, limitMs);
}
