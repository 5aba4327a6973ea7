import { lookup as lookupHost } from 'node:dns/promises';
import { FlinkDeployments, FlinkSessionJobs } from '@drey/api';
import { type Clock, isKubeError, type KubeClient, sleep } from '@drey/kube';
import type { Logger } from 'pino';
import { type AdmissionCertificates, ensureCertificates } from './certificates.ts';
import { trustAuthority } from './configurations.ts';
import { type AdmissionLookup, type AdmissionRules, type Found, mutateRequest, validateRequest } from './decisions.ts';
import { serveAdmission } from './server.ts';

/** What the webhooks are made from. */
export interface AdmissionEnv {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface AdmissionOptions {
  /** 0 picks a free one. */
  readonly port: number;
  /** Default: all addresses, as a pod is called from outside. */
  readonly host?: string;
  /** Where the Secret with the certificate is kept. */
  readonly namespace: string;
  /** Default `drey-webhook-certificate`. */
  readonly secretName?: string;
  /** Names under which API servers call: of the Service, or addresses. */
  readonly hosts: readonly string[];
  /** Name of the webhook configurations that are told whom to trust. */
  readonly configurationName: string;
  /** The rules in force, asked for with each request. */
  readonly rules: () => AdmissionRules;
}

/** The webhooks while they are served. */
export interface Admission {
  readonly port: number;
  /** The authority of the certificate, PEM. */
  readonly authority: string;
  stop(): Promise<void>;
}

/** How often certificates and configurations are looked at: an installer may have written the configurations anew. */
const CHECK_MS = 60_000;
const LOOKUP_MS = 3_000;

/**
 * Serves the webhooks with a certificate of their own making, and keeps the configurations of API servers trusting it. Resolves when
 * it listens; rejects with a KubeError when the certificate cannot be kept, and with the system's error when the port is taken.
 */
export async function startAdmission(env: AdmissionEnv, options: AdmissionOptions): Promise<Admission> {
  const { kube, clock, log } = env;
  const stopped = new AbortController();
  const secret = {
    namespace: options.namespace,
    name: options.secretName ?? 'drey-webhook-certificate',
    hosts: options.hosts,
  };
  let current = await ensureCertificates(kube, clock, secret, stopped.signal);
  const lookup = lookupIn(kube);
  const server = await serveAdmission(
    {
      validate: (request) => validateRequest(request, options.rules(), lookup),
      mutate: (request) => Promise.resolve(mutateRequest(request)),
      failed: (error) => log.error({ err: error }, 'a request for admission could not be judged'),
    },
    { port: options.port, certificate: current.server, ...(options.host === undefined ? {} : { host: options.host }) },
  );
  const check = async (): Promise<void> => {
    const next = await ensureCertificates(kube, clock, secret, stopped.signal);
    if (isOther(next, current)) server.renew(next.server);
    current = next;
    if (await trustAuthority(kube, options.configurationName, current.authority.certificate, stopped.signal))
      log.info({ configuration: options.configurationName }, 'the webhook configurations trust the operator');
  };
  const checking = keepChecking(check, clock, log, stopped.signal);
  log.info({ port: server.port, hosts: options.hosts }, 'webhooks are served');
  return {
    port: server.port,
    authority: current.authority.certificate,
    stop: async () => {
      stopped.abort(new Error('the webhooks were stopped'));
      await checking;
      await server.close();
    },
  };
}

function isOther(a: AdmissionCertificates, b: AdmissionCertificates): boolean {
  return a.server.certificate !== b.server.certificate;
}

async function keepChecking(check: () => Promise<void>, clock: Clock, log: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await check();
    } catch (error) {
      if (!signal.aborted)
        log.warn({ err: error }, 'certificates or configurations of the webhooks could not be checked');
    }
    await sleep(clock, CHECK_MS, signal).catch(() => undefined);
  }
}

/** Looks at the API server itself: a cache may not have seen yet what was created just now. */
function lookupIn(kube: KubeClient): AdmissionLookup {
  return {
    async find(kind, namespace, name): Promise<Found> {
      try {
        const r = kind === 'FlinkDeployment' ? FlinkDeployments : FlinkSessionJobs;
        return await kube.get<never>(r as never, namespace, name, { timeoutMs: LOOKUP_MS });
      } catch (error) {
        return isKubeError(error, 'E_KUBE_NOT_FOUND') ? undefined : 'unknown';
      }
    },
    async resolveHost(host) {
      try {
        const bare = host.replace(/^\[|\]$/g, '');
        return (await lookupHost(bare, { all: true })).map(({ address }) => address);
      } catch {
        return undefined; // a host without an address, as validation tells
      }
    },
  };
}
