import { isKubeError, type KubeObject, type Resource } from '@drey/kube';
import type { Env } from '../runtime/ports.ts';
import { StepError } from './step-error.ts';

/** Field managers, one for each purpose. */
export const MANAGER = 'drey';
export const STATUS_MANAGER = 'drey-status';

/** The object that a user wrote and that a pass is about, as far as it is written. */
export interface PrimaryKind<T extends KubeObject> {
  readonly resource: Resource<T>;
  /** The cache of this kind, which is told what a read found. */
  readonly cache: { written(object: T): void };
  readonly finalizer: string;
}

/** The writes on one kind of primary object. Each makes sure that the decision behind it was made on the newest object. */
export interface PrimaryWrites<T extends KubeObject, S> {
  /** Rejects with `E_OPERATOR_OUTDATED` when the object is not the one that was read. */
  confirm(object: T): Promise<void>;
  /** Replaces the status; a conflict rejects. */
  writeStatus(object: T, status: S): Promise<T>;
  addFinalizer(object: T): Promise<T>;
  removeFinalizer(object: T): Promise<void>;
}

/** The writes of one pass, which end when `signal` aborts. */
export function primaryWrites<S, T extends KubeObject & { readonly kind: string; status?: S }>(
  env: Pick<Env, 'kube' | 'metrics'>,
  kind: PrimaryKind<T>,
  signal: AbortSignal,
): PrimaryWrites<T, S> {
  const { resource, cache, finalizer } = kind;
  const patchFinalizers = async (object: T, change: readonly unknown[]): Promise<T> => {
    const { namespace, name = '', resourceVersion } = object.metadata;
    const guarded = [{ op: 'test', path: '/metadata/resourceVersion', value: resourceVersion }, ...change];
    try {
      return await env.kube.patch(resource, namespace, name, 'json', guarded, { fieldManager: MANAGER, signal });
    } catch (error) {
      // A test that does not hold is refused as invalid: the object is newer, or has just gone.
      if (isKubeError(error, 'E_KUBE_INVALID', 'E_KUBE_REJECTED', 'E_KUBE_NOT_FOUND')) throw outdated();
      throw error;
    }
  };
  return {
    async confirm(object) {
      const { namespace, name = '', resourceVersion } = object.metadata;
      const live = await liveOf(env.kube.get(resource, namespace, name, { signal }));
      if (live === undefined) throw new StepError('E_OPERATOR_OUTDATED', 'The object has gone.');
      if (live.metadata.resourceVersion === resourceVersion) return;
      cache.written(live);
      throw outdated();
    },
    async writeStatus(object, status) {
      const options = { subresource: 'status', fieldManager: STATUS_MANAGER, signal } as const;
      const written = await env.kube.replace(resource, { ...object, status }, options);
      env.metrics.statusWrites.inc({ kind: object.kind });
      return written;
    },
    async addFinalizer(object) {
      const finalizers = object.metadata.finalizers ?? [];
      if (finalizers.includes(finalizer)) return object;
      return patchFinalizers(
        object,
        finalizers.length === 0
          ? [{ op: 'add', path: '/metadata/finalizers', value: [finalizer] }]
          : [{ op: 'add', path: '/metadata/finalizers/-', value: finalizer }],
      );
    },
    async removeFinalizer(object) {
      const index = (object.metadata.finalizers ?? []).indexOf(finalizer);
      if (index < 0) return;
      const path = `/metadata/finalizers/${index}`;
      await patchFinalizers(object, [
        { op: 'test', path, value: finalizer },
        { op: 'remove', path },
      ]);
    },
  };
}

/** The object that a read finds; undefined when there is none. */
async function liveOf<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}

function outdated(): StepError {
  return new StepError('E_OPERATOR_OUTDATED', 'The object changed since it was read.');
}
