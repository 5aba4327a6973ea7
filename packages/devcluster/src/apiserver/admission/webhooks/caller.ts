import { request as httpsRequest } from 'node:https';
import type { Clock } from '@drey/kube';
import type { ObjectReader } from '../../model.ts';
import { containerPort, readyPod } from '../../subresources/service-backend.ts';
import { list } from '../../table/fields.ts';
import type { ClientConfig } from './configuration.ts';

/** Sends a review and resolves with the answer's body. Rejects with what went wrong, in one line. */
export type WebhookCaller = (config: ClientConfig, body: Uint8Array, timeoutSeconds: number) => Promise<Uint8Array>;

interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** The name the certificate must have. */
  readonly servername: string;
  /** As errors show it. */
  readonly url: string;
}

const MAX_ANSWER_BYTES = 3 * 1024 * 1024;
const DEFAULT_SERVICE_PORT = 443;

/** Calls webhooks over TLS: by URL, or by service, whose ready pod is called at its own address. */
export function httpsWebhookCaller(objects: ObjectReader, clock: Clock): WebhookCaller {
  return async (config, body, timeoutSeconds) => {
    const target = targetOf(config, objects);
    const controller = new AbortController();
    const cancel = clock.after(timeoutSeconds * 1000, () => controller.abort());
    try {
      return await post(target, config, { body, signal: controller.signal });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const why = controller.signal.aborted ? 'context deadline exceeded' : message;
      throw new Error(`Post "${target.url}?timeout=${timeoutSeconds}s": ${why}`);
    } finally {
      cancel();
    }
  };
}

function targetOf(config: ClientConfig, objects: ObjectReader): Target {
  if (config.service !== undefined) return serviceTarget(config.service, objects);
  const url = new URL(config.url ?? '');
  if (url.protocol !== 'https:') throw new Error(`webhook url ${config.url} is not https`);
  const path = `${url.pathname}${url.search}`;
  return { host: url.hostname, port: Number(url.port || 443), path, servername: url.hostname, url: url.href };
}

function serviceTarget(reference: NonNullable<ClientConfig['service']>, objects: ObjectReader): Target {
  const { namespace, name, path = '/', port = DEFAULT_SERVICE_PORT } = reference;
  const servername = `${name}.${namespace}.svc`;
  const url = `https://${servername}:${port}${path}`;
  const service = objects.get('', 'services', namespace, name);
  if (service === undefined) throw new Error(`Post "${url}": service "${name}" not found`);
  const pod = readyPod(objects, service);
  const address = (pod?.status as { podIP?: string } | undefined)?.podIP;
  if (pod === undefined || address === undefined)
    throw new Error(`Post "${url}": no endpoints available for service "${name}"`);
  const found = list(service, 'spec', 'ports').find((each) => (each as { port?: number }).port === port);
  return { host: address, port: containerPort(pod, found ?? { port }), path, servername, url };
}

function post(
  target: Target,
  config: ClientConfig,
  { body, signal }: { readonly body: Uint8Array; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const { host, port, path, servername } = target;
  const ca = config.caBundle ? Buffer.from(config.caBundle, 'base64').toString('utf8') : undefined;
  // Addresses cannot be sent as a server name; their certificates are checked by address.
  const named = /^[0-9.]+$|:/.test(servername) ? {} : { servername };
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      {
        host,
        port,
        path,
        ...named,
        ...(ca === undefined ? {} : { ca }),
        method: 'POST',
        agent: false,
        signal,
        headers: { 'content-type': 'application/json', accept: 'application/json', 'content-length': body.length },
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES) response.destroy(new Error('answer too large'));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(chunks));
          else reject(new Error(`webhook answered with HTTP status ${response.statusCode}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
