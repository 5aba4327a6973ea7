import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type ApiResponse, type ApiServer, createApiServer, ObjectStore } from './index.ts';
import { storeError } from './storage/index.ts';

const USER = { name: 'admin', groups: ['system:masters'] };

let clock: VirtualClock;
let server: ApiServer;
let faults: unknown[];

interface Call {
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

function send(method: string, target: string, { body, headers = {} }: Call = {}): Promise<ApiResponse> {
  const [path = '', query = ''] = target.split('?');
  return server.handle({
    method,
    path,
    query: new URLSearchParams(query),
    headers,
    body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
    user: USER,
    signal: new AbortController().signal,
  });
}

// biome-ignore lint/suspicious/noExplicitAny: answers are read field by field
async function answer(method: string, target: string, call?: Call): Promise<any> {
  const response = await send(method, target, call);
  return { code: response.status, ...JSON.parse(Buffer.from(response.body as Uint8Array).toString()) };
}

function create(plural: string, body: unknown): ReturnType<typeof answer> {
  return answer('POST', `/api/v1/namespaces/n/${plural}`, { body });
}

const MERGE = { 'content-type': 'application/merge-patch+json' };

function pod(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { metadata: { name }, spec: { containers: [{ name: 'c', image: 'x' }], ...more } };
}

beforeEach(async () => {
  clock = new VirtualClock();
  faults = [];
  server = createApiServer({
    store: new ObjectStore({ clock }),
    clock,
    random: new SeededRandom(1),
    onFault: (error) => faults.push(error),
  });
  await answer('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } });
});

describe('the API server', () => {
  it('is a function of its clock and its random source', async () => {
    const first = await create('configmaps', { metadata: { generateName: 'x-' } });
    const other = createApiServer({ store: new ObjectStore({ clock }), clock, random: new SeededRandom(1) });
    server = other;
    await answer('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } });
    expect(await create('configmaps', { metadata: { generateName: 'x-' } })).toEqual(first);
  });

  it('writes nothing when nothing changes, however often and at whatever time it is asked', async () => {
    const made = await create('pods', pod('p'));
    await clock.advance(5000);
    const same = await answer('PUT', '/api/v1/namespaces/n/pods/p', { body: pod('p') });
    const patched = await answer('PATCH', '/api/v1/namespaces/n/pods/p', { body: {}, headers: MERGE });
    expect([same.metadata.resourceVersion, patched.metadata.resourceVersion]).toEqual([
      made.metadata.resourceVersion,
      made.metadata.resourceVersion,
    ]);
  });

  it('warns also where it refuses', async () => {
    const body = { metadata: { name: 'c' }, bogus: 1 };
    const warnings: unknown[] = [];
    for (let i = 0; i < 2; i++)
      warnings.push((await send('POST', '/api/v1/namespaces/n/configmaps', { body })).warnings);
    expect(warnings).toEqual([['unknown field "bogus"'], ['unknown field "bogus"']]);
  });

  it('never changes what it handed out or stored when a later write is refused', async () => {
    await create('pods', pod('p'));
    const before = JSON.stringify(await answer('GET', '/api/v1/namespaces/n/pods/p'));
    const refused = await answer('PATCH', '/api/v1/namespaces/n/pods/p', {
      body: { metadata: { labels: { a: 'b' } }, spec: { restartPolicy: 'Never' } },
      headers: MERGE,
    });
    expect(refused.code).toBe(422);
    expect(JSON.stringify(await answer('GET', '/api/v1/namespaces/n/pods/p'))).toBe(before);
  });

  it('answers 507 with the code and the next step while the disk is full, and reads on', async () => {
    const disk = { full: false };
    const write = (): void => {
      if (disk.full) throw storeError(Object.assign(new Error('no space'), { code: 'ENOSPC' }), '/data/objects.sqlite');
    };
    const backend = { load: () => ({ revision: 1, records: [] }), put: write, remove: write, close: () => undefined };
    const store = new ObjectStore({ clock, backend });
    server = createApiServer({ store, clock, random: new SeededRandom(1), onFault: (error) => faults.push(error) });
    await answer('POST', '/api/v1/namespaces', { body: { metadata: { name: 'n' } } });
    const made = await create('configmaps', { metadata: { name: 'c' } });
    disk.full = true;
    const refused = [
      await create('configmaps', { metadata: { name: 'd' } }),
      await answer('DELETE', '/api/v1/namespaces/n/configmaps/c'),
    ];
    for (const one of refused) {
      expect(one).toMatchObject({ code: 507, kind: 'Status', status: 'Failure', reason: 'InsufficientStorage' });
      expect(one.message).toMatch(/^E_STORE_FULL: .* is full, and nothing was written\. Free some space/);
    }
    const list = await answer('GET', '/api/v1/namespaces/n/configmaps');
    expect(list.items.map((one: { metadata: unknown }) => one.metadata)).toEqual([made.metadata]);
    disk.full = false;
    expect((await create('configmaps', { metadata: { name: 'd' } })).code).toBe(201);
  });

  it('lets only one of two writers win when both know the same version', async () => {
    const made = await create('configmaps', { metadata: { name: 'c' }, data: { a: '1' } });
    const write = (value: string): ReturnType<typeof answer> =>
      answer('PUT', '/api/v1/namespaces/n/configmaps/c', {
        body: { metadata: { name: 'c', resourceVersion: made.metadata.resourceVersion }, data: { a: value } },
      });
    const codes = (await Promise.all([write('2'), write('3')])).map(({ code }) => code).sort();
    expect(codes).toEqual([200, 409]);
  });

  it('gives each Service an address of its own, and the address back when the Service goes', async () => {
    const first = await create('services', { metadata: { name: 'a' }, spec: { ports: [{ port: 80 }] } });
    const asked = { clusterIP: first.spec.clusterIP, ports: [{ port: 80 }] };
    const taken = await create('services', { metadata: { name: 'b' }, spec: asked });
    expect(taken.message).toContain('provided IP is already allocated');
    await answer('DELETE', '/api/v1/namespaces/n/services/a');
    expect((await create('services', { metadata: { name: 'b' }, spec: asked })).spec.clusterIP).toBe(
      first.spec.clusterIP,
    );
    const dry = await answer('POST', '/api/v1/namespaces/n/services?dryRun=All', {
      body: { metadata: { name: 'd' }, spec: { ports: [{ port: 80 }] } },
    });
    const kept = { clusterIP: dry.spec.clusterIP, ports: [{ port: 80 }] };
    expect((await create('services', { metadata: { name: 'e' }, spec: kept })).code).toBe(201);
  });

  it('ends a watch at its time, after what was seen until then', async () => {
    await create('configmaps', { metadata: { name: 'c' } });
    const response = await send('GET', '/api/v1/configmaps?watch=true&timeoutSeconds=30');
    const text = readAll(response);
    await create('configmaps', { metadata: { name: 'd' } });
    await clock.advance(30_000);
    const events = (await text)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual(['ADDED c', 'ADDED d']);
  });

  it('waits for a version that is not there yet, then says so', async () => {
    const reading = answer('GET', '/api/v1/configmaps?resourceVersion=1000');
    await clock.advance(3_000);
    expect(await reading).toMatchObject({ code: 504, reason: 'Timeout' });
    const other = answer('GET', '/api/v1/configmaps?resourceVersion=4');
    await create('configmaps', { metadata: { name: 'c' } });
    await create('configmaps', { metadata: { name: 'd' } });
    await clock.advance(10);
    expect((await other).code).toBe(200);
  });

  it('answers faults with a 500 and tells its owner', async () => {
    const broken = createApiServer({
      store: new ObjectStore({ clock }),
      clock,
      random: new SeededRandom(1),
      plugins: () => ({
        authorizer: () => {
          throw new Error('broken');
        },
      }),
      onFault: (error) => faults.push(error),
    });
    server = broken;
    expect(await answer('GET', '/api/v1/pods')).toMatchObject({ code: 500, reason: 'InternalError' });
    expect(String(faults[0])).toContain('broken');
  });
});

async function readAll(response: ApiResponse): Promise<string> {
  let text = '';
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString();
  return text;
}
