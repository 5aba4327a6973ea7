import { request } from 'node:https';
import { createClientCertificate, type KeyPair, systemClock } from '@drey/kube';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createAuthentication } from '../auth/authentication.ts';
import { createRbac } from '../auth/rbac.ts';
import { newTokenKey, serviceAccountTokens } from '../auth/tokens.ts';
import type { ApiHandler, ApiRequest } from '../contract.ts';
import type { ObjectReader } from '../model.ts';
import { createCertificates, type ServerCertificates } from './certificates.ts';
import { type Front, startFront } from './front.ts';
import { type FrontLimits, jsonResponse } from './wire.ts';

const nothing: ObjectReader = { get: () => undefined, list: () => [] };
const fronts: Front[] = [];
afterEach(async () => {
  for (const front of fronts.splice(0)) await front.close(50);
});

interface Started {
  readonly front: Front;
  readonly certificates: ServerCertificates;
  readonly seen: ApiRequest[];
}

async function start(
  handle: ApiHandler,
  more: { anonymous?: boolean; limits?: Partial<FrontLimits>; port?: number } = {},
): Promise<Started> {
  const certificates = await createCertificates({ hosts: ['localhost', '127.0.0.1'], now: systemClock.now() });
  const seen: ApiRequest[] = [];
  const front = await startFront({
    handle: (call) => {
      seen.push(call);
      return handle(call);
    },
    authentication: createAuthentication({
      tokens: [{ token: 'sesame', user: { name: 'admin', groups: ['system:masters'] } }],
      serviceAccounts: serviceAccountTokens({
        key: newTokenKey(),
        objects: nothing,
        clock: systemClock,
        newUid: () => 'u',
      }),
      anonymous: more.anonymous ?? false,
      rbac: createRbac(nothing),
    }),
    certificates,
    port: more.port ?? 0,
    clock: systemClock,
    ...(more.limits === undefined ? {} : { limits: more.limits }),
  });
  fronts.push(front);
  return { front, certificates, seen };
}

interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  text: string;
}

