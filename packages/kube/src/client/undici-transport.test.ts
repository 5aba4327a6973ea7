import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { type CredentialSource, fixedCredentials } from './credentials.ts';
import { networkCode } from './failure.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import type { HttpRequest } from './transport.ts';
import { UndiciTransport } from './undici-transport.ts';

const pem = (name: string): string => readFileSync(join(import.meta.dirname, 'testdata', name), 'utf8');
const [certificate, privateKey] = [pem('test.crt'), pem('test.key')];

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

function open(access: Partial<ClusterAccess> & { server: string }): UndiciTransport {
  const transport = new UndiciTransport({ insecure: false, credentials: fixedCredentials({ headers: {} }), ...access });
  cleanUp.push(() => transport.close());
  return transport;
}

const plain = async (handler: Handler): Promise<string> => `http://127.0.0.1:${await listen(createServer(handler))}`;

const call = (path: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  path,
  headers: {},
  mode: 'call',
  ...more,
});

async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('UndiciTransport', () => {
  test('sends method, path behind the prefix, headers and body, and gives status, headers and warnings', async () => {
    const server = await plain((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        response.writeHead(
          201,
          [
            ['x-a', '1'],
            ['x-a', '2'],
            ['Warning', '299 - "old \\"api\\""'],
            ['Warning', '299 - "b"'],
          ].flat(),
        );
        response.end(
          `${request.method} ${request.url} ${request.headers['content-type']} ${request.headers.authorization} ${body}`,
        );
      });
    });
    const transport = open({
      server: `${server}/base/`,
      credentials: fixedCredentials({ headers: { authorization: 'Bearer t' } }),
    });
    const answer = await transport.request(
      call('/api?x=1', { method: 'POST', body: 'héllo', headers: { 'content-type': 'a/b' } }),
    );
    expect([answer.status, answer.headers['x-a'], answer.warnings]).toEqual([201, '1, 2', ['old "api"', 'b']]);
    expect(await text(answer.body)).toBe('POST /base/api?x=1 a/b Bearer t héllo');
  });

  test('reuses its connections, and keeps those of streams apart', async () => {
    const sockets = new Set<unknown>();
    const server = await plain((request, response) => {
      sockets.add(request.socket);
      if (request.url === '/watch') response.write('open');
      else response.end('ok');
    });
    const transport = open({ server });
    const abort = new AbortController();
    for (let i = 0; i < 3; i++) await transport.request(call('/watch', { mode: 'stream', signal: abort.signal }));
    expect(sockets.size).toBe(3);
    for (let i = 0; i < 20; i++) await text((await transport.request(call('/x'))).body);
    expect(sockets.size).toBeLessThanOrEqual(5);
    abort.abort();
  });

  test('bounds the connections of calls: the rest wait for their turn', async () => {
    let most = 0;
    let now = 0;
    const server = await plain((_, response) => {
      most = Math.max(most, ++now);
      setImmediate(() => {
        now--;
        response.end('ok');
      });
    });
    const transport = open({ server });
    const answers = await Promise.all(
      Array.from({ length: 120 }, async () => text((await transport.request(call('/x'))).body)),
    );
    expect(answers.every((a) => a === 'ok')).toBe(true);
    expect(most).toBeLessThanOrEqual(32);
  });

  test('unpacks gzip of calls, and does not ask for it on streams', async () => {
    const asked: (string | undefined)[] = [];
    const server = await plain((request, response) => {
      asked.push(request.headers['accept-encoding'] as string | undefined);
      if (request.url === '/stream') response.end('plain');
      else {
        response.writeHead(200, { 'content-encoding': 'gzip' });
        const packed = gzipSync('packed '.repeat(5000));
        response.end(request.url === '/cut' ? packed.subarray(0, 20) : packed);
      }
    });
    const transport = open({ server });
    expect(await text((await transport.request(call('/gz'))).body)).toBe('packed '.repeat(5000));
    expect(await text((await transport.request(call('/stream', { mode: 'stream' }))).body)).toBe('plain');
    await expect(text((await transport.request(call('/cut'))).body)).rejects.toThrow();
    expect(asked).toEqual(['gzip', undefined, 'gzip']);
  });

  test('repeats a 401 once, with its body, when there may be fresh credentials', async () => {
    const seen: string[] = [];
    const server = await plain((request, response) => {
      seen.push(String(request.headers.authorization));
      response.statusCode = request.headers.authorization === 'Bearer 2' ? 200 : 401;
      request.pipe(response);
    });
    let refused = 1;
    const renewing: CredentialSource = {
      current: async () => ({ headers: { authorization: `Bearer ${refused}` } }),
      refused: () => {
        refused++;
        return true;
      },
    };
    const transport = open({ server, credentials: renewing });
    const answer = await transport.request(call('/x', { method: 'POST', body: 'again' }));
    expect([answer.status, await text(answer.body), seen]).toEqual([200, 'again', ['Bearer 1', 'Bearer 2']]);
    const fixed = open({ server, credentials: fixedCredentials({ headers: { authorization: 'Bearer 9' } }) });
    expect((await fixed.request(call('/x'))).status).toBe(401);
    expect(seen).toHaveLength(3);
  });

  test('credentials that cannot be had are E_KUBE_UNAUTHORIZED with the reason', async () => {
    const broken: CredentialSource = { current: () => Promise.reject(new Error('no session')), refused: () => true };
    const transport = open({ server: 'http://127.0.0.1:1', credentials: broken });
    await expect(transport.request(call('/x'))).rejects.toMatchObject({
      code: 'E_KUBE_UNAUTHORIZED',
      message: 'no credentials for http://127.0.0.1:1: no session',
    });
  });

  test('an abort ends a request that waits and a stream that is silent', async () => {
    const server = await plain((request, response) => {
      if (request.url === '/stream') response.write('a');
    });
    const transport = open({ server });
    const abort = new AbortController();
    const waiting = transport.request(call('/hang', { signal: abort.signal }));
    const stream = await transport.request(call('/stream', { mode: 'stream', signal: abort.signal }));
    const reading = text(stream.body);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(reading).rejects.toThrow('enough');
  });

  test('names the reason when nobody listens, and rejects once closed', async () => {
    const port = await listen(createServer());
    await cleanUp.pop()?.();
    const transport = open({ server: `http://127.0.0.1:${port}` });
    const error = await transport.request(call('/x')).catch((e: unknown) => e);
    expect(networkCode(error)).toBe('ECONNREFUSED');
    await transport.close();
    await expect(transport.request(call('/x'))).rejects.toMatchObject({ code: 'E_KUBE_UNREACHABLE' });
  });
});

