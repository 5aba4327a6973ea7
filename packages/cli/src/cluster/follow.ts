import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import {
  type Clock,
  isKubeError,
  type KubeClient,
  type KubeError,
  type Random,
  Reflector,
  Store,
  systemClock,
  systemRandom,
} from '@drey/kube';

/** A cluster that only fails for this long is given up. */
const LOST_AFTER_MS = 60_000;
/** An attempt that has not failed this long after it was due has succeeded: a quiet watch says nothing else. */
const ATTEMPT_MS = 15_000;

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Hears of each failure that is tried again. */
  readonly lost?: (error: KubeError) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly random?: Random;
}

/**
 * Calls `seen` with every version of an object from now on, until `seen` returns a value, which is the result; undefined when
 * the object is gone. Connections that break are opened again, with back-off. Rejects with the signal's reason when that
 * aborts, with what `seen` throws, and with a KubeError when the cluster refuses or does not answer for a minute.
 */
export async function followDeployment<R>(
  client: KubeClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  seen: (object: FlinkDeployment) => R | undefined,
  options: FollowOptions,
): Promise<R | undefined> {
  const { signal, clock = systemClock, random = systemRandom } = options;
  signal.throwIfAborted();
  const stop = new AbortController();
  const store = new Store<FlinkDeployment>();
  const trouble = troubleClock(clock);
  const result = new Promise<R | undefined>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: stop.signal });
    store.subscribe((change) => {
      if (change.type === 'deleted') return resolve(undefined);
      try {
        const value = seen(change.object as FlinkDeployment);
        if (value !== undefined) resolve(value);
      } catch (error) {
        reject(error);
      }
    });
    const failed = (error: KubeError, retryMs: number): void => {
      const isRefusal = isKubeError(error, 'E_KUBE_UNAUTHORIZED', 'E_KUBE_FORBIDDEN', 'E_KUBE_NOT_FOUND');
      if (isRefusal || trouble.failed(retryMs) > LOST_AFTER_MS) reject(error);
      else options.lost?.(error);
    };
    store
      .whenSynced(stop.signal)
      .then(async () => {
        // A first list may come from a cache that is older than the object.
        if (store.size === 0 && !(await exists(client, namespace, name, stop.signal))) resolve(undefined);
      })
      .catch((error: unknown) => (stop.signal.aborted ? undefined : reject(error)));
    const reflector = new Reflector<FlinkDeployment>({
      ...{ client, clock, random, resource: FlinkDeployments, feed: store.feed(namespace), namespace },
      fieldSelector: `metadata.name=${name}`,
      observer: { listed: trouble.answered, event: trouble.answered, failed },
    });
    reflector.run(stop.signal).catch(reject);
  });
  try {
    return await result;
  } finally {
    stop.abort();
  }
}

/** How long calls have done nothing but fail. */
function troubleClock(clock: Clock): { answered(): void; failed(retryMs: number): number } {
  let since: number | undefined;
  let nextAt = 0;
  return {
    answered: () => {
      since = undefined;
    },
    failed: (retryMs) => {
      const now = clock.monotonic();
      if (since === undefined || now > nextAt + ATTEMPT_MS) since = now;
      nextAt = now + retryMs;
      return now - since;
    },
  };
}

async function exists(client: KubeClient, namespace: string, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await client.get(FlinkDeployments, namespace, name, { signal });
    return true;
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return false;
    throw error;
  }
}
