import type { DuplexBytes, MessageSocket } from '../contract.ts';
import type { ConnectHandler } from '../model.ts';
import { badRequest } from '../status.ts';
import { backendFor, type PodAccess, podOf } from './pod-target.ts';
import { type SpdyFrame, SpdyReader, SpdyWriter } from './spdy.ts';

/** kubectl since 1.30: SPDY streams inside the WebSocket. */
const TUNNEL = 'SPDY/3.1+portforward.k8s.io';
/** Other clients: two channels for each port named in the query. */
const CHANNELS = 'v4.channel.k8s.io';
/** Connections through one session at the same time. */
const MAX_STREAMS = 256;

type Dial = (port: number) => Promise<DuplexBytes>;

/** `pods/portforward` over a WebSocket, in both forms that clients use. */
export function portForwardHandler(access: PodAccess): ConnectHandler {
  return async (call) => {
    const pod = podOf(access, call);
    const backend = backendFor(access, pod);
    const dial: Dial = (port) => backend.dial(pod.metadata.namespace ?? '', pod.metadata.name ?? '', port);
    const offered = call.request.webSocket?.protocols ?? [];
    if (offered.includes(TUNNEL)) return upgrade(TUNNEL, (socket) => new Tunnel(socket, dial).run());
    if (!offered.includes(CHANNELS))
      throw badRequest(`you must use an upgrade request (WebSocket) with sub-protocol ${TUNNEL} or ${CHANNELS}`);
    const ports = call.request.query
      .getAll('ports')
      .flatMap((value) => value.split(','))
      .map(Number);
    if (ports.length === 0 || ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65535))
      throw badRequest('query parameter "ports" must name the ports to forward');
    return upgrade(CHANNELS, (socket) => forwardChannels(socket, ports, dial));
  };
}

function upgrade(protocol: string, run: (socket: MessageSocket) => Promise<void>): Awaited<ReturnType<ConnectHandler>> {
  return { status: 101, headers: {}, upgrade: { protocol, run } };
}

function errorText(port: number, error: unknown): Uint8Array {
  const why = error instanceof Error ? error.message : String(error);
  return Buffer.from(`error forwarding port ${port}: ${why}`);
}

/** What is written to the pod, in order and one after the other. */
class Outbox {
  readonly #connection: DuplexBytes;
  #last: Promise<void> = Promise.resolve();

  constructor(connection: DuplexBytes) {
    this.#connection = connection;
  }

  write(data: Uint8Array): void {
    this.#last = this.#last.then(() => this.#connection.write(data)).catch(() => this.#connection.destroy());
  }

  end(): void {
    this.#last = this.#last.then(() => this.#connection.end());
  }
}

/** One forwarded connection: clients open an error stream and a data stream with the same request id. */
interface Pair {
  readonly port: number;
  error: number | undefined;
  data: number | undefined;
  /** Input that came before the pod's side was open. */
  readonly early: Uint8Array[];
  ended: boolean;
  outbox: Outbox | undefined;
  connection: DuplexBytes | undefined;
}

class Tunnel {
  readonly #socket: MessageSocket;
  readonly #dial: Dial;
  readonly #reader = new SpdyReader();
  readonly #writer = new SpdyWriter();
  readonly #pairs = new Map<string, Pair>();
  readonly #byDataStream = new Map<number, Pair>();
  readonly #running = new Set<Promise<void>>();

  constructor(socket: MessageSocket, dial: Dial) {
    this.#socket = socket;
    this.#dial = dial;
  }