describe('UndiciTransport over TLS', () => {
  const secure = async (): Promise<string> => {
    const options = {
      cert: certificate,
      key: privateKey,
      ca: certificate,
      requestCert: true,
      rejectUnauthorized: false,
    };
    const server = createTlsServer(options, (request, response) => {
      const socket = request.socket as TLSSocket;
      response.end(socket.authorized ? String(socket.getPeerCertificate().subject.CN) : 'nobody');
    });
    return `https://127.0.0.1:${await listen(server)}`;
  };

  test('trusts the given authority, expects the given name, and shows its certificate', async () => {
    const server = await secure();
    const credentials = fixedCredentials({ headers: {}, cert: certificate, key: privateKey });
    const transport = open({ server, ca: certificate, serverName: 'cluster.test', credentials });
    expect(await text((await transport.request(call('/'))).body)).toBe('cluster.test');
  });

  test('refuses an unknown authority and a wrong name, unless told to accept anything', async () => {
    const server = await secure();
    const reason = async (access: Partial<ClusterAccess>): Promise<string | undefined> =>
      networkCode(
        await open({ server, ...access })
          .request(call('/'))
          .catch((e: unknown) => e),
      );
    expect(await reason({ serverName: 'cluster.test' })).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(await reason({ ca: certificate })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await text((await open({ server, insecure: true }).request(call('/'))).body)).toBe('nobody');
  });

  test('opens new connections when the client certificate is renewed', async () => {
    const server = await secure();
    let renewed = false;
    const credentials: CredentialSource = {
      current: async () => ({ headers: {}, ...(renewed && { cert: certificate, key: privateKey }) }),
      refused: () => false,
    };
    const transport = open({ server, insecure: true, credentials });
    expect(await text((await transport.request(call('/'))).body)).toBe('nobody');
    renewed = true;
    expect(await text((await transport.request(call('/'))).body)).toBe('cluster.test');
  });

  test('goes through a proxy with CONNECT, TLS from end to end', async () => {
    const server = await secure();
    const tunnels: (string | undefined)[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      tunnels.push(request.url);
      const [host, port] = (request.url ?? '').split(':');
      const upstream = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
      for (const end of [upstream, socket]) end.on('error', () => undefined);
      cleanUp.push(async () => {
        upstream.destroy();
        socket.destroy();
      });
    });
    const proxyUrl = `http://127.0.0.1:${await listen(proxy)}`;
    const transport = open({ server, proxyUrl, ca: certificate, serverName: 'cluster.test' });
    expect(await text((await transport.request(call('/'))).body)).toBe('nobody');
    expect(tunnels).toEqual([new URL(server).host]);
  });
});
