import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type AnyObject, systemClock } from '@drey/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiResponse, DuplexBytes, ExecSession, LogOptions, NodeBackend } from '../contract.ts';
import type { ObjectReader, ResourceCall } from '../model.ts';
import { connectHandlers } from './handlers.ts';

const pods: readonly AnyObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns', labels: { app: 'p' } },
    spec: { nodeName: 'n', containers: [{ name: 'main', ports: [{ name: 'web', containerPort: 8080 }] }] },
    status: { podIP: '127.9.9.9', conditions: [{ type: 'Ready', status: 'True' }] },
  },
];
const services: readonly AnyObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', namespace: 'ns' },
    spec: { selector: { app: 'p' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] },
  },
];
const objects: ObjectReader = {
  get: (_g, plural, _ns, name) => (plural === 'pods' ? pods : services).find((o) => o.metadata.name === name),
  list: (_g, plural) => (plural === 'pods' ? pods : services),
};

let server: Server;
const dialed: number[] = [];
const asked: LogOptions[] = [];
let failure: Error | undefined;

beforeAll(async () => {
  server = createServer((incoming, response) => {
    response.setHeader(
      'x-seen',
      `${incoming.method} ${incoming.url} ${incoming.headers.authorization ?? 'no credentials'}`,
    );
    incoming.pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server.close());

function dial(): Promise<DuplexBytes> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  return new Promise((resolve) =>
    socket.once('connect', () =>
      resolve({
        readable: socket,
        write: (data) => new Promise((done) => socket.write(data, () => done())),
        end: () => socket.end(),
        destroy: () => socket.destroy(),
      }),
    ),
  );
}

const session: ExecSession = {
  stdout: (async function* () {
    yield Buffer.from('out');
  })(),
  stderr: (async function* () {})(),
  write: () => undefined,
  closeStdin: () => undefined,
  resize: () => undefined,
  exit: Promise.resolve({ code: 4 }),
  kill: () => undefined,
};

const backend: NodeBackend = {
  async *logs(_target, options) {
    asked.push(options);
    if (failure !== undefined) throw failure;
    yield Buffer.from('line\n');
  },
  exec: async () => session,
  dial: (_ns, _pod, port) => {
    dialed.push(port);
    return dial();
  },
};

const handlers = connectHandlers({ objects, backendOf: (name) => (name === 'n' ? backend : undefined) }, systemClock);

function call(
  what: string,
  name: string,
  more: { query?: string; rest?: string; method?: string; body?: string; protocols?: string[] } = {},
) {
  const request = {
    method: more.method ?? 'GET',
    query: new URLSearchParams(more.query ?? ''),
    headers: { authorization: 'Bearer secret' },
    body: more.body === undefined ? undefined : Buffer.from(more.body),
    signal: new AbortController().signal,
    ...(more.protocols && { webSocket: { protocols: more.protocols } }),
  };
  return handlers[what]!({ request, info: { namespace: 'ns', name, rest: more.rest } } as unknown as ResourceCall);
}

async function text(response: ApiResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

describe('proxies', () => {
  it('forward requests to a port of a pod, without the credentials', async () => {
    const answer = await call('pods/proxy', 'p:9000', { method: 'POST', rest: 'a/b', query: 'x=1', body: 'hello' });
    expect([await text(answer), answer.headers['x-seen'], dialed.at(-1)]).toEqual([
      'hello',
      'POST /a/b?x=1 no credentials',
      9000,
    ]);
    await text(await call('pods/proxy', 'p'));
    expect(dialed.at(-1)).toBe(8080);
  });

  it('find the pod and the port behind a service', async () => {
    await text(await call('services/proxy', 'http:s:http', { rest: '' }));
    expect(dialed.at(-1)).toBe(8080);
    await expect(call('services/proxy', 's:81')).rejects.toThrow('no service port 81 found for service "s"');
  });
});

describe('logs', () => {
  it('pass options on', async () => {
    const answer = await call('pods/log', 'p', { query: 'follow=true&tailLines=5&timestamps=true&sinceSeconds=9' });
    expect([await text(answer), answer.headers['content-type']]).toEqual(['line\n', 'text/plain']);
    expect(asked.at(-1)).toEqual({ follow: true, previous: false, timestamps: true, tailLines: 5, sinceSeconds: 9 });
  });

  it('answer what the node refuses as a Status', async () => {
    failure = Object.assign(new Error('container "main" is waiting'), { name: 'NodeCallError', reason: 'BadRequest' });
    await expect(call('pods/log', 'p')).rejects.toMatchObject({
      status: { code: 400, message: 'container "main" is waiting' },
    });
    failure = new Error('disk gone');
    await expect(call('pods/log', 'p')).rejects.toMatchObject({ status: { code: 500 } });
    failure = undefined;
  });
});

describe('exec', () => {
  it('sends output and the exit code on their channels', async () => {
    const answer = await call('pods/exec', 'p', {
      query: 'command=ls',
      protocols: ['v4.channel.k8s.io', 'v5.channel.k8s.io'],
    });
    const sent: Buffer[] = [];
    const { promise: closed, resolve: close } = Promise.withResolvers<void>();
    const messages = (async function* (): AsyncGenerator<Uint8Array> {
      await closed;
      yield Buffer.from([255, 0]);
    })();
    await answer.upgrade!.run({
      messages,
      send: async (data) => void sent.push(Buffer.from(data)),
      close: () => close(),
    });
    expect(answer.upgrade!.protocol).toBe('v5.channel.k8s.io');
    expect(sent[0]!.toString('latin1')).toBe('\x01out');
    expect(sent[1]![0]).toBe(3);
    expect(JSON.parse(sent[1]!.toString('utf8', 1))).toMatchObject({
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '4' }] },
    });
  });

  it('needs a command and a protocol it knows', async () => {
    await expect(call('pods/exec', 'p', { protocols: ['v5.channel.k8s.io'] })).rejects.toThrow(
      'at least 1 container command',
    );
    await expect(call('pods/exec', 'p', { query: 'command=ls', protocols: ['x'] })).rejects.toThrow(
      'none of the sub-protocols',
    );
    await expect(call('pods/exec', 'p', { query: 'command=ls' })).rejects.toThrow('upgrade request');
  });
});
