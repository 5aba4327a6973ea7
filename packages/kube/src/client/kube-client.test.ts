import { describe, expect, test } from 'vitest';
import { ConfigMap, Deployment, Pod } from '../kinds.ts';
import { type Answer, FakeTransport, ScriptedStream, SeededRandom, VirtualClock } from '../testing/index.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import { KubeError } from './errors.ts';
import { createKubeClient } from './kube-client.ts';
import { listAll } from './paging.ts';
import type { HttpRequest } from './transport.ts';

const pod = (name: string, rv = '1'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ns', resourceVersion: rv },
});

const failure = (code: number, reason: string, message = 'told so', details = {}): Answer => ({
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details },
});

function setUp(...answers: (Answer | Error)[]): { client: KubeClient; transport: FakeTransport; clock: VirtualClock } {
  return over(FakeTransport.sequence(...answers));
}

function over(transport: FakeTransport): { client: KubeClient; transport: FakeTransport; clock: VirtualClock } {
  const clock = new VirtualClock();
  return { client: createKubeClient({ transport, clock, random: new SeededRandom(1) }), transport, clock };
}

const sent = (transport: FakeTransport): string[] => transport.requests.map((r) => `${r.method} ${r.path}`);

const rejected = async (promise: Promise<unknown>): Promise<KubeError> => {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(KubeError);
  return error as KubeError;
};

describe('paths', () => {
  test('name group, namespace, object and subresource', async () => {
    const answers = Array.from({ length: 7 }, () => ({ body: pod('a') }));
    const { client, transport } = setUp(...answers);
    const deployment: Deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', namespace: 'ns' },
    };
    await client.get(Pod, 'ns', 'a');
    await client.create(Deployment, deployment, { dryRun: true });
    await client.replace(Deployment, deployment, { subresource: 'status', fieldManager: 'm' });
    await client.patch(Pod, 'ns', 'a', 'merge', { metadata: {} });
    await client.apply(Deployment, deployment, { fieldManager: 'me' });
    await client.apply(Deployment, deployment, { fieldManager: 'me', force: false, subresource: 'status' });
    await client.raw('POST', '/api/v1/namespaces/ns/serviceaccounts/x/token', { spec: {} });
    expect(sent(transport)).toEqual([
      'GET /api/v1/namespaces/ns/pods/a',
      'POST /apis/apps/v1/namespaces/ns/deployments?fieldManager=drey&dryRun=All',
      'PUT /apis/apps/v1/namespaces/ns/deployments/d/status?fieldManager=m',
      'PATCH /api/v1/namespaces/ns/pods/a?fieldManager=drey',
      'PATCH /apis/apps/v1/namespaces/ns/deployments/d?fieldManager=me&force=true',
      'PATCH /apis/apps/v1/namespaces/ns/deployments/d/status?fieldManager=me&force=false',
      'POST /api/v1/namespaces/ns/serviceaccounts/x/token',
    ]);
    expect(transport.requests.map((r) => r.headers['content-type'])).toEqual([
      undefined,
      'application/json',
      'application/json',
      'application/merge-patch+json',
      'application/apply-patch+yaml',
      'application/apply-patch+yaml',
      'application/json',
    ]);
  });

  test('a delete carries propagation, grace and preconditions in its body', async () => {
    const { client, transport } = setUp({ body: { kind: 'Status', metadata: {} } });
    await client.delete(Pod, 'ns', 'a', {
      propagation: 'Foreground',
      gracePeriodSeconds: 0,
      uid: 'u',
      resourceVersion: '5',
    });
    expect(JSON.parse(String(transport.requests[0]!.body))).toEqual({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: 'Foreground',
      gracePeriodSeconds: 0,
      preconditions: { uid: 'u', resourceVersion: '5' },
    });
  });

  test('a call on one object without a name is refused before it is sent', async () => {
    const { client, transport } = setUp();
    expect((await rejected(client.get(Pod, 'ns', ''))).code).toBe('E_KUBE_INVALID');
    expect(transport.requests).toEqual([]);
  });
});

