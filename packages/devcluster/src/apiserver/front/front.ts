import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '@drey/kube';
import { WebSocketServer } from 'ws';
import type { Authentication, ClientCertificate } from '../auth/authentication.ts';
import type { ApiHandler, ApiRequest, ApiResponse } from '../contract.ts';
import type { ServerCertificates } from './certificates.ts';
import { readBody, sendResponse } from './http-exchange.ts';
import { offeredProtocols, serveWebSocket, writeRawResponse } from './web-socket.ts';
import { defaultFrontLimits, type FrontLimits, isStream, parseTarget, statusResponse } from './wire.ts';

export interface FrontOptions {
  readonly handle: ApiHandler;
  readonly authentication: Authentication;
  readonly certificates: ServerCertificates;
  /** 0 picks a free port. */
  readonly port: number;
  readonly clock: Clock;
  readonly limits?: Partial<FrontLimits>;
}

export interface Front {
  readonly port: number;
  /** For example `https://127.0.0.1:6443`. */
  readonly url: string;
  /** Ends watches and sessions, lets running calls finish for at most `graceMs` (default 2 s), then cuts. */
  close(graceMs?: number): Promise<void>;
}

/** The port is taken, or may not be used. */
export class PortError extends Error {
  readonly code: 'E_APISERVER_PORT_TAKEN' | 'E_APISERVER_PORT_REFUSED';
  readonly nextStep: string;
  constructor(code: PortError['code'], message: string, nextStep: string, cause: unknown) {
    super(message, { cause });
    this.name = 'PortError';
    this.code = code;
    this.nextStep = nextStep;
  }
}

const HOST = '127.0.0.1';
const DEFAULT_CLOSE_GRACE_MS = 2000;

/**
 * Serves the API over HTTPS (HTTP/1.1) on loopback: authentication, limits, watches as chunked streams and as WebSockets.
 * Rejects with a {@link PortError} when it cannot listen.
 */
export async function startFront(options: FrontOptions): Promise<Front> {
  const front = new RunningFront(options);
  await front.listen();
  return front;
}

