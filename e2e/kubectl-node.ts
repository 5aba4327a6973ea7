import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server } from 'node:net';
import type { DuplexBytes, ExecSession, NodeBackend } from '@drey/devcluster';

/**
 * A node without pods: its logs are fixed lines, `exec` knows a few commands, and every port leads to a server that answers
 * in capitals.
 */
export interface EchoNode {
  readonly backend: NodeBackend;
  /** Adds a line to followed logs. */
  readonly log: (line: string) => void;
  readonly close: () => Promise<void>;
}

export async function startEchoNode(): Promise<EchoNode> {
  const server = await listen();
  const lines = ['first', 'second'];
  const listeners = new Set<() => void>();
  const backend: NodeBackend = {
    async *logs(_target, options, signal) {
      let next = options.tailLines === undefined ? 0 : Math.max(0, lines.length - options.tailLines);
      for (;;) {
        while (next < lines.length) yield Buffer.from(`${lines[next++]}\n`);
        if (!options.follow || signal.aborted) return;
        await new Promise<void>((resolve) => {
          listeners.add(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
    exec: async (_target, command) => execute(command),
    dial: (_namespace, _pod, port) => {
      if (port === 1) return Promise.reject(new Error('connection refused'));
      return dial((server.address() as AddressInfo).port);
    },
  };
  return {
    backend,
    log(line) {
      lines.push(line);
      for (const listener of listeners) listener();
      listeners.clear();
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function listen(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('data', (data) => socket.write(data.toString('utf8').toUpperCase()));
    socket.on('end', () => socket.end());
    socket.on('error', () => socket.destroy());
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function dial(port: number): Promise<DuplexBytes> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () =>
      resolve({
        readable: socket,
        write: (data) => new Promise((done) => socket.write(data, () => done())),
        end: () => socket.end(),
        destroy: () => socket.destroy(),
      }),
    );
  });
}

/** `echo WORDS`, `fail CODE`, and `cat`, which ends with its input. */
function execute(command: readonly string[]): ExecSession {
  const [verb, ...words] = command;
  const input: Uint8Array[] = [];
  const { promise: closed, resolve: closeInput } = Promise.withResolvers<void>();
  async function* none(): AsyncGenerator<Uint8Array> {}
  async function* output(): AsyncGenerator<Uint8Array> {
    if (verb === 'echo') yield Buffer.from(`${words.join(' ')}\n`);
    if (verb !== 'cat') return;
    await closed;
    yield Buffer.concat(input);
  }
  async function* errors(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('it went wrong\n');
  }
  return {
    stdout: output(),
    stderr: verb === 'fail' ? errors() : none(),
    write: (data) => input.push(Uint8Array.from(data)),
    closeStdin: () => closeInput(),
    resize: () => undefined,
    exit: (verb === 'cat' ? closed : Promise.resolve()).then(() => ({ code: verb === 'fail' ? Number(words[0]) : 0 })),
    kill: () => closeInput(),
  };
}
