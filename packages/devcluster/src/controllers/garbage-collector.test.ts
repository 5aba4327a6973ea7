import type { AnyObject } from '@drey/kube';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './test-server.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';

let server: TestServer;

beforeEach(async () => {
  server = await startTestServer();
});

afterEach(() => server.stop());

interface Owned {
  readonly owners?: readonly AnyObject[];
  readonly blocks?: boolean;
  readonly finalizers?: readonly string[];
}

function create(name: string, { owners = [], blocks = false, finalizers = [] }: Owned = {}): Promise<AnyObject> {
  const ownerReferences = owners.map(({ metadata: { name, uid } }) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name,
    uid,
    ...(blocks ? { blockOwnerDeletion: true } : {}),
  }));
  return server.send('POST', MAPS, { metadata: { name, ownerReferences, finalizers } });
}

const remove = (name: string, propagationPolicy: string): Promise<AnyObject> =>
  server.send('DELETE', `${MAPS}/${name}`, { propagationPolicy });

const read = (name: string): AnyObject | undefined => server.read('/configmaps', 'default', name);

const there = (...names: string[]): string[] => names.filter((name) => read(name) !== undefined);

/** Takes the finalizers off. */
async function release(name: string): Promise<void> {
  const { finalizers: _finalizers, ...metadata } = read(name)?.metadata ?? {};
  await server.send('PUT', `${MAPS}/${name}`, { metadata });
}

describe('the garbage collector', () => {
  test('deletes dependents after their owner, and their dependents', async () => {
    const owner = await create('owner');
    await create('grandchild', { owners: [await create('child', { owners: [owner] })] });
    await create('stranger');
    await remove('owner', 'Background');
    await server.clock.settle();
    expect(there('owner', 'child', 'grandchild', 'stranger')).toEqual(['stranger']);
  });

  test('keeps what another owner keeps, and drops the reference to the one that is gone', async () => {
    const [first, second] = [await create('first'), await create('second')];
    await create('child', { owners: [first, second] });
    await remove('first', 'Background');
    await server.clock.settle();
    expect(read('child')?.metadata.ownerReferences?.map(({ name }) => name)).toEqual(['second']);
  });

  test('deletes what names an owner that is not there, also when the name is taken by another', async () => {
    const owner = await create('owner');
    await create('lost', { owners: [{ ...owner, metadata: { ...owner.metadata, name: 'nobody' } }] });
    await create('deceived', { owners: [{ ...owner, metadata: { ...owner.metadata, uid: 'another' } }] });
    await server.clock.settle();
    expect(there('owner', 'lost', 'deceived')).toEqual(['owner']);
  });

  test('does not take an unknown kind for a proof that the owner is gone', async () => {
    const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'x', uid: 'u' }];
    await server.send('POST', MAPS, { metadata: { name: 'child', ownerReferences } });
    await server.clock.advance(60_000);
    expect(there('child')).toEqual(['child']);
  });

  test('orphans dependents before it lets their owner go', async () => {
    const owner = await create('owner');
    await create('child', { owners: [owner] });
    await remove('owner', 'Orphan');
    await server.clock.settle();
    expect(there('owner', 'child')).toEqual(['child']);
    expect(read('child')?.metadata.ownerReferences).toBeUndefined();
  });

  test('in the foreground, waits for dependents that block their owner', async () => {
    const owner = await create('owner');
    await create('child', { owners: [owner], blocks: true, finalizers: ['example.com/held'] });
    await remove('owner', 'Foreground');
    await server.clock.settle();
    expect(read('owner')?.metadata.finalizers).toEqual(['foregroundDeletion']);
    expect(read('child')?.metadata.deletionTimestamp).toBeDefined();
    await release('child');
    await server.clock.settle();
    expect(there('owner', 'child')).toEqual([]);
  });

  test('in the foreground, does not wait for dependents that do not block', async () => {
    const owner = await create('owner');
    await create('child', { owners: [owner], finalizers: ['example.com/held'] });
    await remove('owner', 'Foreground');
    await server.clock.settle();
    expect(there('owner', 'child')).toEqual(['child']);
    expect(read('child')?.metadata.deletionTimestamp).toBeDefined();
  });

  test('tells of a pass that failed, and tries again', async () => {
    const owner = await create('owner');
    await create('child', { owners: [owner] });
    server.stuck = 'child';
    await remove('owner', 'Background');
    await server.clock.settle();
    expect(there('owner', 'child')).toEqual(['child']);
    expect(server.failures.length).toBeGreaterThan(0);
    server.stuck = undefined;
    await server.clock.advance(60_000);
    expect(there('child')).toEqual([]);
  });
});
