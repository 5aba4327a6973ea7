import type { FlinkTransport } from '@drey/flink';
import type { KubeClient } from '@drey/kube';
import type { ZooKeeperPort } from '../zookeeper/client.ts';

/** Throws when this process may no longer act. */
export type Permission = () => void;

/**
 * A client that asks for permission before every write: who has lost the leadership does not write once more because it was
 * about to. Reads go through.
 */
export function fencedClient(client: KubeClient, permit: Permission): KubeClient {
  const write = async <T>(call: () => Promise<T>): Promise<T> => {
    permit();
    return call();
  };
  return {
    get: (r, namespace, name, o) => client.get(r, namespace, name, o),
    list: (r, o) => client.list(r, o),
    watch: (r, o) => client.watch(r, o),
    logs: (namespace, pod, o) => client.logs(namespace, pod, o),
    create: (r, object, o) => write(() => client.create(r, object, o)),
    replace: (r, object, o) => write(() => client.replace(r, object, o)),
    patch: (r, namespace, name, type, patch, o) => write(() => client.patch(r, namespace, name, type, patch, o)),
    apply: (r, intent, o) => write(() => client.apply(r, intent, o)),
    delete: (r, namespace, name, o) => write(() => client.delete(r, namespace, name, o)),
    raw<R>(...[method, path, body, o]: Parameters<KubeClient['raw']>): Promise<R> {
      const call = (): Promise<R> => client.raw<R>(method, path, body, o);
      return method === 'GET' ? call() : write(call);
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

/** The same for removals in ZooKeeper. */
export function fencedZooKeeper(zooKeeper: ZooKeeperPort, permit: Permission): ZooKeeperPort {
  return (quorum, signal, work) =>
    zooKeeper(quorum, signal, (nodes) =>
      work({
        children: (path) => nodes.children(path),
        remove: async (path) => {
          permit();
          await nodes.remove(path);
        },
      }),
    );
}
