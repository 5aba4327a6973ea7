import { chmodSync, createWriteStream, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { localDistributions, startCluster, startSimulatedCluster } from '@drey/devcluster';
import { systemDistribution } from '@drey/flink';
import { type KubeClient, systemClock, systemRandom } from '@drey/kube';
import { operatorLogger } from '@drey/operator';
import { flinkTransport } from '../flink/transport.ts';
import { claimAddressBlocks } from './address-blocks.ts';
import { type FlinkReach, prepareCluster, startOperator } from './parts.ts';
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
  /** Simulated pods and a simulated Flink; nothing is kept, whatever `dataDirectory` says. */
  readonly simulate?: boolean;
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
  // A log that cannot be written, on a full disk say, is no reason to stop what runs.
  log.on('error', () => undefined);
  const logger = operatorLogger({ level: 'info', stream: log });
  const onProblem = (where: string, error: unknown): void => logger.warn({ err: error, where }, 'cluster problem');
  const cluster = await (options.simulate ? simulated(options, onProblem) : real(options, onProblem));
  try {
    options.progress(options.simulate ? 'API server ready, pods and Flink are simulated' : 'API server ready');
    await prepareCluster(cluster.client);
    const operator = options.operator ? await startOperator(cluster, logger) : undefined;
    if (operator) options.progress('operator ready');
    const kubeconfig = options.kubeconfig ?? join(folder, 'kubeconfig');
    writeKubeconfig(kubeconfig, cluster.kubeconfig);
    writeRecord({
      ...{ name, pid: process.pid, processStart: processStart(process.pid) ?? '', url: cluster.url, kubeconfig },
      operator: options.operator,
      ...(operator === undefined ? {} : { health: operator.health }),
      startedAt: new Date().toISOString(),
    });
    const stop = async (): Promise<void> => {
      await operator?.stop();
      await cluster.stop();
      removeRecord(name, process.pid);
      if (options.dataDirectory === undefined || options.simulate) rmSync(kubeconfig, { force: true });
      log.end();
    };
    return { client: cluster.client, url: cluster.url, kubeconfig, stop };
  } catch (error) {
    await cluster.stop(0);
    throw error;
  }
}

type Problem = (where: string, error: unknown) => void;

/** A cluster of either kind. */
interface Started extends FlinkReach {
  readonly url: string;
  readonly kubeconfig: string;
  stop(graceSeconds?: number): Promise<void>;
}

async function real(options: LaunchOptions, onProblem: Problem): Promise<Started> {
  const { name, port, fastStart, dataDirectory } = options;
  const { podRange, serviceRange, keep, release } = await claimAddressBlocks(name, dataDirectory);
  try {
    const cluster = await startCluster({
      ...{ clock: systemClock, random: systemRandom, name, port, fastStart, onProblem, podRange, serviceRange },
      ...(dataDirectory === undefined ? {} : { dataDirectory }),
      images: { mappings: options.images, findDistribution: localDistributions(systemDistribution()) },
    });
    const stop = async (graceSeconds?: number): Promise<void> => {
      await cluster.stop(graceSeconds);
      release();
    };
    try {
      keep();
    } catch (error) {
      await stop(0);
      throw error;
    }
    const { client, url, kubeconfig } = cluster;
    return { client, url, kubeconfig, stop, flink: flinkTransport() };
  } catch (error) {
    release();
    throw error;
  }
}

async function simulated({ name, port }: LaunchOptions, onProblem: Problem): Promise<Started> {
  const cluster = await startSimulatedCluster({ clock: systemClock, random: systemRandom, name, port, onProblem });
  const { client, url, kubeconfig, stop, flink: transport, endpoint: endpoints } = cluster;
  return { client, url, kubeconfig, stop, endpoints, flink: { transport, close: async () => undefined } };
}

function writeKubeconfig(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
}
