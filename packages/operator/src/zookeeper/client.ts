import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '@drey/kube';
import { StepError } from '../job/step-error.ts';
import {
  childrenRequest,
  closeRequest,
  connectRequest,
  deleteRequest,
  isSession,
  type Reply,
  readNames,
  readReply,
  ZOOKEEPER_ERROR,
} from './wire.ts';

/** Nodes of a ZooKeeper ensemble. Calls reject with `E_OPERATOR_ZOOKEEPER` when they are not answered. */
export interface ZooKeeperNodes {
  /** Names of a node's children; undefined: there is no such node. */
  children(path: string): Promise<readonly string[] | undefined>;
  /** Removes a node with everything below it; one that is not there is removed already. */
  remove(path: string): Promise<void>;
}

/**
 * Opens a session with one server of `quorum` (`host:port,host:port/chroot`, as Flink's option has it) for as long as `work`
 * takes. Rejects with `E_OPERATOR_ZOOKEEPER` when no server answers; sessions with authentication are not supported.
 */
export type ZooKeeperPort = <T>(
  quorum: string,
  signal: AbortSignal,
  work: (nodes: ZooKeeperNodes) => Promise<T>,
) => Promise<T>;

const DEFAULT_PORT = 2181;
/** All that is done in one session together. */
const SESSION_MS = 5_000;
/** An answer lists the children of one node of one Flink cluster. */
const MAX_FRAME_BYTES = 1024 * 1024;
/** Nodes below one that is removed; Flink keeps a few for each checkpoint. */
const MAX_REMOVED = 10_000;

/** The way to ZooKeeper over the network; `connect` opens a connection without waiting for it. */
export function zooKeeperPort(
  clock: Pick<Clock, 'after'>,
  connect: (host: string, port: number) => Duplex = (host, port) => connectSocket({ host, port }),
): ZooKeeperPort {
  return async (quorum, signal, work) => {
    const { servers, chroot } = parseQuorum(quorum);
    let last: unknown;
    for (const { host, port } of servers) {
      signal.throwIfAborted();
      try {
        return await session({ clock, stream: connect(host, port), signal, chroot }, work);
      } catch (error) {
        // What a server that was reached says counts; another one is asked only when it was not reached.
        if (error instanceof StepError) throw error;
        last = error;
      }
    }
    const why = last instanceof Error ? last.message : 'no server is named';
    throw new StepError('E_OPERATOR_ZOOKEEPER', `ZooKeeper at ${quorum} does not answer: ${why}`);
  };
}

interface Server {
  readonly host: string;
  readonly port: number;
}

/** Servers and the node below which everything of these clients lies. */
export function parseQuorum(quorum: string): { readonly servers: readonly Server[]; readonly chroot: string } {
  const slash = quorum.indexOf('/');
  const hosts = slash < 0 ? quorum : quorum.slice(0, slash);
  const chroot = slash < 0 ? '' : quorum.slice(slash).replace(/\/+$/, '');
  const servers = hosts
    .split(',')
    .map((server) => server.trim())
    .filter((server) => server !== '')
    .map((server) => {
      const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(server) ?? [];
      return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? DEFAULT_PORT : Number(port) };
    });
  return { servers, chroot };
}

interface SessionScope {
  readonly clock: Pick<Clock, 'after'>;
  readonly stream: Duplex;
  readonly signal: AbortSignal;
  readonly chroot: string;
}

async function session<T>(scope: SessionScope, work: (nodes: ZooKeeperNodes) => Promise<T>): Promise<T> {
  const { clock, stream, signal, chroot } = scope;
  const frames = new Frames(stream);
  const abort = (): void => void stream.destroy(new Error('the call was given up'));
  const stopTimer = clock.after(SESSION_MS, () => void stream.destroy(new Error(`no answer within ${SESSION_MS} ms`)));
  signal.addEventListener('abort', abort);
  let xid = 0;
  const ask = async (request: (xid: number) => Buffer): Promise<Reply> => {
    xid += 1;
    stream.write(request(xid));
    return readReply(await frames.next());
  };
  try {
    stream.write(connectRequest(SESSION_MS));
    if (!isSession(await frames.next())) throw new Error('it grants no session');
    const result = await work(nodesOf(ask, chroot));
    stream.write(closeRequest(xid + 1));
    return result;
  } finally {
    stopTimer();
    signal.removeEventListener('abort', abort);
    stream.destroy();
  }
}

function nodesOf(ask: (request: (xid: number) => Buffer) => Promise<Reply>, chroot: string): ZooKeeperNodes {
  const at = (path: string): string => `${chroot}${path}`;
  const children = async (path: string): Promise<readonly string[] | undefined> => {
    const reply = await ask((xid) => childrenRequest(xid, at(path)));
    if (reply.error === ZOOKEEPER_ERROR.noNode) return undefined;
    return accepted(reply, path) && readNames(reply.body);
  };
  const remove = async (path: string, budget: { left: number }): Promise<void> => {
    budget.left -= 1;
    if (budget.left < 0) throw new StepError('E_OPERATOR_ZOOKEEPER', `Below ${path} are more nodes than Flink makes.`);
    for (const name of (await children(path)) ?? []) await remove(`${path}/${name}`, budget);
    const reply = await ask((xid) => deleteRequest(xid, at(path)));
    // A node that was filled again meanwhile is looked at with the next pass.
    if (reply.error !== ZOOKEEPER_ERROR.noNode && reply.error !== ZOOKEEPER_ERROR.notEmpty) accepted(reply, path);
  };
  return { children, remove: (path) => remove(path, { left: MAX_REMOVED }) };
}

function accepted(reply: Reply, path: string): true {
  if (reply.error === ZOOKEEPER_ERROR.none) return true;
  const why = reply.error === ZOOKEEPER_ERROR.noAuth ? 'the operator may not do that' : `error ${reply.error}`;
  throw new StepError('E_OPERATOR_ZOOKEEPER', `ZooKeeper refuses a request on ${path}: ${why}.`);
}

/** Cuts a stream into messages. */
class Frames {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Duplex) {
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async next(): Promise<Buffer> {
    const length = (await this.#take(4)).readInt32BE(0);
    if (length < 0 || length > MAX_FRAME_BYTES) throw new Error(`it sends a message of ${length} bytes`);
    return this.#take(length);
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#rest.length < count) {
      const { value, done } = await this.#chunks.next();
      if (done) throw new Error('it closed the connection');
      this.#rest = Buffer.concat([this.#rest, value]);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }
}