describe('failures', () => {
  test.each([
    [failure(404, 'NotFound'), 'E_KUBE_NOT_FOUND', false],
    [failure(409, 'AlreadyExists'), 'E_KUBE_ALREADY_EXISTS', false],
    [failure(409, 'Conflict'), 'E_KUBE_CONFLICT', false],
    [failure(422, 'Invalid'), 'E_KUBE_INVALID', false],
    [failure(401, 'Unauthorized'), 'E_KUBE_UNAUTHORIZED', false],
    [failure(403, 'Forbidden'), 'E_KUBE_FORBIDDEN', false],
    [failure(410, 'Expired'), 'E_KUBE_EXPIRED', false],
    [failure(429, 'TooManyRequests'), 'E_KUBE_TOO_MANY_REQUESTS', false],
    [failure(504, 'Timeout'), 'E_KUBE_TIMEOUT', true],
    [failure(500, 'InternalError'), 'E_KUBE_SERVER', true],
    [failure(500, ''), 'E_KUBE_SERVER', true],
    [failure(415, 'UnsupportedMediaType'), 'E_KUBE_REJECTED', false],
    [{ status: 502, body: '<html>bad gateway</html>' }, 'E_KUBE_SERVER', true],
    [{ status: 200, body: '<html>log in</html>' }, 'E_KUBE_BAD_ANSWER', true],
    [{ status: 200, body: '[]' }, 'E_KUBE_BAD_ANSWER', true],
  ] as const)('a write answered %j rejects with %s', async (answer, code, maybeCommitted) => {
    const { client, transport } = setUp(answer as Answer);
    const error = await rejected(client.create(Pod, pod('a')));
    expect(error.code).toBe(code);
    expect(error.maybeCommitted).toBe(maybeCommitted);
    expect(error.nextStep).toMatch(/\.$/);
    expect(error.message).toContain('POST /api/v1/namespaces/ns/pods');
    expect(transport.requests).toHaveLength(1);
  });

  test('Retry-After is read from the header before the details', async () => {
    const told = failure(429, 'TooManyRequests', 'slow down', { retryAfterSeconds: 9 });
    const { client } = setUp({ ...told, headers: { 'retry-after': '3' } }, told);
    expect((await rejected(client.create(Pod, pod('a')))).retryAfterMs).toBe(3000);
    expect((await rejected(client.create(Pod, pod('a')))).retryAfterMs).toBe(9000);
  });

  test('a write without an answer may have been committed, unless nothing was ever connected', async () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    const { client } = setUp(new Error('socket hang up'), refused);
    const cut = await rejected(client.create(Pod, pod('a')));
    expect([cut.code, cut.maybeCommitted]).toEqual(['E_KUBE_UNREACHABLE', true]);
    const never = await rejected(client.create(Pod, pod('a')));
    expect([never.code, never.maybeCommitted]).toEqual(['E_KUBE_UNREACHABLE', false]);
  });

  test('a hung write times out by the clock and says that it may have been committed', async () => {
    const { client, clock, transport } = over(new FakeTransport(() => new Promise(() => {})));
    const result = rejected(client.create(Pod, pod('a'), { timeoutMs: 5000 }));
    await clock.advance(4999);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    const error = await result;
    expect([error.code, error.maybeCommitted]).toEqual(['E_KUBE_TIMEOUT', true]);
    expect(transport.requests).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test('an answer whose body never ends times out too', async () => {
    const body = new ScriptedStream();
    body.text('{"metadata":');
    const { client, clock } = setUp({ body });
    const result = rejected(client.create(Pod, pod('a'), { timeoutMs: 5000 }));
    await clock.advance(5000);
    expect((await result).code).toBe('E_KUBE_TIMEOUT');
  });

  test("the caller's abort rejects with the caller's reason", async () => {
    const { client, clock } = over(new FakeTransport(() => new Promise(() => {})));
    const abort = new AbortController();
    const result = client.get(Pod, 'ns', 'a', { signal: abort.signal });
    abort.abort(new Error('shutting down'));
    await expect(result).rejects.toThrow('shutting down');
    expect(clock.pending).toBe(0);
  });
});

describe('repeated reads', () => {
  test('wait for Retry-After and succeed', async () => {
    const busy = { ...failure(429, 'TooManyRequests'), headers: { 'retry-after': '2' } };
    const { client, clock, transport } = setUp(busy, failure(503, 'ServiceUnavailable'), { body: pod('a') });
    const got = client.get(Pod, 'ns', 'a');
    await clock.advance(1999);
    expect(transport.requests).toHaveLength(1);
    await clock.advance(10_000);
    expect((await got).metadata.name).toBe('a');
    expect(transport.requests).toHaveLength(3);
  });

  test('tell the time-out of a gateway from that of the API server', async () => {
    const gateway = { status: 504, body: 'gateway timeout' };
    const { client, clock, transport } = setUp(gateway, { body: pod('a') }, failure(504, 'Timeout'));
    const got = client.get(Pod, 'ns', 'a');
    await clock.runUntilIdle();
    expect((await got).metadata.name).toBe('a');
    expect((await rejected(client.get(Pod, 'ns', 'a'))).code).toBe('E_KUBE_TIMEOUT');
    expect(transport.requests).toHaveLength(3);
  });

  test('end after four attempts with the last error', async () => {
    const { client, clock, transport } = over(new FakeTransport(() => failure(500, 'InternalError')));
    const result = rejected(client.get(Pod, 'ns', 'a'));
    await clock.runUntilIdle();
    expect((await result).code).toBe('E_KUBE_SERVER');
    expect(transport.requests).toHaveLength(4);
  });

  test('do not wait longer than the time of the call', async () => {
    const busy = { ...failure(429, 'TooManyRequests'), headers: { 'retry-after': '8' } };
    const { client, clock, transport } = setUp(busy);
    const error = await rejected(client.get(Pod, 'ns', 'a', { timeoutMs: 4000 }));
    expect(error.code).toBe('E_KUBE_TOO_MANY_REQUESTS');
    expect(transport.requests).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test('are not made for what will not pass', async () => {
    for (const answer of [failure(404, 'NotFound'), failure(403, 'Forbidden'), failure(410, 'Expired')]) {
      const { client, transport } = setUp(answer);
      await rejected(client.get(Pod, 'ns', 'a'));
      expect(transport.requests).toHaveLength(1);
    }
  });
});

describe('lists', () => {
  const page = (names: string[], next?: string): Answer => ({
    body: {
      kind: 'PodList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '10', ...(next !== undefined && { continue: next }) },
      items: names.map((name) => ({ metadata: { name } })),
    },
  });

  test('fill in the kind that the server leaves out of items, and read null items as none', async () => {
    const { client } = setUp(page(['a']), { body: { kind: 'PodList', metadata: {}, items: null } });
    expect((await client.list(Pod)).items[0]).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } });
    expect((await client.list(Pod)).items).toEqual([]);
  });

  test('follow continue tokens, without the version that only the first page may name', async () => {
    const { client, transport } = setUp(page(['a', 'b'], 't/1'), page(['c']));
    const all = await listAll(client, Pod, { namespace: 'ns', resourceVersion: '0', labelSelector: 'a=b,c' });
    expect(all.items.map((i) => i.metadata.name)).toEqual(['a', 'b', 'c']);
    expect(all.metadata).toEqual({ resourceVersion: '10' });
    expect(sent(transport)).toEqual([
      'GET /api/v1/namespaces/ns/pods?labelSelector=a%3Db%2Cc&limit=500&resourceVersion=0',
      'GET /api/v1/namespaces/ns/pods?labelSelector=a%3Db%2Cc&limit=500&continue=t%2F1',
    ]);
  });

  test('start over in one answer when a continue token has expired', async () => {
    const { client, transport } = setUp(page(['a'], 't'), failure(410, 'Expired'), page(['a', 'b']));
    expect((await listAll(client, Pod)).items).toHaveLength(2);
    expect(sent(transport).at(-1)).toBe('GET /api/v1/pods');
  });
});

