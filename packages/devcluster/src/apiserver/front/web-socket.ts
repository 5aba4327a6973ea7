import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import type { ApiResponse, MessageSocket } from '../contract.ts';
import { isStream, warningHeader } from './wire.ts';

/** An upgrade request that is ready for its handshake. */
export interface AcceptedUpgrade {
  readonly server: WebSocketServer;
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** Aborted when the client is gone or the server shuts down. */
  readonly signal: AbortSignal;
}

/** Messages a session has not taken yet; beyond it the connection is paused. */
const MAX_QUEUED_MESSAGES = 64;
const GOING_AWAY = 1001;
const INTERNAL_ERROR = 1011;
const NORMAL = 1000;

/** The sub-protocols a client offers, in its order. */
export function offeredProtocols(incoming: IncomingMessage): readonly string[] {
  return String(incoming.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== '');
}

/** An ordinary answer on a connection that asked for an upgrade. */
export async function writeRawResponse(socket: Duplex, answer: ApiResponse): Promise<void> {
  const chunks: Uint8Array[] = [];
  if (isStream(answer.body)) for await (const chunk of answer.body) chunks.push(chunk);
  else if (answer.body !== undefined) chunks.push(answer.body);
  const body = Buffer.concat(chunks);
  const lines = [
    `HTTP/1.1 ${answer.status} ${answer.status === 200 ? 'OK' : 'Refused'}`,
    ...Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`),
    ...(answer.warnings ?? []).map((text) => `warning: ${warningHeader(text)}`),
    `content-length: ${body.length}`,
    'connection: close',
  ];
  await new Promise<void>((resolve) =>
    socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]), resolve),
  );
}

/**
 * Makes the handshake and serves the connection: a session, or a stream. Of a JSON stream (a watch) every line becomes one
 * text frame; other streams become binary frames as they come.
 */
export async function serveWebSocket(accepted: AcceptedUpgrade, answer: ApiResponse): Promise<void> {
  // kubectl offers a name that is no HTTP token (`SPDY/3.1+…`), which the library refuses; the choice is already made.
  const { headers } = accepted.incoming;
  if (headers['sec-websocket-protocol'] !== undefined) headers['sec-websocket-protocol'] = 'offered';
  const socket = await new Promise<WebSocket>((resolve) => {
    accepted.server.handleUpgrade(accepted.incoming, accepted.socket, accepted.head, resolve);
  });
  socket.on('error', () => socket.terminate());
  const onAbort = (): void => socket.close(GOING_AWAY, 'shutting down');
  accepted.signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (answer.upgrade !== undefined) await answer.upgrade.run(messageSocket(socket));
    else if (isStream(answer.body)) await sendStream(socket, answer.body, isJson(answer));
    await close(socket, NORMAL, '');
  } catch {
    await close(socket, INTERNAL_ERROR, 'internal error');
  } finally {
    accepted.signal.removeEventListener('abort', onAbort);
  }
}

function isJson(answer: ApiResponse): boolean {
  return (answer.headers['content-type'] ?? '').startsWith('application/json');
}

async function sendStream(socket: WebSocket, body: AsyncIterable<Uint8Array>, json: boolean): Promise<void> {
  let rest = Buffer.alloc(0);
  for await (const chunk of body) {
    if (socket.readyState !== socket.OPEN) return;
    if (!json) {
      await send(socket, chunk);
      continue;
    }
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      await send(socket, rest.toString('utf8', 0, end));
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) await send(socket, rest.toString('utf8'));
}

function send(socket: WebSocket, data: Uint8Array | string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve();
  return new Promise((resolve) => socket.send(data, () => resolve()));
}

/** Resolves when the client has answered the close, or is gone. */
function close(socket: WebSocket, code: number, reason: string): Promise<void> {
  if (socket.readyState === socket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    socket.close(code, reason);
  });
}

/** The socket as a session sees it: messages are read in order, at the session's speed. */
function messageSocket(socket: WebSocket): MessageSocket {
  const queue: Uint8Array[] = [];
  let wake: (() => void) | undefined;
  let ended = false;
  socket.on('message', (data: Buffer | ArrayBuffer | Buffer[]) => {
    queue.push(Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data));
    if (queue.length >= MAX_QUEUED_MESSAGES) socket.pause();
    wake?.();
  });
  socket.on('close', () => {
    ended = true;
    wake?.();
  });
  async function* messages(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = queue.shift();
      if (next !== undefined) {
        if (socket.isPaused && queue.length < MAX_QUEUED_MESSAGES / 2) socket.resume();
        yield next;
      } else if (ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return {
    messages: messages(),
    send: (data) => send(socket, data),
    close: (code, reason) => socket.close(code ?? NORMAL, reason),
  };
}
