import { allCrds, type FlinkDeployment, FlinkDeployments, type FlinkSessionJob, FlinkSessionJobs } from '@drey/api';
import { startSimulatedCluster } from '@drey/devcluster';
import {
  type AnyObject,
  CustomResourceDefinition,
  isKubeError,
  type KubeClient,
  ServiceAccount,
  systemClock,
  systemRandom,
} from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { createOperator, operatorLogger } from '@drey/operator';
import { plansFor } from './plan.ts';
import type { PlanResult } from './print.ts';
import type { Planned } from './wanted.ts';

/** A cluster with the production operator and simulated Flink, for tests of plans and of what comes of them. */
export interface PlannedCluster {
  /** Plans of objects of one file, made on the live cluster. */
  plans(...files: readonly Planned[]): Promise<PlanResult[]>;
  read<T extends Planned>(object: T): Promise<T>;
  apply(object: Planned): Promise<void>;
  /** It is STABLE, with the spec that was applied last. */
  isStable(object: Planned): Promise<boolean>;
  /** Everything that plans asked of the API server and that is no reading. */
  readonly writes: readonly string[];
  readonly operator: ReturnType<typeof createOperator>;
  readonly client: KubeClient;
  stop(): Promise<void>;
}

/** Starts one; `name` is its own among those of this machine. */
export async function startPlannedCluster(name: string): Promise<PlannedCluster> {
  const env = { clock: systemClock, random: systemRandom };
  const cluster = await startSimulatedCluster({ ...env, name, port: 0, onProblem: () => undefined });
  const { client } = cluster;
  for (const crd of allCrds()) {
    const definition = crd as unknown as CustomResourceDefinition & AnyObject;
    await client.apply(CustomResourceDefinition, definition, { fieldManager: 'test' });
  }
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'flink', namespace: 'default' } };
  await client.create(ServiceAccount, account as ServiceAccount);
  const log = operatorLogger({ level: 'silent' });
  const operator = createOperator({
    ...{ ...env, kube: client, log, flink: cluster.flink, endpoints: cluster.endpoint },
    artifacts: async () => aJar(),
  });
  await operator.start();
  const writes: string[] = [];
  const read = async <T extends Planned>({ kind, metadata }: T): Promise<T> => {
    const resource = kind === 'FlinkSessionJob' ? FlinkSessionJobs : FlinkDeployments;
    return (await client.get(resource as typeof FlinkDeployments, 'default', metadata.name ?? '')) as Planned as T;
  };
  const liveOf = (file: Planned): Promise<Planned | undefined> =>
    read(file).catch((error) => {
      if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return undefined;
      throw error;
    });
  const apply = async (object: Planned): Promise<void> => {
    const here = { ...object, metadata: { name: object.metadata.name ?? '', namespace: 'default' } };
    if (here.kind === 'FlinkSessionJob')
      await client.apply(FlinkSessionJobs, here as FlinkSessionJob & AnyObject, { fieldManager: 'test' });
    else await client.apply(FlinkDeployments, here as FlinkDeployment & AnyObject, { fieldManager: 'test' });
  };
  return {
    read,
    apply,
    writes,
    operator,
    client,
    plans: async (...files) => {
      const items = await Promise.all(files.map(async (file) => ({ file, live: await liveOf(file) })));
      const connection = { client: noting(client, writes), namespace: 'default' };
      return plansFor({
        ...{ items, connection, flink: cluster.flink, endpoints: cluster.endpoint },
        config: DEFAULT_OPERATOR_CONFIG,
      });
    },
    isStable: async (object) => {
      const { status, metadata } = await read(object);
      return status?.lifecycleState === 'STABLE' && status.observedGeneration === metadata.generation;
    },
    stop: async () => {
      await operator.stop();
      await cluster.stop();
    },
  };
}

async function* aJar(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode('a jar');
}

/** The cluster's client, which notes everything that is no reading. */
function noting(client: KubeClient, writes: string[]): KubeClient {
  return new Proxy(client, {
    get(target, name: keyof KubeClient) {
      const call = target[name] as (...args: unknown[]) => unknown;
      if (['get', 'list', 'watch', 'logs'].includes(name)) return call.bind(target);
      return (...args: unknown[]) => {
        if (name !== 'raw' || args[0] !== 'GET') writes.push(name);
        return call.apply(target, args);
      };
    },
  });
}
