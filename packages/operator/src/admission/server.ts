import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { KeyPair } from '@drey/kube';
import { ReviewError, type ReviewRequest, readReview, reviewAnswer, type Verdict } from './review.ts';

/** Judges requests of each path. What it rejects with becomes HTTP 500, for the API server's failure policy to decide. */
export interface AdmissionHandlers {
  validate(request: ReviewRequest): Promise<Verdict>;
  mutate(request: ReviewRequest): Promise<Verdict>;
  /** Hears what a handler failed with. */
  failed(error: unknown): void;
}

/** A running webhook server. */
export interface AdmissionServer {
  readonly port: number;
  /** Connections from now on see this certificate. */
  renew(certificate: KeyPair): void;
  close(): Promise<void>;
}

/** An object is at most 3 MiB in a request, and a review holds two of them. */
const MAX_REVIEW_BYTES = 8 * 1024 * 1024;
/** An API server waits 10 s for a webhook unless told otherwise. */
const REQUEST_TIMEOUT_MS = 15_000;

/**
 * Serves `/validate` and `/mutate` over TLS, and `/healthz` for probes. Requests are bounded in size and time. Resolves when it
 * listens; rejects with the system's error when it cannot.
 */
export async function serveAdmission(
  handlers: AdmissionHandlers,
  options: { readonly port: number; readonly host?: string; readonly certificate: KeyPair },
): Promise<AdmissionServer> {
  const { certificate, key } = options.certificate;
  const server = createServer({ cert: certificate, key, minVersion: 'TLSv1.2' }, (request, response) => {
    answer(handlers, request, response).catch((error: unknown) => {
      handlers.failed(error);
      response.destroy();
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  await listen(server, options.port, options.host ?? '0.0.0.0');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    renew: (next) => server.setSecureContext({ cert: next.certificate, key: next.key, minVersion: 'TLSv1.2' }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function answer(handlers: AdmissionHandlers, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0];
  if (request.method === 'GET' && path === '/healthz') return send(response, 200, 'OK');
  const handle = path === '/validate' ? handlers.validate : path === '/mutate' ? handlers.mutate : undefined;
  if (handle === undefined) return send(response, 404, `There is nothing at ${path}.`);
  if (request.method !== 'POST') return send(response, 405, 'Send an AdmissionReview by POST.');
  const body = await bodyOf(request);
  if (body === undefined) return send(response, 413, `A review has at most ${MAX_REVIEW_BYTES} bytes.`);
  try {
    const review = readReview(body);
    const verdict = await handle(review);
    send(response, 200, reviewAnswer(review.uid, verdict), 'application/json');
  } catch (error) {
    if (error instanceof ReviewError) return send(response, 400, `${error.message} ${error.nextStep} [${error.code}]`);
    handlers.failed(error);
    send(response, 500, 'The request could not be judged; the log of the operator says why.');
  }
}

/** Undefined when it is too long; the rest is not read. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_REVIEW_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, { 'content-type': type, connection: status === 413 ? 'close' : 'keep-alive' }).end(body);
}
