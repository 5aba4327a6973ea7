import type { KubeClient } from '../client/client.ts';
import type { KubeObject, Resource } from '../client/objects.ts';

/** Finds the {@link file://./store.ts | Store} of a kind, if it is cached. */
export type StoreOf = (r: Resource<KubeObject>) => { written(answer: KubeObject): void } | undefined;

/**
 * A client whose write answers show in the stores at once (see `Store.written`). Dry runs and answers of another kind
 * (the scale subresource) do not.
 */
export function showOwnWrites(client: KubeClient, storeOf: StoreOf): KubeClient {
  const show = async <T extends KubeObject>(
    r: Resource<T>,
    dryRun: boolean | undefined,
    answer: Promise<T>,
  ): Promise<T> => {
    const object = await answer;
    if (!dryRun && object.kind === r.kind) storeOf(r)?.written(object);
    return object;
  };
  return {
    get: (r, namespace, name, o) => client.get(r, namespace, name, o),
    list: (r, o) => client.list(r, o),
    watch: (r, o) => client.watch(r, o),
    create: (r, object, o) => show(r, o?.dryRun, client.create(r, object, o)),
    replace: (r, object, o) => show(r, o?.dryRun, client.replace(r, object, o)),
    patch: (r, namespace, name, type, patch, o) => show(r, o?.dryRun, client.patch(r, namespace, name, type, patch, o)),
    apply: (r, intent, o) => show(r, o.dryRun, client.apply(r, intent, o)),
    delete: (r, namespace, name, o) => client.delete(r, namespace, name, o),
    logs: (namespace, pod, o) => client.logs(namespace, pod, o),
    raw: (method, path, body, o) => client.raw(method, path, body, o),
  };
}
