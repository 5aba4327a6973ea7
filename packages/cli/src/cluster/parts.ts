import { allCrds } from '@drey/api';
import type { FlinkTransport } from '@drey/flink';
import { type AnyObject, CustomResourceDefinition, type KubeClient, systemClock, systemRandom } from '@drey/kube';
import { createOperator, type OperatorEnv, type operatorLogger, serveHealth } from '@drey/operator';
import { ensureJobAccount } from './local-account.ts';
import { OWN_MACHINE_CONFIG } from './own-machine.ts';

/** A cluster of either kind, and how the operator reaches the Flink on it. */
export interface FlinkReach {
  readonly client: KubeClient;
  readonly flink: { readonly transport: FlinkTransport; close(): Promise<void> };
  readonly endpoints?: NonNullable<OperatorEnv['endpoints']>;
}

/** Kinds and accounts that a cluster for Flink has. */
export async function prepareCluster(client: KubeClient): Promise<void> {
  for (const crd of allCrds()) {
    await client.apply(CustomResourceDefinition, crd as unknown as CustomResourceDefinition & AnyObject, {
      fieldManager: 'drey-crds',
    });
  }
  await ensureJobAccount(client, 'default');
}

/** Starts the operator in this process, with its health port on loopback; its end closes the connections to Flink. */
export async function startOperator(
  { client, flink, endpoints }: FlinkReach,
  log: ReturnType<typeof operatorLogger>,
): Promise<{ readonly health: string; stop(): Promise<void> }> {
  const operator = createOperator(
    {
      ...{ clock: systemClock, random: systemRandom, kube: client, log, flink: flink.transport },
      ...(endpoints === undefined ? {} : { endpoints }),
    },
    { config: OWN_MACHINE_CONFIG },
  );
  await operator.start();
  const health = await serveHealth(operator, { port: 0 });
  return {
    health: `http://127.0.0.1:${health.port}`,
    stop: async () => {
      await health.close();
      await operator.stop();
      await flink.close();
    },
  };
}
