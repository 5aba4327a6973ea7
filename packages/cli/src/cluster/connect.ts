import {
  createKubeClient,
  type KubeClient,
  loadKubeconfig,
  systemClock,
  systemRandom,
  UndiciTransport,
} from '@drey/kube';
import { runningCluster } from './record.ts';

/** Which cluster a command talks to. */
export interface Target {
  /** A cluster of `drey up`. */
  readonly name?: string;
  /** Any cluster, by its kubeconfig. */
  readonly kubeconfig?: string;
  readonly namespace?: string;
}

export interface Connection {
  readonly client: KubeClient;
  readonly namespace: string;
  close(): Promise<void>;
}

/** Connects to the cluster that the options name: a kubeconfig, else the running cluster of that name. */
export async function connect(target: Target): Promise<Connection> {
  const path = target.kubeconfig ?? runningCluster(target.name ?? 'default').kubeconfig;
  const context = await loadKubeconfig({ path });
  const transport = new UndiciTransport(context.access);
  const client = createKubeClient({ transport, clock: systemClock, random: systemRandom });
  return { client, namespace: target.namespace ?? context.namespace, close: () => transport.close() };
}
