import type { FlinkTransport } from '@drey/flink';
import type { KubeClient } from '@drey/kube';

/** Throws when this process may no longer act. */
export type Permission = () => void;

/**
 * A client that asks for permission before every write: who has lost the leadership does not write once more because it was
 * about to. Reads go through.
 */
export function fencedClient(client: KubeClient, permit: Permission): KubeClient {
  return {
    get: (r, namespace, name, o) => client.get(r, namespace, name, o),
    list: (r, o) => client.list(r, o),
    watch: (r, o) => client.watch(r, o),
    logs: (namespace, pod, o) => client.logs(namespace, pod, o),
    create: async (r, object, o) => (permit(), client.create(r, object, o)),
    replace: async (r, object, o) => (permit(), client.replace(r, object, o)),
    patch: async (r, namespace, name, type, patch, o) => (permit(), client.patch(r, namespace, name, type, patch, o)),
    apply: async (r, intent, o) => (permit(), client.apply(r, intent, o)),
    delete: async (r, namespace, name, o) => (permit(), client.delete(r, namespace, name, o)),
    raw: async (method, path, body, o) => {
      if (method !== 'GET') permit();
      return client.raw(method, path, body, o);
    },
  };
}

/** The same for calls on Flink. */
export function fencedTransport(transport: FlinkTransport, permit: Permission): FlinkTransport {
  return async (request) => {
    if (request.method !== 'GET') permit();
    return transport(request);
  };
}
