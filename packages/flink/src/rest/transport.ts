import { Readable } from 'node:stream';
import { Agent, buildConnector, request as undiciRequest } from 'undici';
import type { TlsMaterial } from './tls.ts';

/** One request to Flink's REST API. */
export interface FlinkRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute, for example `http://127.0.0.1:8081/overview`. */
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** An iterable is sent as it comes, once: such a request cannot be repeated. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** From the start of the connection to the end of the answer. */
  readonly timeoutMs: number;
  /** A longer answer is a failure. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/** A complete answer, whatever its status. */
export interface FlinkResponse {
  readonly status: number;
  readonly body: string;
}

/**
 * Sends one request and reads its whole answer. Rejects with {@link TransportFailure} when there is no complete answer.
 * Implementations: {@link httpTransport}, and simulated Flink.
 */
export type FlinkTransport = (request: FlinkRequest) => Promise<FlinkResponse>;

/** Why no complete answer came. */
export type TransportReason = 'unreachable' | 'timeout' | 'too-large' | 'aborted';

/** No complete answer came. `maybeDone` is true when the request may have reached Flink all the same. */
export class TransportFailure extends Error {
  readonly reason: TransportReason;
  readonly maybeDone: boolean;

  constructor(reason: TransportReason, message: string, maybeDone: boolean) {
    super(message);
    this.name = 'TransportFailure';
    this.reason = reason;
    this.maybeDone = maybeDone;
  }
}

const CONNECT_TIMEOUT_MS = 5_000;
const KEEP_ALIVE_MS = 10_000;

/** Errors after which certainly nothing was sent. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'E_FLINK_TLS',
]);

/** What OpenSSL says of a certificate that nobody vouches for. */
const NOT_TRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const TRUST_HINT = 'the certificate of Flink is not trusted; name its authority in OPERATOR_TRUSTSTORE_PATH';

/**
 * A transport over HTTP with its own connections; `close` ends them. `tls` is asked at each new connection, so that renewed
 * certificates count without a restart. Certificates are checked, host names are not: neither does Flink's own client, and
 * pods are asked by address.
 */
export function httpTransport(tls: () => TlsMaterial = () => ({})): {
  readonly transport: FlinkTransport;
  close(): Promise<void>;
} {
  const common = { timeout: CONNECT_TIMEOUT_MS, checkServerIdentity: () => undefined };
  const plain = buildConnector(common);
  const connect: buildConnector.connector = (options, callback) => {
    if (options.protocol !== 'https:') return plain(options, callback);
    try {
      buildConnector({ ...common, ...tls() })(options, callback);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), null);
    }
  };
  const agent = new Agent({ connect, keepAliveTimeout: KEEP_ALIVE_MS, pipelining: 1 });
  return {
    transport: (request) => send(agent, request),
    close: () => agent.destroy(),
  };
}

function bodyOf(body: FlinkRequest['body']): string | Uint8Array | Readable | null {
  if (body === undefined) return null;
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  return Readable.from(body, { objectMode: false });
}

async function send(agent: Agent, request: FlinkRequest): Promise<FlinkResponse> {
  const limit = AbortSignal.timeout(request.timeoutMs);
  const signal = request.signal === undefined ? limit : AbortSignal.any([limit, request.signal]);
  try {
    const { statusCode, body } = await undiciRequest(request.url, {
      dispatcher: agent,
      method: request.method,
      headers: request.headers,
      body: bodyOf(request.body),
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > request.maxBytes) {
        throw new TransportFailure('too-large', `the answer is longer than ${request.maxBytes} bytes`, true);
      }
      chunks.push(chunk);
    }
    return { status: statusCode, body: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    throw asFailure(error, request, limit);
  }
}

function asFailure(error: unknown, request: FlinkRequest, limit: AbortSignal): TransportFailure {
  if (error instanceof TransportFailure) return error;
  if (request.signal?.aborted) return new TransportFailure('aborted', 'the caller gave up', true);
  if (limit.aborted) return new TransportFailure('timeout', `no answer within ${request.timeoutMs} ms`, true);
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (NOT_TRUSTED.has(code)) return new TransportFailure('unreachable', `${TRUST_HINT} (${code})`, false);
  const message = error instanceof Error ? error.message : String(error);
  return new TransportFailure('unreachable', message === '' ? code : message, !NEVER_SENT.has(code));
}
