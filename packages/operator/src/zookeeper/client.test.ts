import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { parseQuorum, type ZooKeeperNodes, zooKeeperPort } from './client.ts';
import { OPERATION, ZOOKEEPER_ERROR } from './wire.ts';

const clock = { after: () => () => undefined };
const never = new AbortController().signal;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that keeps its nodes as a set of paths, and answers each byte apart: nothing may depend on packets. */
async function ensemble(nodes: Set<string>, answers = true): Promise<string> {
  const server = createServer((socket) => {
    let rest = Buffer.alloc(0);
    let greeted = false;
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        if (rest.length < 4 || rest.length < 4 + rest.readInt32BE(0)) return;
        const frame = rest.subarray(4, 4 + rest.readInt32BE(0));
        rest = rest.subarray(4 + frame.length);
        if (!answers) continue;
        if (!greeted) send(socket, Buffer.concat([int(0), int(5000), Buffer.alloc(8), int(16), Buffer.alloc(16)]));
        else handle(socket, frame, nodes);
        greeted = true;
      }
    });
    socket.on('error', () => undefined);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

function handle(socket: Socket, frame: Buffer, nodes: Set<string>): void {
  const [xid, operation] = [frame.readInt32BE(0), frame.readInt32BE(4)];
  if (operation === OPERATION.close) {
    socket.end();
    return;
  }
  const path = frame.toString('utf8', 12, 12 + frame.readInt32BE(8));
  const below = [...nodes].filter((node) => node.startsWith(`${path}/`)).map((node) => node.slice(path.length + 1));
  const names = [...new Set(below.map((node) => node.split('/')[0] ?? ''))];
  const { none, noNode, notEmpty } = ZOOKEEPER_ERROR;
  const isThere = nodes.has(path) || names.length > 0;
  if (operation === OPERATION.children) {
    const body = names.map((name) => Buffer.concat([int(name.length), Buffer.from(name)]));
    send(socket, reply(xid, isThere ? none : noNode, ...(isThere ? [int(names.length), ...body] : [])));
    return;
  }
  if (names.length === 0) nodes.delete(path);
  send(socket, reply(xid, !isThere ? noNode : names.length > 0 ? notEmpty : none));
}

function reply(xid: number, error: number, ...body: Buffer[]): Buffer {
  return Buffer.concat([int(xid), Buffer.alloc(8), int(error), ...body]);
}

function send(socket: Socket, payload: Buffer): void {
  for (const byte of Buffer.concat([int(payload.length), payload])) socket.write(Buffer.from([byte]));
}

function int(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeInt32BE(value);
  return out;
}

const read = (quorum: string, path: string, signal = never) =>
  zooKeeperPort(clock)(quorum, signal, (nodes: ZooKeeperNodes) => nodes.children(path));

describe('ZooKeeper', () => {
  test('names the children of a node, and tells a node without any from none', async () => {
    const quorum = await ensemble(new Set(['/flink/app/jobs/a', '/flink/app/jobs/b', '/flink/app/leader']));
    expect(await read(quorum, '/flink/app/jobs')).toEqual(['a', 'b']);
    expect(await read(quorum, '/flink/app/leader')).toEqual([]);
    expect(await read(quorum, '/flink/other')).toBeUndefined();
  });

  test('removes a node with everything below it, and nothing else', async () => {
    const nodes = new Set(['/flink/app/jobs/a/checkpoints/1', '/flink/app/leader', '/flink/other']);
    const quorum = await ensemble(nodes);
    await zooKeeperPort(clock)(quorum, never, (zooKeeper) => zooKeeper.remove('/flink/app'));
    expect([...nodes]).toEqual(['/flink/other']);
  });

  test('is looked for at the next address when one does not answer, and below the given node', async () => {
    const quorum = await ensemble(new Set(['/team/flink/app']));
    expect(await read(`127.0.0.1:1,${quorum}/team`, '/flink')).toEqual(['app']);
  });

  test('that cannot be reached, or says nothing, is an error and never an answer', async () => {
    await expect(read('127.0.0.1:1', '/flink')).rejects.toMatchObject({ code: 'E_OPERATOR_ZOOKEEPER' });
    const silent = await ensemble(new Set(), false);
    const given = new AbortController();
    setImmediate(() => given.abort());
    await expect(read(silent, '/flink', given.signal)).rejects.toThrow();
  });

  test('takes addresses as Flink writes them', () => {
    expect(parseQuorum('a:1, b,[::1]:3/x/')).toEqual({
      servers: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2181 },
        { host: '::1', port: 3 },
      ],
      chroot: '/x',
    });
  });
});
