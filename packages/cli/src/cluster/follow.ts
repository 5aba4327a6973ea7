import type { FlinkDeployment } from '@drey/api';
import { isKubeError, type KubeClient } from '@drey/kube';
import { FlinkDeployments } from './connect.ts';

/**
 * Calls `seen` with every version of an object from now on, until `seen` returns a value, which is the result; undefined when
 * the object is gone. Watches that end are opened again; rejects with the signal's reason when that aborts.
 */
export async function followDeployment<R>(
  client: KubeClient,
  namespace: string,
  name: string,
  seen: (object: FlinkDeployment) => R | undefined,
  signal: AbortSignal,
): Promise<R | undefined> {
  while (!signal.aborted) {
    const list = await client.list(FlinkDeployments, { namespace, fieldSelector: `metadata.name=${name}`, signal });
    const [now] = list.items;
    if (now === undefined) return undefined;
    const done = seen(now);
    if (done !== undefined) return done;
    try {
      const events = client.watch(FlinkDeployments, {
        namespace,
        fieldSelector: `metadata.name=${name}`,
        ...(list.metadata.resourceVersion === undefined ? {} : { resourceVersion: list.metadata.resourceVersion }),
        signal,
      });
      for await (const event of events) {
        if (event.type === 'BOOKMARK') continue;
        if (event.type === 'DELETED') return undefined;
        const result = seen(event.object);
        if (result !== undefined) return result;
      }
    } catch (error) {
      if (signal.aborted || !isKubeError(error, 'E_KUBE_EXPIRED')) throw error;
    }
  }
  throw signal.reason;
}