class RunningFront implements Front {
  readonly #options: FrontOptions;
  readonly #limits: FrontLimits;
  readonly #server: Server;
  readonly #webSockets: WebSocketServer;
  /** Requests under way. */
  readonly #open = new Set<AbortController>();
  /** Upgraded sockets, which the HTTP server no longer knows. */
  readonly #upgraded = new Set<Duplex>();
  #streams = 0;
  #closing = false;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#limits = { ...defaultFrontLimits, ...options.limits };
    const { authority, server } = options.certificates;
    this.#server = createServer({
      cert: server.certificate,
      key: server.key,
      ca: authority.certificate,
      requestCert: true,
      // A bad client certificate is refused by the authentication, with a 401 that says so.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: this.#limits.headerBytes,
      requestTimeout: this.#limits.requestTimeoutMs,
      keepAliveTimeout: 90_000,
      noDelay: true,
    });
    this.#server.maxConnections = this.#limits.connections;
    this.#webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: this.#limits.messageBytes,
      handleProtocols: (_offered, request) => acceptedProtocols.get(request) ?? false,
    });
    this.#server.on('request', (request, response) => {
      this.#onRequest(request, response).catch(() => request.socket.destroy());
    });
    this.#server.on('upgrade', (request, socket, head) => {
      this.#onUpgrade(request, socket, head).catch(() => socket.destroy());
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `https://${HOST}:${this.port}`;
  }

  listen(): Promise<void> {
    const { port } = this.#options;
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => reject(portError(port, error));
      this.#server.once('error', onError);
      this.#server.listen(port, HOST, () => {
        this.#server.off('error', onError);
        resolve();
      });
    });
  }

  async close(graceMs: number = DEFAULT_CLOSE_GRACE_MS): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const controller of this.#open) controller.abort(new Error('the server is shutting down'));
    this.#server.closeIdleConnections();
    const cancel = this.#options.clock.after(graceMs, () => {
      for (const socket of this.#upgraded) socket.destroy();
      this.#server.closeAllConnections();
    });
    await closed;
    cancel();
    for (const socket of this.#upgraded) socket.destroy();
  }

  async #onRequest(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const controller = new AbortController();
    response.on('close', () => controller.abort(new Error('the client went away')));
    this.#open.add(controller);
    try {
      // A kept-alive connection would hold up the shutdown.
      if (this.#closing) response.setHeader('connection', 'close');
      const body = await readBody(incoming, this.#limits.bodyBytes);
      const answer =
        body === 'too large'
          ? statusResponse(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${this.#limits.bodyBytes}`)
          : await this.#answer(incoming, body, controller.signal, undefined);
      await this.#counted(answer, (counted) => sendResponse(incoming, response, counted, this.#limits));
    } finally {
      this.#open.delete(controller);
    }
  }

  async #onUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const controller = new AbortController();
    socket.on('close', () => controller.abort(new Error('the client went away')));
    socket.on('error', () => socket.destroy());
    this.#open.add(controller);
    this.#upgraded.add(socket);
    socket.on('close', () => this.#upgraded.delete(socket));
    try {
      // kubectl tries SPDY after a refused WebSocket and shows that answer, so the call is judged all the same.
      const isWebSocket = incoming.headers.upgrade?.toLowerCase() === 'websocket';
      const webSocket = isWebSocket ? { protocols: offeredProtocols(incoming) } : undefined;
      const answer = await this.#answer(incoming, undefined, controller.signal, webSocket);
      await this.#counted(answer, async (counted) => {
        const streams = counted.status === 200 && isStream(counted.body);
        if (webSocket === undefined || (counted.upgrade === undefined && !streams))
          return writeRawResponse(socket, counted);
        const protocol = counted.upgrade?.protocol;
        if (protocol !== undefined) acceptedProtocols.set(incoming, protocol);
        const accepted = { server: this.#webSockets, incoming, socket, head, signal: controller.signal };
        await serveWebSocket(accepted, counted);
      });
    } finally {
      this.#open.delete(controller);
      controller.abort(new Error('the session is over'));
    }
  }

  /** Authenticates and calls the API. */
  async #answer(
    incoming: IncomingMessage,
    body: Uint8Array | undefined,
    signal: AbortSignal,
    webSocket: ApiRequest['webSocket'],
  ): Promise<ApiResponse> {
    const target = parseTarget(incoming.url ?? '');
    if (target === undefined) return statusResponse(400, 'BadRequest', 'malformed request path');
    const certificate = clientCertificate(incoming.socket);
    const who = this.#options.authentication({ path: target.path, headers: incoming.headersDistinct, certificate });
    if ('response' in who) return who.response;
    return this.#options.handle({
      method: incoming.method ?? 'GET',
      ...target,
      headers: singleHeaders(incoming),
      body,
      user: who.user,
      signal,
      ...(webSocket === undefined ? {} : { webSocket }),
    });
  }

  /** Counts streams against their limit while `send` runs. */
  async #counted(answer: ApiResponse, send: (answer: ApiResponse) => Promise<void>): Promise<void> {
    if (!isStream(answer.body) && answer.upgrade === undefined) return send(answer);
    if (this.#streams >= this.#limits.streams) {
      const refusal = statusResponse(429, 'TooManyRequests', 'too many open streams, please try again later');
      return send({ ...refusal, headers: { ...refusal.headers, 'retry-after': '1' } });
    }
    this.#streams += 1;
    try {
      await send(answer);
    } finally {
      this.#streams -= 1;
    }
  }
}

/** The sub-protocol chosen for an upgrade, on its way to the handshake. */
const acceptedProtocols = new WeakMap<IncomingMessage, string>();

function singleHeaders(incoming: IncomingMessage): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) out[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return out;
}

function clientCertificate(socket: Socket): ClientCertificate | undefined {
  const tls = socket as TLSSocket;
  const peer = tls.getPeerCertificate?.();
  if (peer?.subject === undefined) return undefined;
  const { CN, O } = peer.subject as unknown as { CN?: string; O?: string | string[] };
  return {
    trusted: tls.authorized,
    commonName: typeof CN === 'string' ? CN : '',
    organizations: O === undefined ? [] : Array.isArray(O) ? O : [O],
  };
}

function portError(port: number, error: NodeJS.ErrnoException): Error {
  if (error.code === 'EADDRINUSE') {
    return new PortError(
      'E_APISERVER_PORT_TAKEN',
      `port ${port} on ${HOST} is in use by another program`,
      'stop that program, or choose another port with --port (0 picks a free one)',
      error,
    );
  }
  return new PortError(
    'E_APISERVER_PORT_REFUSED',
    `cannot listen on ${HOST}:${port}: ${error.message}`,
    'choose another port with --port (0 picks a free one)',
    error,
  );
}
