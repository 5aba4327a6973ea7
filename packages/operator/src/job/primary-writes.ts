import { addFinalizer, type Cached, isKubeError, type KubeObject, type Resource, removeFinalizer } from '@drey/kube';
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
  /**
   * Replaces the status; a conflict rejects. Rejects with `E_OPERATOR_OLD_CRD` when the cluster did not keep the intent
   * record: nothing may be done without it.
   */
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
  const exactly = { exact: true, fieldManager: MANAGER, signal };
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
      if (operationId(status) !== operationId(written.status)) throw oldDefinition(object.kind);
      return written;
    },
    async addFinalizer(object) {
      try {
        return (await addFinalizer(env.kube, resource, object as Cached<T>, finalizer, exactly)) ?? object;
      } catch (error) {
        throw isKubeError(error, 'E_KUBE_CONFLICT', 'E_KUBE_NOT_FOUND') ? outdated() : error;
      }
    },
    async removeFinalizer(object) {
      try {
        await removeFinalizer(env.kube, resource, object as Cached<T>, finalizer, exactly);
      } catch (error) {
        throw isKubeError(error, 'E_KUBE_CONFLICT') ? outdated() : error;
      }
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

function operationId(status: unknown): string | undefined {
  return (status as { readonly operation?: { readonly id?: string } | null } | undefined)?.operation?.id;
}

/** Definitions of the Apache operator drop members of the status that they do not know. */
function oldDefinition(kind: string): StepError {
  return new StepError(
    'E_OPERATOR_OLD_CRD',
    `The cluster does not keep status.operation of a ${kind}: its CustomResourceDefinition is not Drey's.`,
  );
}

function outdated(): StepError {
  return new StepError('E_OPERATOR_OUTDATED', 'The object changed since it was read.');
}
