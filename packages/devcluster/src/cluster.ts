import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, createKubeClient, type KubeClient, type Random } from '@drey/kube';
import type { User } from './apiserver/contract.ts';
import { inProcessTransport } from './apiserver/front/in-process.ts';
import { kubeconfig } from './apiserver/front/kubeconfig.ts';
import { startApiServer } from './apiserver/front/start.ts';
import type { ImageOptions } from './node/images.ts';
import type { Isolation } from './node/isolation.ts';
import type { Node } from './node/node.ts';
import type { BackoffPolicy } from './node/pod-lifecycle.ts';
import { startWorkloads } from './workloads.ts';

export interface ClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Name of cluster, context and user in the kubeconfig. Default `drey`. */
  readonly name?: string;
  /** Objects, certificates, volumes and logs. Absent: everything in memory and a temporary folder, gone at the end. */
  readonly dataDirectory?: string;
  /** Of the API server on 127.0.0.1. Default 0: a free one. */
  readonly port?: number;
  /** The administrator's bearer token. Default: a random one; it is in the kubeconfig. */
  readonly token?: string;
  readonly images: ImageOptions;
  /** Blocks inside 127/8; clusters that run side by side need blocks of their own. */
  readonly podRange?: string;
  readonly serviceRange?: string;
  /** Delays between restarts of a failing container. Default: the kubelet's. */
  readonly backoff?: BackoffPolicy;
  readonly isolation?: Isolation;
  /** Run Flink's commands as the JVM they end in. Default true; false runs Flink's own scripts. */
  readonly fastStart?: boolean;
  /** Hears of faults of the API server and of passes of controllers that failed and are tried again. */
  readonly onProblem?: (where: string, error: unknown) => void;
}

/** A whole development cluster in this process. */
export interface Cluster {
  /** Calls the API server without sockets, as an administrator. */
  readonly client: KubeClient;
  /** For example `https://127.0.0.1:6443`. */
  readonly url: string;
  /** A complete kubeconfig with credentials: keep it private (0600). */
  readonly kubeconfig: string;
  readonly node: Node;
  /** Ends every process of the cluster: TERM, and KILL after `graceSeconds` (default 5). Objects stay in the data directory. */
  stop(graceSeconds?: number): Promise<void>;
}

const ADMINISTRATOR: User = { name: 'system:drey', groups: ['system:masters', 'system:authenticated'] };
const CLOSE_GRACE_MS = 1000;

/**
 * Starts API server, controllers and a process node. Resolves when pods can run. Rejects with a coded error when the port
 * is taken or the data directory is in use; nothing is left running then.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { clock, random, name = 'drey' } = options;
  const token = options.token ?? randomBytes(24).toString('base64url');
  const serviceRange = options.serviceRange ?? '127.96.0.0/16';
  const problem = options.onProblem ?? (() => undefined);
  const found: { node?: Node } = {};
  const server = await startApiServer({
    clock,
    random,
    port: options.port ?? 0,
    ...(options.dataDirectory === undefined ? {} : { dataDir: options.dataDirectory }),
    tokens: [{ token, user: { name: 'admin', groups: ['system:masters'] } }],
    anonymous: true,
    serviceAccountAdmission: true,
    serviceCidr: serviceRange,
    backendOf: (node) => (node === NODE_NAME ? found.node : undefined),
    onFault: (error, request) => problem(`${request.method} ${request.path}`, error),
  });
  const folder = dataFolder(options.dataDirectory);
  try {
    const authority = server.certificates.authority.certificate;
    const transport = inProcessTransport(server.server.handle, ADMINISTRATOR);
    const client = createKubeClient({ transport, clock, random, fieldManager: 'drey', userAgent: 'drey-cluster' });
    const workloads = await startWorkloads({
      client,
      clock,
      random,
      dataDirectory: folder.path,
      apiServer: { host: '127.0.0.1', port: server.port, authority },
      images: options.images,
      serviceRange,
      nodeName: NODE_NAME,
      ...(options.podRange === undefined ? {} : { podRange: options.podRange }),
      ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
      ...(options.isolation === undefined ? {} : { isolation: options.isolation }),
      ...(options.fastStart === undefined ? {} : { fastStart: options.fastStart }),
      failed: (what, key, error) => problem(`${what} ${key}`, error),
    });
    found.node = workloads.node;
    return {
      client,
      url: server.url,
      kubeconfig: kubeconfig({ name, url: server.url, authority, credential: { token } }),
      node: workloads.node,
      async stop(graceSeconds) {
        await workloads.stop(graceSeconds);
        await transport.close();
        await server.close(CLOSE_GRACE_MS);
        folder.remove();
      },
    };
  } catch (error) {
    await server.close(0);
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
