import type { Cached } from '../cache/store.ts';
import type { KubeClient, WriteOptions } from './client.ts';
import { isKubeError, KubeError } from './errors.ts';
import type { KubeObject, Resource } from './objects.ts';

export interface FinalizerOptions extends WriteOptions {
  /** Changes the object only if nothing else of it has changed either. Default: others may change other fields meanwhile. */
  readonly exact?: boolean;
}

type JsonPatch = readonly Readonly<Record<string, unknown>>[];

/**
 * Adds one finalizer and leaves those of others alone.
 *
 * Guarantees: changes this very object (uid) only, and only if its list of finalizers is still as `object` has it. Resolves to
 * undefined, without a request, when the finalizer is there.
 * Failure: E_KUBE_CONFLICT when the object is no longer as given: read it again.
 */
export function addFinalizer<T extends KubeObject>(
  client: KubeClient,
  r: Resource<T>,
  object: Cached<T>,
  finalizer: string,
  options: FinalizerOptions = {},
): Promise<T | undefined> {
  const held = object.metadata.finalizers ?? [];
  if (held.includes(finalizer)) return Promise.resolve(undefined);
  const value = held.length === 0 ? null : held;
  const add =
    held.length === 0
      ? { path: '/metadata/finalizers', value: [finalizer] }
      : { path: '/metadata/finalizers/-', value: finalizer };
  return send(client, r, object, options, [
    { op: 'test', path: '/metadata/finalizers', value },
    { op: 'add', ...add },
  ]);
}

/**
 * Removes one finalizer and leaves those of others alone. As {@link addFinalizer}; also resolves to undefined when the object
 * is gone.
 */
export async function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  r: Resource<T>,
  object: Cached<T>,
  finalizer: string,
  options: FinalizerOptions = {},
): Promise<T | undefined> {
  const index = (object.metadata.finalizers ?? []).indexOf(finalizer);
  if (index < 0) return undefined;
  const path = `/metadata/finalizers/${index}`;
  try {
    return await send(client, r, object, options, [
      { op: 'test', path, value: finalizer },
      { op: 'remove', path },
    ]);
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
    throw error;
  }
}

async function send<T extends KubeObject>(
  client: KubeClient,
  r: Resource<T>,
  object: Cached<T>,
  options: FinalizerOptions,
  patch: JsonPatch,
): Promise<T> {
  const { namespace, name = '', uid, resourceVersion } = object.metadata;
  const tests: JsonPatch = [
    ...(uid === undefined ? [] : [{ op: 'test', path: '/metadata/uid', value: uid }]),
    ...(options.exact ? [{ op: 'test', path: '/metadata/resourceVersion', value: resourceVersion }] : []),
  ];
  try {
    return await client.patch(r, namespace, name, 'json', [...tests, ...patch], options);
  } catch (error) {
    // A failed test is a 422 that does not say so; a field that is refused is one that names its causes.
    if (!isKubeError(error, 'E_KUBE_INVALID') || (error.body?.details?.causes ?? []).length > 0) throw error;
    throw new KubeError('E_KUBE_CONFLICT', `the finalizers of ${r.kind} ${name} have changed meanwhile`, {
      status: error.status,
      cause: error,
    });
  }
}
