import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import type { Credentials } from './credentials.ts';
import { KubeError } from './errors.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import type { HttpRequest, HttpResponse, Transport } from './transport.ts';

const CONNECT_MS = 10_000;
const HEADERS_MS = 30_000;
const BODY_MS = 30_000;
const TCP_KEEP_ALIVE_MS = 30_000;
/** Well under the idle times of load balancers (60 s and more) and of the API server (90 s). */
const IDLE_MS = 30_000;
const CALL_CONNECTIONS = 32;
/** Each watch and each followed log holds one. */
const STREAM_CONNECTIONS = 512;

interface Pools {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly call: Dispatcher;
  readonly stream: Dispatcher;
}

/**
 * A {@link Transport} over HTTP/1.1 and TLS with two connection pools, so that streams cannot starve calls.
 *
 * Guarantees: connections are reused and bounded (32 for calls, 512 for streams) and die within a minute or two of a
 * silent peer by TCP keep-alive; a body of a call that stalls for 30 s fails, a stream may be silent for ever; gzip answers come
 * out unpacked; a 401 is repeated once with fresh credentials where there may be some; a renewed client certificate opens new
 * pools and lets requests on the old ones finish.
 * Failure: rejects when no answer came, with the system's or undici's code on the error or its cause.
 */
export class UndiciTransport implements Transport {
  readonly #access: ClusterAccess;
  readonly #origin: string;
  readonly #prefix: string;
  #pools: Pools | undefined;
  #closed = false;

  constructor(access: ClusterAccess) {
    this.#access = access;
    const url = new URL(access.server);
    this.#origin = url.origin;
    this.#prefix = url.pathname.replace(/\/+$/, '');
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const first = await this.#send(request);
    if (first.statusCode !== 401 || !this.#access.credentials.refused()) return answerOf(first);
    await first.body.dump();
    return answerOf(await this.#send(request));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const pools = this.#pools;
    this.#pools = undefined;
    await Promise.all([pools?.call.destroy(), pools?.stream.destroy()]);
  }

  async #send(request: HttpRequest): Promise<Dispatcher.ResponseData> {
    const credentials = await this.#credentials();
    if (this.#closed) throw new KubeError('E_KUBE_UNREACHABLE', `${this.#origin}: the transport is closed`);
    const pools = this.#poolsFor(credentials);
    const stream = request.mode === 'stream';
    return (stream ? pools.stream : pools.call).request({
      origin: this.#origin,
      path: this.#prefix + request.path,
      method: request.method,
      headers: { ...(!stream && { 'accept-encoding': 'gzip' }), ...request.headers, ...credentials.headers },
      body: request.body ?? null,
      signal: request.signal ?? null,
    });
  }

  async #credentials(): Promise<Credentials> {
    try {
      return await this.#access.credentials.current();
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new KubeError('E_KUBE_UNAUTHORIZED', `no credentials for ${this.#origin}: ${what}`, { cause });
    }
  }

  #poolsFor(credentials: Credentials): Pools {
    const { cert, key } = credentials;
    const old = this.#pools;
    if (old !== undefined && old.cert === cert && old.key === key) return old;
    // Requests and streams on the old pools go on to their end.
    for (const pool of [old?.call, old?.stream]) pool?.close().catch(() => undefined);
    this.#pools = { cert, key, call: this.#pool(credentials, 'call'), stream: this.#pool(credentials, 'stream') };
    return this.#pools;
  }

  #pool({ cert, key }: Credentials, mode: HttpRequest['mode']): Dispatcher {
    const { ca, insecure, serverName, proxyUrl } = this.#access;
    const tls = {
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(serverName !== undefined && { servername: serverName }),
      rejectUnauthorized: !insecure,
    };
    const options = {
      connections: mode === 'call' ? CALL_CONNECTIONS : STREAM_CONNECTIONS,
      pipelining: 1,
      headersTimeout: HEADERS_MS,
      bodyTimeout: mode === 'call' ? BODY_MS : 0,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
    };
    if (proxyUrl !== undefined) return new ProxyAgent({ uri: proxyUrl, requestTls: tls, ...options });
    const connect = { ...tls, timeout: CONNECT_MS, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS };
    return new Agent({ ...options, connect });
  }
}

function answerOf(response: Dispatcher.ResponseData): HttpResponse {
  const headers: Record<string, string> = {};
  let warnings: readonly string[] = [];
  for (const [name, value] of Object.entries(response.headers)) {
    if (value === undefined) continue;
    if (name === 'warning') warnings = [value].flat().map(warningText);
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  if (headers['content-encoding'] !== 'gzip')
    return { status: response.statusCode, headers, warnings, body: response.body };
  // Errors of either end surface where the unpacked bytes are read.
  const body = pipeline(response.body, createGunzip(), () => undefined);
  return { status: response.statusCode, headers, warnings, body };
}

/** The text of a `Warning` header: `299 - "text"`. */
function warningText(header: string): string {
  const quoted = /^\d{3} \S+ "((?:[^"\\]|\\.)*)"/.exec(header)?.[1];
  return quoted === undefined ? header : quoted.replace(/\\(.)/g, '$1');
}
