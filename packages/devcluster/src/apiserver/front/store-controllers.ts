import { type Clock, createKubeClient, type KubeClient, type Random, type Transport } from '@drey/kube';
import { startGarbageCollector } from '../../controllers/garbage-collector.ts';
import { startNamespaceController } from '../../controllers/namespace.ts';
import { MASTERS_GROUP } from '../auth/rbac.ts';
import type { ApiServer } from '../server.ts';
import { inProcessTransport } from './in-process.ts';

export interface StoreControllerOptions {
  readonly server: ApiServer;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of passes that failed; they are tried again. */
  readonly failed?: (what: string, error: unknown) => void;
}

/**
 * The two controllers without which deletes do not end: garbage collector and namespace controller. They read the store
 * and write through the API as users of their own. Returns how to stop them.
 */
export function startStoreControllers(options: StoreControllerOptions): () => Promise<void> {
  const { server, clock, random, failed } = options;
  const transports: Transport[] = [];
  const clientFor = (account: string): KubeClient => {
    const name = `system:serviceaccount:kube-system:${account}`;
    const transport = inProcessTransport(server.handle, { name, groups: [MASTERS_GROUP, 'system:authenticated'] });
    transports.push(transport);
    const manager = 'kube-controller-manager';
    return createKubeClient({ transport, clock, random, fieldManager: manager, userAgent: manager });
  };
  const hears = failed === undefined ? {} : { failed };
  const stops = [
    startGarbageCollector({ server, client: clientFor('generic-garbage-collector'), clock, random, ...hears }),
    startNamespaceController({ server, client: clientFor('namespace-controller'), clock, ...hears }),
  ];
  return async () => {
    for (const stop of stops) stop();
    await Promise.all(transports.map((transport) => transport.close()));
  };
}
