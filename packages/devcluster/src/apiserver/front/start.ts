import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { loadOrCreateTokenKey, newTokenKey } from '../auth/tokens.ts';
import { ObjectStore, openSqliteBackend, storeError } from '../storage/index.ts';
import {
  type CertificateOptions,
  createCertificates,
  loadOrCreateCertificates,
  type ServerCertificates,
} from './certificates.ts';
import { type Front, startFront } from './front.ts';
import { createStandardServer, type StandardServer, type StandardServerOptions } from './standard-server.ts';
import type { FrontLimits } from './wire.ts';

export interface ApiServerStartOptions extends Omit<StandardServerOptions, 'store' | 'tokenKey' | 'serverAddress'> {
  /** Objects, certificates and keys are kept here (0600). Absent: everything is in memory and new at each start. */
  readonly dataDir?: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Names and addresses of the server beside localhost and 127.0.0.1. */
  readonly hosts?: readonly string[];
  readonly limits?: Partial<FrontLimits>;
}

export interface RunningApiServer extends Omit<StandardServer, 'stop'> {
  /** For example `https://127.0.0.1:6443`. */
  readonly url: string;
  readonly port: number;
  readonly certificates: ServerCertificates;
  /** Ends watches, lets running calls finish for at most `graceMs` (default 2 s), closes the store. */
  close(graceMs?: number): Promise<void>;
}

const HOSTS = ['localhost', '127.0.0.1', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];

/**
 * Starts the API server behind TLS on loopback. Rejects with a coded error when the port is taken (E_APISERVER_PORT_TAKEN)
 * or the data directory is in use (E_STORE_LOCKED).
 */
export async function startApiServer(options: ApiServerStartOptions): Promise<RunningApiServer> {
  const { dataDir, clock } = options;
  const pki = { hosts: [...HOSTS, ...(options.hosts ?? [])], now: clock.now() };
  // The lock comes first: nothing in the folder changes under another instance.
  const backend = dataDir === undefined ? undefined : openSqliteBackend(join(dataDir, 'objects.sqlite'));
  const started: { front?: Front } = {};
  let store: ObjectStore | undefined;
  try {
    const { certificates, tokenKey } = await identity(dataDir, pki);
    store = new ObjectStore({ clock, ...(backend === undefined ? {} : { backend }) });
    const standard = await createStandardServer({
      ...options,
      store,
      tokenKey,
      serverAddress: () => `127.0.0.1:${started.front?.port ?? options.port}`,
    });
    const front = await startFront({
      handle: standard.server.handle,
      authentication: standard.authentication,
      certificates,
      port: options.port,
      clock,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
    started.front = front;
    const { server, authentication, serviceAccounts } = standard;
    return {
      server,
      authentication,
      serviceAccounts,
      certificates,
      url: front.url,
      port: front.port,
      async close(graceMs) {
        await front.close(graceMs);
        await standard.stop();
      },
    };
  } catch (error) {
    if (store === undefined) backend?.close();
    else store.close();
    throw error;
  }
}

/** What the server signs with. Throws StoreError when it cannot be kept. */
async function identity(
  dataDir: string | undefined,
  pki: CertificateOptions,
): Promise<{ readonly certificates: ServerCertificates; readonly tokenKey: KeyObject }> {
  if (dataDir === undefined) return { certificates: await createCertificates(pki), tokenKey: newTokenKey() };
  const folder = join(dataDir, 'pki');
  try {
    return { certificates: await loadOrCreateCertificates(folder, pki), tokenKey: loadOrCreateTokenKey(folder) };
  } catch (error) {
    throw storeError(error, folder);
  }
}