function call(
  started: Started,
  path: string,
  more: { headers?: Record<string, string | string[]>; body?: Buffer; client?: KeyPair; method?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${started.front.url}${path}`,
      {
        method: more.method ?? (more.body ? 'POST' : 'GET'),
        ca: started.certificates.authority.certificate,
        agent: false,
        headers: more.headers ?? {},
        ...(more.client && { cert: more.client.certificate, key: more.client.key }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('latin1'),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(more.body);
  });
}

const ok: ApiHandler = async () => jsonResponse(200, { ok: true });
const bearer = { authorization: 'Bearer sesame' };

/** Sends one event at once, then waits for the request to be aborted. */
const watching: ApiHandler = async ({ signal }) => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: (async function* () {
    yield Buffer.from('{"type":"ADDED","object":{"kind":"Pod"}}\n{"type":"MODI');
    yield Buffer.from('FIED","object":{"kind":"Pod"}}\n');
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  })(),
});

describe('the front', () => {
  it('knows users by bearer token and by client certificate', async () => {
    const started = await start(ok);
    expect((await call(started, '/api?x=1', { headers: bearer })).text).toBe('{"ok":true}\n');
    const client = await createClientCertificate(
      started.certificates.authority,
      { name: 'eve', groups: ['crew'] },
      systemClock.now(),
    );
    await call(started, '/a%3Ab', { client });
    expect(started.seen.map(({ user, path }) => [user.name, user.groups, path])).toEqual([
      ['admin', ['system:masters', 'system:authenticated'], '/api'],
      ['eve', ['crew', 'system:authenticated'], '/a:b'],
    ]);
    expect(started.seen[0]!.query.get('x')).toBe('1');
  });

  it('refuses unknown tokens, foreign certificates, and nobody unless anonymous access is on', async () => {
    const started = await start(ok);
    const foreign = await createCertificates({ hosts: ['x'], now: systemClock.now() });
    const client = await createClientCertificate(
      foreign.authority,
      { name: 'a', groups: ['system:masters'] },
      systemClock.now(),
    );
    const wrong = await call(started, '/api', { headers: { authorization: 'Bearer nope' } });
    expect([wrong.status, JSON.parse(wrong.text).message]).toEqual([401, 'Unauthorized']);
    expect((await call(started, '/api', { client })).status).toBe(401);
    expect((await call(started, '/api')).status).toBe(401);
    expect(started.seen).toEqual([]);
    const open = await start(ok, { anonymous: true });
    await call(open, '/api', { headers: { authorization: 'Basic dTpw' } });
    expect(open.seen[0]!.user.name).toBe('system:anonymous');
  });

  it('lets administrators act as others, with each group as it was sent', async () => {
    const started = await start(ok);
    await call(started, '/api', {
      headers: { ...bearer, 'impersonate-user': 'bob', 'impersonate-group': ['a, b', 'c'] },
    });
    expect(started.seen[0]!.user).toEqual({ name: 'bob', groups: ['a, b', 'c', 'system:authenticated'] });
    const alone = await call(started, '/p', { headers: { ...bearer, 'impersonate-group': 'crew' } });
    expect([alone.status, alone.text]).toEqual([
      500,
      'Internal Server Error: "/p": requested [{Group  crew    }] without impersonating a user\n',
    ]);
  });

  it('refuses bodies above the limit', async () => {
    const started = await start(ok, { limits: { bodyBytes: 10 } });
    expect((await call(started, '/x', { headers: bearer, body: Buffer.alloc(11) })).status).toBe(413);
    expect((await call(started, '/x', { headers: bearer, body: Buffer.alloc(10) })).status).toBe(200);
    expect(started.seen[0]!.body?.length).toBe(10);
  });

  it('compresses large answers for those who accept it, and writes warnings as headers', async () => {
    const big = async () => ({
      ...jsonResponse(200, { text: 'x'.repeat(200_000) }),
      warnings: ['say "hi"', 'second'],
    });
    const started = await start(big);
    const plain = await call(started, '/x', { headers: bearer });
    expect(plain.headers['content-encoding']).toBeUndefined();
    const zipped = await call(started, '/x', { headers: { ...bearer, 'accept-encoding': 'gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.text.length).toBeLessThan(plain.text.length / 50);
    expect(zipped.headers.warning).toBe('299 - "say \\"hi\\"", 299 - "second"');
  });

  it('ends watches when it closes', async () => {
    const started = await start(watching);
    const answer = call(started, '/w', { headers: bearer });
    await expect.poll(() => started.seen.length).toBe(1);
    await started.front.close(1000);
    expect((await answer).text.split('\n').filter((line) => line !== '')).toHaveLength(2);
  });

  it('refuses more streams than its limit', async () => {
    const started = await start(watching, { limits: { streams: 1 } });
    const first = call(started, '/w', { headers: bearer });
    await expect.poll(() => started.seen.length).toBe(1);
    const second = await call(started, '/w', { headers: bearer });
    expect([second.status, second.headers['retry-after']]).toEqual([429, '1']);
    await started.front.close(1000);
    await first;
  });

  it('sends each watch event as one text frame to WebSocket clients', async () => {
    const started = await start(watching);
    const socket = new WebSocket(`${started.front.url.replace('https', 'wss')}/w?watch=true`, {
      ca: started.certificates.authority.certificate,
      headers: { ...bearer, origin: started.front.url },
    });
    const frames: [string, boolean][] = [];
    socket.on('message', (data, binary) => frames.push([String(data), binary]));
    await expect.poll(() => frames.length).toBe(2);
    expect(frames).toEqual([
      ['{"type":"ADDED","object":{"kind":"Pod"}}', false],
      ['{"type":"MODIFIED","object":{"kind":"Pod"}}', false],
    ]);
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.close();
    await closed;
    await expect.poll(() => started.seen[0]!.signal.aborted).toBe(true);
  });

  it('runs sessions on WebSockets and answers refusals as plain HTTP', async () => {
    const started = await start(async ({ webSocket, path }) =>
      path === '/no'
        ? jsonResponse(403, { message: 'no' })
        : {
            status: 101,
            headers: {},
            upgrade: {
              protocol: webSocket?.protocols[1],
              async run(socket) {
                for await (const message of socket.messages) {
                  await socket.send(Buffer.concat([Buffer.from([7]), message]));
                  return;
                }
              },
            },
          },
    );
    const options = { ca: started.certificates.authority.certificate, headers: bearer };
    const url = started.front.url.replace('https', 'wss');
    const socket = new WebSocket(`${url}/exec`, ['v9', 'v5.channel.k8s.io'], options);
    socket.on('open', () => socket.send(Buffer.from('hi')));
    const answer = await new Promise((resolve) => socket.on('message', (data) => resolve(data)));
    expect(answer).toEqual(Buffer.from('\x07hi'));
    expect(socket.protocol).toBe('v5.channel.k8s.io');
    const refused = new WebSocket(`${url}/no`, options);
    const status = await new Promise((resolve) => {
      refused.on('error', () => undefined);
      refused.on('unexpected-response', (_, response) => resolve(response.statusCode));
    });
    expect(status).toBe(403);
  });

  it('says which port is taken', async () => {
    const started = await start(ok);
    await expect(start(ok, { port: started.front.port })).rejects.toMatchObject({ code: 'E_APISERVER_PORT_TAKEN' });
  });
});
