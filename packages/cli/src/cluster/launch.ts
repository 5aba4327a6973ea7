import { chmodSync, createWriteStream, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { allCrds } from '@drey/api';
import { type Cluster, localDistributions, startCluster } from '@drey/devcluster';
import { httpTransport, systemDistribution } from '@drey/flink';
import { type AnyObject, CustomResourceDefinition, type KubeClient, systemClock, systemRandom } from '@drey/kube';
import { createOperator, type Operator, operatorLogger } from '@drey/operator';
import { ensureJobAccount } from './local-account.ts';
import { clusterFolder, processStart, removeRecord, writeRecord } from './record.ts';

export interface LaunchOptions {
  readonly name: string;
  /** Objects, certificates and volumes; undefined: in memory and a temporary folder. */
  readonly dataDirectory: string | undefined;
  readonly port: number;
  /** Where the kubeconfig goes; default: the folder of the cluster. */
  readonly kubeconfig: string | undefined;
  readonly operator: boolean;
  readonly images: Readonly<Record<string, { readonly as: string; readonly usrlib?: string }>>;
  readonly fastStart: boolean;
  /** Hears of what is done, with no time of its own. */
  readonly progress: (what: string) => void;
}

/** A cluster of this process, with the operator unless it was not wanted. */
export interface Launched {
  readonly client: KubeClient;
  readonly url: string;
  /** Path of the kubeconfig (mode 0600). */
  readonly kubeconfig: string;
  /** Ends everything in order: operator, pods, API server. Objects stay in the data directory. */
  stop(): Promise<void>;
}

/** Starts a cluster and the operator in this process, and records it for other commands. Rejects with a coded error. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const { name } = options;
  const folder = clusterFolder(name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = createWriteStream(join(folder, 'drey.log'), { flags: 'a', mode: 0o600 });
  const logger = operatorLogger({ level: 'info', stream: log });
  const cluster = await startCluster({
    ...{
      clock: systemClock,
      random: systemRandom,
      name,
      port: options.port,
      fastStart: options.fastStart,
      ...addressBlocks(name),
    },
    ...(options.dataDirectory === undefined ? {} : { dataDirectory: options.dataDirectory }),
    images: { mappings: options.images, findDistribution: localDistributions(systemDistribution()) },
    onProblem: (where, error) => logger.warn({ err: error, where }, 'cluster problem'),
  });
  try {
    options.progress('API server ready');
    await prepare(cluster.client);
    const operator = options.operator ? await startOperator(cluster, logger) : undefined;
    if (operator) options.progress('operator ready');
    const kubeconfig = options.kubeconfig ?? join(folder, 'kubeconfig');
    writeKubeconfig(kubeconfig, cluster.kubeconfig);
    writeRecord({
      ...{ name, pid: process.pid, processStart: processStart(process.pid) ?? '', url: cluster.url, kubeconfig },
      operator: options.operator,
      startedAt: new Date().toISOString(),
    });
    const stop = async (): Promise<void> => {
      await operator?.stop();
      await cluster.stop();
      removeRecord(name, process.pid);
      if (options.dataDirectory === undefined) rmSync(kubeconfig, { force: true });
      log.end();
    };
    return { client: cluster.client, url: cluster.url, kubeconfig, stop };
  } catch (error) {
    await cluster.stop(0);
    throw error;
  }
}

/** Kinds and accounts that a cluster for Flink has. */
async function prepare(client: KubeClient): Promise<void> {
  for (const crd of allCrds()) {
    await client.apply(CustomResourceDefinition, crd as unknown as CustomResourceDefinition & AnyObject, {
      fieldManager: 'drey-crds',
    });
  }
  await ensureJobAccount(client, 'default');
}

async function startOperator(
  cluster: Cluster,
  log: ReturnType<typeof operatorLogger>,
): Promise<{ stop(): Promise<void> }> {
  const flink = httpTransport();
  const operator: Operator = createOperator({
    ...{ clock: systemClock, random: systemRandom, kube: cluster.client, log },
    flink: flink.transport,
  });
  await operator.start();
  return {
    stop: async () => {
      await operator.stop();
      await flink.close();
    },
  };
}

/** Clusters side by side need loopback blocks of their own: the default one has fixed blocks, others by their name. */
function addressBlocks(name: string): { podRange: string; serviceRange: string } {
  const hash = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 29, 0);
  const block = name === 'default' ? 0 : 1 + hash;
  return { podRange: `127.${64 + block}.0.0/16`, serviceRange: `127.${96 + block}.0.0/16` };
}

function writeKubeconfig(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
}