  async run(): Promise<void> {
    try {
      for await (const message of this.#socket.messages) {
        for await (const frame of this.#reader.frames(message)) await this.#handle(frame);
      }
    } finally {
      for (const pair of this.#pairs.values()) pair.connection?.destroy();
      await Promise.all(this.#running);
      this.#writer.close();
    }
  }

  async #handle(frame: SpdyFrame): Promise<void> {
    switch (frame.type) {
      case 'syn':
        return this.#open(frame.stream, frame.headers);
      case 'ping':
        return this.#socket.send(this.#writer.ping(frame.id));
      case 'data': {
        const pair = this.#byDataStream.get(frame.stream);
        if (pair !== undefined) receive(pair, frame.data, frame.fin);
        return;
      }
      case 'reset':
        this.#byDataStream.get(frame.stream)?.connection?.destroy();
        return;
      case 'goaway':
        return;
    }
  }

  async #open(stream: number, headers: ReadonlyMap<string, string>): Promise<void> {
    const port = Number(headers.get('port'));
    const id = headers.get('requestid') ?? String(port);
    if (!Number.isInteger(port) || (this.#pairs.size >= MAX_STREAMS && !this.#pairs.has(id))) {
      return this.#socket.send(this.#writer.reset(stream));
    }
    await this.#socket.send(await this.#writer.reply(stream));
    const pair = this.#pairs.get(id) ?? newPair(port);
    this.#pairs.set(id, pair);
    if (headers.get('streamtype') === 'error') pair.error = stream;
    else {
      pair.data = stream;
      this.#byDataStream.set(stream, pair);
    }
    if (pair.error === undefined || pair.data === undefined) return;
    const running = this.#forward(pair, pair.error, pair.data).finally(() => {
      this.#running.delete(running);
      this.#pairs.delete(id);
      if (pair.data !== undefined) this.#byDataStream.delete(pair.data);
    });
    this.#running.add(running);
  }

  async #forward(pair: Pair, error: number, data: number): Promise<void> {
    const empty = new Uint8Array();
    let failure: Uint8Array = empty;
    try {
      const connection = await this.#dial(pair.port);
      connect(pair, connection);
      for await (const chunk of connection.readable) await this.#socket.send(this.#writer.data(data, chunk, false));
    } catch (cause) {
      failure = errorText(pair.port, cause);
    }
    await this.#socket.send(this.#writer.data(error, failure, true));
    await this.#socket.send(this.#writer.data(data, empty, true));
    pair.connection?.destroy();
  }
}

function newPair(port: number): Pair {
  return { port, error: undefined, data: undefined, early: [], ended: false, outbox: undefined, connection: undefined };
}

function connect(pair: Pair, connection: DuplexBytes): void {
  const outbox = new Outbox(connection);
  pair.connection = connection;
  pair.outbox = outbox;
  for (const chunk of pair.early.splice(0)) outbox.write(chunk);
  if (pair.ended) outbox.end();
}

function receive(pair: Pair, data: Uint8Array, fin: boolean): void {
  const chunk = Uint8Array.from(data);
  if (chunk.length > 0) {
    if (pair.outbox === undefined) pair.early.push(chunk);
    else pair.outbox.write(chunk);
  }
  if (!fin) return;
  pair.ended = true;
  pair.outbox?.end();
}

/**
 * The older form: channel 2i carries data of port i, channel 2i+1 its errors. Both begin with a message from the server
 * that holds the port number (two bytes, little-endian).
 */
async function forwardChannels(socket: MessageSocket, ports: readonly number[], dial: Dial): Promise<void> {
  const outboxes = new Map<number, Outbox>();
  const connections: DuplexBytes[] = [];
  const forward = async (port: number, index: number): Promise<void> => {
    const [data, error] = [2 * index, 2 * index + 1];
    const announced = [port & 0xff, port >> 8];
    await socket.send(Uint8Array.from([data, ...announced]));
    await socket.send(Uint8Array.from([error, ...announced]));
    try {
      const connection = await dial(port);
      connections.push(connection);
      outboxes.set(data, new Outbox(connection));
      for await (const chunk of connection.readable) await socket.send(Buffer.concat([Buffer.from([data]), chunk]));
    } catch (cause) {
      await socket.send(Buffer.concat([Buffer.from([error]), errorText(port, cause)]));
    }
  };
  const opened = ports.map(forward);
  const finished = Promise.all(opened).then(() => socket.close());
  for await (const message of socket.messages) outboxes.get(message[0] ?? -1)?.write(message.subarray(1));
  for (const connection of connections) connection.destroy();
  await finished;
}