describe('watches', () => {
  const collect = async (client: KubeClient, signal = new AbortController().signal) => {
    const events: WatchEvent<ConfigMap>[] = [];
    let error: unknown;
    try {
      for await (const e of client.watch(ConfigMap, { namespace: 'ns', resourceVersion: '5', signal })) events.push(e);
    } catch (e) {
      error = e;
    }
    return { events, error: error as KubeError | undefined };
  };

  test('decode events that are cut at any byte, also inside a character', async () => {
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: pod('grün-✓') })}\n`);
    for (let cut = 1; cut < line.length; cut++) {
      const stream = new ScriptedStream();
      stream.bytes(line.subarray(0, cut));
      stream.bytes(line.subarray(cut));
      stream.end();
      const { events, error } = await collect(setUp({ body: stream }).client);
      expect(error).toBeUndefined();
      expect(events.map((e) => e.object.metadata.name)).toEqual(['grün-✓']);
    }
  });

  test('ask for bookmarks, and for initial events with the match they need', async () => {
    const { client, transport } = setUp({ body: '' }, { body: '' });
    await collect(client);
    const signal = new AbortController().signal;
    for await (const _ of client.watch(Pod, { sendInitialEvents: true, timeoutSeconds: 300, signal }));
    expect(sent(transport)).toEqual([
      'GET /api/v1/namespaces/ns/configmaps?watch=true&allowWatchBookmarks=true&resourceVersion=5',
      'GET /api/v1/pods?watch=true&allowWatchBookmarks=true&timeoutSeconds=300&sendInitialEvents=true&resourceVersionMatch=NotOlderThan',
    ]);
    expect(transport.requests.map((r: HttpRequest) => r.mode)).toEqual(['stream', 'stream']);
  });

  test('end without an error when the server closes the stream', async () => {
    const stream = new ScriptedStream();
    stream.event({ type: 'BOOKMARK', object: { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: '9' } } });
    stream.end();
    const { events, error } = await collect(setUp({ body: stream }).client);
    expect([events.length, error]).toEqual([1, undefined]);
  });

  test('turn 410 into E_KUBE_EXPIRED, as an answer and as an event', async () => {
    const answered = await collect(setUp(failure(410, 'Expired')).client);
    expect(answered.error?.code).toBe('E_KUBE_EXPIRED');
    const stream = new ScriptedStream();
    stream.event({ type: 'ERROR', object: failure(410, 'Expired').body });
    expect((await collect(setUp({ body: stream }).client)).error?.code).toBe('E_KUBE_EXPIRED');
  });

  test('an unparsable line, an unknown type and a broken-off line end the watch with an error', async () => {
    for (const [text, code] of [
      ['{"type":"ADDED","object"\n', 'E_KUBE_BAD_ANSWER'],
      ['{"type":"RENAMED","object":{"metadata":{}}}\n', 'E_KUBE_BAD_ANSWER'],
      ['{"type":"ADDED","object":{"meta', 'E_KUBE_UNREACHABLE'],
    ] as const) {
      const stream = new ScriptedStream();
      stream.text(text);
      stream.end();
      const { events, error } = await collect(setUp({ body: stream }).client);
      expect([events.length, error?.code]).toEqual([0, code]);
    }
  });

  test('a cut connection is E_KUBE_UNREACHABLE, and an abort ends with its reason', async () => {
    const stream = new ScriptedStream();
    stream.cut();
    expect((await collect(setUp({ body: stream }).client)).error?.code).toBe('E_KUBE_UNREACHABLE');
    const abort = new AbortController();
    const result = collect(setUp({ body: new ScriptedStream() }).client, abort.signal);
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new Error('stopped'));
    expect((await result).error?.message).toBe('stopped');
  });

  test('a silent stream outlives the time-out of its headers', async () => {
    const stream = new ScriptedStream();
    const { client, clock } = setUp({ body: stream });
    const result = collect(client);
    await clock.advance(120_000);
    stream.event({ type: 'ADDED', object: pod('late') });
    stream.end();
    expect((await result).events).toHaveLength(1);
  });
});

describe('logs', () => {
  test('stream bytes with the options asked for', async () => {
    const stream = new ScriptedStream();
    stream.text('one\n');
    stream.text('two\n');
    stream.end();
    const { client, transport } = setUp({ body: stream });
    let text = '';
    for await (const chunk of client.logs('ns', 'p', { container: 'c', follow: true, tailLines: 5 }))
      text += Buffer.from(chunk);
    expect(text).toBe('one\ntwo\n');
    expect(sent(transport)).toEqual(['GET /api/v1/namespaces/ns/pods/p/log?container=c&follow=true&tailLines=5']);
  });

  test('of a missing pod reject with E_KUBE_NOT_FOUND', async () => {
    const { client } = setUp(failure(404, 'NotFound'));
    const read = async (): Promise<void> => {
      for await (const _ of client.logs('ns', 'p'));
    };
    expect((await rejected(read())).code).toBe('E_KUBE_NOT_FOUND');
  });
});
