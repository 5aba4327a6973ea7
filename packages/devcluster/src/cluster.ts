import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from './control-plane.ts';
import type { ImageOptions } from './node/images.ts';
import type { Isolation } from './node/isolation.ts';
import type { Node } from './node/node.ts';
import type { BackoffPolicy } from './node/pod-lifecycle.ts';
import { startWorkloads } from './workloads.ts';

export interface ClusterOptions extends ControlPlaneOptions {
  /** Objects, certificates, volumes and logs. Absent: everything in memory and a temporary folder, gone at the end. */
  readonly dataDirectory?: string;
  readonly images: ImageOptions;
  /** Blocks inside 127/8; clusters that run side by side need blocks of their own. */
  readonly podRange?: string;
  readonly serviceRange?: string;
  /** Delays between restarts of a failing container. Default: the kubelet's. */
  readonly backoff?: BackoffPolicy;
  readonly isolation?: Isolation;
  /** Run Flink's commands as the JVM they end in. Default true; false runs Flink's own scripts. */
  readonly fastStart?: boolean;
}

/** A whole development cluster in this process. */
export interface Cluster extends Pick<ControlPlane, 'client' | 'url' | 'kubeconfig'> {
  readonly node: Node;
  /** Ends every process of the cluster: TERM, and KILL after `graceSeconds` (default 5). Objects stay in the data directory. */
  stop(graceSeconds?: number): Promise<void>;
}

/**
 * Starts API server, controllers and a process node. Resolves when pods can run. Rejects with a coded error when the port
 * is taken or the data directory is in use; nothing is left running then.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { clock, random, dataDirectory } = options;
  const serviceRange = options.serviceRange ?? '127.96.0.0/16';
  const found: { node?: Node } = {};
  const plane = await startControlPlane(options, {
    dataDirectory,
    serviceRange,
    backendOf: (node) => (node === NODE_NAME ? found.node : undefined),
  });
  const folder = dataFolder(dataDirectory);
  try {
    const workloads = await startWorkloads({
      client: plane.client,
      clock,
      random,
      dataDirectory: folder.path,
      apiServer: { host: '127.0.0.1', port: plane.port, authority: plane.authority },
      images: options.images,
      serviceRange,
      nodeName: NODE_NAME,
      ...(options.podRange === undefined ? {} : { podRange: options.podRange }),
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
      ...(options.isolation === undefined ? {} : { isolation: options.isolation }),
      ...(options.fastStart === undefined ? {} : { fastStart: options.fastStart }),
      failed: (what, key, error) => options.onProblem?.(`${what} ${key}`, error),
    });
    found.node = workloads.node;
    return {
      client: plane.client,
      url: plane.url,
      kubeconfig: plane.kubeconfig,
      node: workloads.node,
      async stop(graceSeconds) {
        await workloads.stop(graceSeconds);
        await plane.stop();
        folder.remove();
      },
    };
  } catch (error) {
    await plane.stop(0);
    folder.remove();
    throw error;
  }
}

const NODE_NAME = 'drey';

function dataFolder(given: string | undefined): { readonly path: string; readonly remove: () => void } {
  if (given !== undefined) return { path: join(given, 'node'), remove: () => undefined };
  const path = mkdtempSync(join(tmpdir(), 'drey-cluster-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
