import { randomBytes } from 'node:crypto';
import { exactInteger } from '@drey/api';
import { type Clock, createKubeClient, type KubeClient, type Random } from '@drey/kube';
import type { User } from './apiserver/contract.ts';
import { inProcessTransport } from './apiserver/front/in-process.ts';
import { kubeconfig } from './apiserver/front/kubeconfig.ts';
import { type ApiServerStartOptions, startApiServer } from './apiserver/front/start.ts';

export interface ControlPlaneOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Name of cluster, context and user in the kubeconfig. Default `drey`. */
  readonly name?: string;
  /** Of the API server on 127.0.0.1. Default 0: a free one. */
  readonly port?: number;
  /** The administrator's bearer token. Default: a random one; it is in the kubeconfig. */
  readonly token?: string;
  /** Hears of faults of the API server and of passes of controllers that failed and are tried again. */
  readonly onProblem?: (where: string, error: unknown) => void;
}

/** What the kind of cluster decides. */
interface Placement {
  /** Absent: in memory. */
  readonly dataDirectory: string | undefined;
  readonly serviceRange: string;
  readonly backendOf?: ApiServerStartOptions['backendOf'];
}

/** An API server on loopback, with an administrator's client inside this process. */
export interface ControlPlane {
  readonly client: KubeClient;
  /** For example `https://127.0.0.1:6443`. */
  readonly url: string;
  readonly port: number;
  /** The certificate authority in PEM. */
  readonly authority: string;
  /** A complete kubeconfig with credentials: keep it private (0600). */
  readonly kubeconfig: string;
  stop(graceMs?: number): Promise<void>;
}

const ADMINISTRATOR: User = { name: 'system:drey', groups: ['system:masters', 'system:authenticated'] };
const CLOSE_GRACE_MS = 1000;

/** Starts the API server of a cluster. Rejects with a coded error when the port is taken or the data directory in use. */
export async function startControlPlane(options: ControlPlaneOptions, placement: Placement): Promise<ControlPlane> {
  const { clock, random, name = 'drey' } = options;
  const { dataDirectory, backendOf } = placement;
  const token = options.token ?? randomBytes(24).toString('base64url');
  const server = await startApiServer({
    clock,
    random,
    port: options.port ?? 0,
    ...(dataDirectory === undefined ? {} : { dataDir: dataDirectory }),
    tokens: [{ token, user: { name: 'admin', groups: ['system:masters'] } }],
    anonymous: true,
    serviceAccountAdmission: true,
    serviceCidr: placement.serviceRange,
    ...(backendOf === undefined ? {} : { backendOf }),
    onFault: (error, request) => options.onProblem?.(`${request.method} ${request.path}`, error),
  });
  const authority = server.certificates.authority.certificate;
  const transport = inProcessTransport(server.server.handle, ADMINISTRATOR);
  return {
    client: createKubeClient({
      ...{ transport, clock, random, exactInteger },
      ...{ fieldManager: 'drey', userAgent: 'drey-cluster' },
    }),
    url: server.url,
    port: server.port,
    authority,
    kubeconfig: kubeconfig({ name, url: server.url, authority, credential: { token } }),
    async stop(graceMs = CLOSE_GRACE_MS) {
      await transport.close();
      await server.close(graceMs);
    },
  };
}
