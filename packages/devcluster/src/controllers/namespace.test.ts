import type { AnyObject } from '@drey/kube';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './test-server.ts';

const NAMESPACES = '/api/v1/namespaces';
const MAPS = `${NAMESPACES}/n/configmaps`;

let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
  await createNamespace();
});

afterEach(() => server.stop());

const createNamespace = (): Promise<AnyObject> => server.send('POST', NAMESPACES, { metadata: { name: 'n' } });
const namespace = (): AnyObject | undefined => server.read('/namespaces', '', 'n');
const map = (name: string): AnyObject | undefined => server.read('/configmaps', 'n', name);

const conditions = (): Record<string, string> => {
  const status = namespace()?.status as { conditions?: { type: string; status: string; message: string }[] };
  return Object.fromEntries(
    (status.conditions ?? []).filter((c) => c.status === 'True').map((c) => [c.type, c.message]),
  );
};

describe('the namespace controller', () => {
  test('empties a namespace and lets it go', async () => {
    await server.send('POST', MAPS, { metadata: { name: 'a' } });
    await server.send('POST', '/apis/coordination.k8s.io/v1/namespaces/n/leases', { metadata: { name: 'l' } });
    await server.send('DELETE', `${NAMESPACES}/n`);
    expect(namespace()?.status).toMatchObject({ phase: 'Terminating' });
    await server.clock.advance(2000);
    expect([namespace(), map('a'), server.read('coordination.k8s.io/leases', 'n', 'l')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(server.failures).toEqual([]);
  });

  test('leaves other namespaces alone', async () => {
    await server.send('POST', `${NAMESPACES}/default/configmaps`, { metadata: { name: 'a' } });
    await server.send('DELETE', `${NAMESPACES}/n`);
    await server.clock.advance(2000);
    expect(server.read('/configmaps', 'default', 'a')).toBeDefined();
  });

  test('says what remains and which finalizers hold it, and goes on when they are gone', async () => {
    await server.send('POST', MAPS, { metadata: { name: 'held', finalizers: ['example.com/held'] } });
    await server.send('DELETE', `${NAMESPACES}/n`);
    await server.clock.advance(2000);
    expect(conditions()).toEqual({
      NamespaceContentRemaining: 'Some resources are remaining: configmaps. has 1 resource instances',
      NamespaceFinalizersRemaining:
        'Some content in the namespace has finalizers remaining: example.com/held in 1 resource instances',
    });
    const { finalizers: _finalizers, ...metadata } = map('held')?.metadata ?? {};
    await server.send('PUT', `${MAPS}/held`, { metadata });
    await server.clock.settle();
    expect(namespace()).toBeUndefined();
  });

  test('does not touch a new namespace of the same name', async () => {
    await server.send('DELETE', `${NAMESPACES}/n`);
    await server.clock.advance(600);
    // Each change of a terminating namespace is another reason to look at it, half a second later than the first.
    const before = namespace();
    await server.send('PUT', `${NAMESPACES}/n`, { ...before, metadata: { ...before?.metadata, labels: { a: 'b' } } });
    await server.clock.advance(600);
    expect(namespace()).toBeUndefined();
    await createNamespace();
    await server.send('POST', MAPS, { metadata: { name: 'new' } });
    await server.clock.advance(5000);
    expect([namespace()?.metadata.deletionTimestamp, map('new')?.metadata.name]).toEqual([undefined, 'new']);
  });

  test('tells of a pass that failed, and tries again', async () => {
    await server.send('POST', MAPS, { metadata: { name: 'a' } });
    await server.send('DELETE', `${NAMESPACES}/n`);
    server.stuck = 'a';
    await server.clock.advance(2000);
    expect(server.failures.length).toBeGreaterThan(0);
    expect(namespace()).toBeDefined();
    server.stuck = undefined;
    await server.clock.advance(60_000);
    expect(namespace()).toBeUndefined();
  });
});
