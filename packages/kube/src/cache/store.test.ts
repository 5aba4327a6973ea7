import { describe, expect, test } from 'vitest';
import type { KubeClient } from '../client/client.ts';
import { createKubeClient } from '../client/kube-client.ts';
import { Deployment, Pod } from '../kinds.ts';
import { FakeTransport, SeededRandom, VirtualClock } from '../testing/index.ts';
import { controllerUid, labelValue } from './indexes.ts';
import { showOwnWrites } from './own-writes.ts';
import { type Change, keyOf, Store } from './store.ts';
import { compareVersions, newerVersion } from './version.ts';

const pod = (name: string, version: string, more: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ns', uid: `uid-${name}`, resourceVersion: version, ...more },
});

const heard = (store: Store<Pod>): string[] => {
  const log: string[] = [];
  store.subscribe((c: Change<Pod>) =>
    log.push(`${c.own ? 'own ' : ''}${c.type} ${c.object.metadata.name}@${c.object.metadata.resourceVersion}`),
  );
  return log;
};

const version = (store: Store<Pod>, name: string): string | undefined =>
  store.get('ns', name)?.metadata.resourceVersion;

describe('versions', () => {
  test('are compared as numbers of any length, and not at all when they are none', () => {
    expect(compareVersions('9', '10')).toBeLessThan(0);
    expect(compareVersions('123456789012345678901', '123456789012345678900')).toBeGreaterThan(0);
    expect(compareVersions('abc', 'abc')).toBe(0);
    expect(compareVersions('abc', '1')).toBeUndefined();
    expect(compareVersions(undefined, '1')).toBeUndefined();
    expect(compareVersions('0', '1')).toBeUndefined();
    expect([
      newerVersion('5', '6'),
      newerVersion('6', '5'),
      newerVersion('x', '5'),
      newerVersion('5', undefined),
    ]).toEqual(['6', '6', '5', '5']);
  });
});

describe('Store', () => {
  test('shows an own write at once, tells it once, and recognises its echo', () => {
    const store = new Store<Pod>();
    const feed = store.feed();
    feed.replace([pod('a', '1')], '5');
    const log = heard(store);
    store.written(pod('a', '8'));
    expect([version(store, 'a'), store.pendingWrites]).toEqual(['8', 1]);
    store.written(pod('a', '9'));
    feed.observe('MODIFIED', pod('a', '8'));
    expect(version(store, 'a')).toBe('9');
    feed.observe('MODIFIED', pod('a', '9'));
    feed.observe('MODIFIED', pod('a', '10'));
    expect(log).toEqual(['own modified a@8', 'own modified a@9', 'modified a@10']);
    expect(store.pendingWrites).toBe(0);
  });

  test('does not wait for a scope that was skipped, and takes what it brings later', async () => {
    const store = new Store<Pod>();
    const [readable, refused] = [store.feed('ns'), store.feed('other')];
    readable.replace([pod('a', '1')], '5');
    expect(store.synced).toBe(false);
    const waited = store.whenSynced(new AbortController().signal);
    refused.skip();
    await waited;
    refused.replace([pod('b', '6', { namespace: 'other' })], '7');
    expect(store.get('other', 'b')?.metadata.resourceVersion).toBe('6');
  });

  test('lets go of a scope that was dropped: its objects leave, and what it still delivers changes nothing', () => {
    const store = new Store<Pod>();
    const [kept, dropped] = [store.feed('ns'), store.feed('other')];
    kept.replace([pod('a', '1')], '5');
    dropped.replace([pod('b', '2', { namespace: 'other' })], '5');
    const log = heard(store);
    store.drop('other');
    dropped.observe('ADDED', pod('c', '8', { namespace: 'other' }));
    dropped.replace([pod('c', '8', { namespace: 'other' })], '9');
    expect(log).toEqual(['deleted b@2']);
    expect(store.list().map((object) => object.metadata.name)).toEqual(['a']);
  });

  test('keeps what another scope covers when one is dropped', () => {
    const store = new Store<Pod>();
    store.feed().replace([pod('a', '1'), pod('b', '2', { namespace: 'other' })], '5');
    store.feed('ns').replace([pod('a', '1')], '5');
    store.drop();
    expect(store.list().map((object) => object.metadata.name)).toEqual(['a']);
  });

  test('copies an own answer but shares values that are no plain JSON', () => {
    class Exact {
      readonly text = '9007199254740993';
    }
    const store = new Store<Pod>();
    store.feed().replace([], '1');
    const exact = new Exact();
    store.written({ ...pod('a', '8'), spec: { nonce: exact } as never });
    expect((store.get('ns', 'a') as unknown as { spec: { nonce: Exact } }).spec.nonce).toBe(exact);
  });

  test('tells those who ignore own writes when one contains the change of somebody else', () => {
    const store = new Store<Pod>();
    const feed = store.feed();
    feed.replace([pod('a', '1'), pod('b', '2'), pod('c', '3')], '5');
    const log = heard(store);
    for (const name of ['a', 'b', 'c']) store.written(pod(name, name === 'a' ? '8' : '9'));
    feed.observe('MODIFIED', pod('a', '7'));
    feed.observe('MODIFIED', pod('a', '8'));
    feed.replace([pod('a', '8'), pod('b', '9'), pod('c', '3')], '9');
    expect(log.slice(3)).toEqual(['modified a@8', 'modified b@9', 'modified c@3']);
    store.written(pod('c', '12'));
    feed.replace([pod('a', '8'), pod('b', '9'), pod('c', '10')], '11');
    expect([version(store, 'c'), log.slice(6)]).toEqual(['12', ['own modified c@12', 'modified c@12']]);
  });

  test('shows a fresh read at once, as the change of others, and once', () => {
    const store = new Store<Pod>();
    const feed = store.feed();
    feed.replace([pod('a', '1')], '5');
    const log = heard(store);
    store.refreshed(pod('a', '8'));
    store.refreshed(pod('a', '7'));
    feed.observe('MODIFIED', pod('a', '8'));
    expect([version(store, 'a'), log, store.pendingWrites]).toEqual(['8', ['modified a@8'], 0]);
  });

  test('a late answer brings back neither an older object nor a deleted one', () => {
    const store = new Store<Pod>();
    const feed = store.feed();
    feed.replace([pod('a', '1'), pod('b', '2')], '5');
    feed.observe('MODIFIED', pod('a', '9'));
    feed.observe('DELETED', pod('b', '10'));
    const log = heard(store);
    store.written(pod('a', '8'));
    store.written(pod('b', '7'));
    expect([version(store, 'a'), version(store, 'b'), log]).toEqual(['9', undefined, []]);
  });

  test('a late event does not bring back what is older', () => {
    const store = new Store<Pod>();
    const feed = store.feed();
    feed.replace([pod('a', '9')], '9');
    const log = heard(store);
    feed.observe('MODIFIED', pod('a', '8'));
    feed.observe('DELETED', pod('a', '7'));
    expect([version(store, 'a'), log]).toEqual(['9', []]);
  });

  test('takes back an own write that the watch has passed without showing it', () => {
    const store = new Store<Pod>();
    const feed = store.feed();
    feed.replace([pod('a', '1')], '5');
    const log = heard(store);
    store.written(pod('elsewhere', '7'));
    store.written(pod('a', '8'));
    feed.observe('MODIFIED', pod('a', '6'));
    feed.progress('7');
    expect(store.get('ns', 'elsewhere')).toBeUndefined();
    expect(version(store, 'a')).toBe('8');
    feed.progress('8');
    expect(version(store, 'a')).toBe('6');
    expect(log).toEqual([
      'own added elsewhere@7',
      'own modified a@8',
      'modified a@8',
      'deleted elsewhere@7',
      'modified a@6',
    ]);
  });

  test('ignores own writes before the first list, outside of its scopes, and without comparable versions', () => {
    const store = new Store<Pod>();
    store.written(pod('a', '3'));
    const feed = store.feed('ns');
    feed.replace([], 'abc');
    store.written(pod('a', '3'));
    feed.replace([], '2');
    store.written(pod('a', '3', { namespace: 'other' }));
    expect(store.size).toBe(0);
    store.written(pod('a', '3'));
    expect(store.size).toBe(1);
  });

  test('a relist keeps own writes that are newer than it, and drops the others', () => {
    const store = new Store<Pod>();
    const feed = store.feed();
    feed.replace([], '5');
    store.written(pod('new', '9'));
    store.written(pod('seen', '7'));
    feed.replace([pod('seen', '7'), pod('x', '6')], '8');
    expect([version(store, 'new'), version(store, 'seen'), version(store, 'x')]).toEqual(['9', '7', '6']);
    feed.replace([], '10');
    expect(store.size).toBe(0);
  });

  test('feeds of several namespaces do not touch each other, and all of them make it synced', async () => {
    const store = new Store<Pod>();
    const [one, two] = [store.feed('one'), store.feed('two')];
    expect(store.feed('one')).toBe(one);
    let synced = false;
    const waiting = store.whenSynced(new AbortController().signal).then(() => {
      synced = true;
    });
    one.replace([pod('a', '1', { namespace: 'one' })], '1');
    await Promise.resolve();
    expect([store.synced, synced]).toEqual([false, false]);
    two.replace([pod('b', '2', { namespace: 'two' })], '2');
    await waiting;
    one.replace([], '3');
    expect([store.list().map(keyOf), store.list('one'), store.list('two').length]).toEqual([['two/b'], [], 1]);
    const abort = new AbortController();
    const never = new Store<Pod>().whenSynced(abort.signal);
    abort.abort(new Error('enough'));
    await expect(never).rejects.toThrow('enough');
  });

  test('a recreated object replaces its namesake even at the same version', () => {
    const store = new Store<Pod>();
    const feed = store.feed();
    feed.replace([pod('a', '1')], '1');
    const log = heard(store);
    feed.observe('ADDED', pod('a', '1', { uid: 'second' }));
    expect(log).toEqual(['modified a@1']);
  });

  test('indexes follow every change of the view', () => {
    const store = new Store<Pod, 'owner' | 'app'>({ indexers: { owner: controllerUid, app: labelValue('app') } });
    const feed = store.feed();
    const owner = (uid: string) => ({
      ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid, controller: true }],
    });
    const names = (index: 'owner' | 'app', value: string): (string | undefined)[] =>
      store.byIndex(index, value).map((p) => p.metadata.name);
    feed.replace([pod('a', '1', owner('u1')), pod('b', '2', { ...owner('u1'), labels: { app: 'x' } })], '5');
    expect([names('owner', 'u1'), names('app', 'x'), names('app', 'ns/x')]).toEqual([['a', 'b'], ['b'], ['b']]);
    feed.observe('MODIFIED', pod('a', '6', { ...owner('u2'), labels: { app: 'x' } }));
    expect([names('owner', 'u1'), names('owner', 'u2'), names('app', 'x')]).toEqual([['b'], ['a'], ['b', 'a']]);
    store.written(pod('b', '7', { labels: { app: 'y' } }));
    expect([names('owner', 'u1'), names('app', 'y'), names('app', 'x')]).toEqual([[], ['b'], ['a']]);
    feed.observe('DELETED', pod('a', '8'));
    expect([names('owner', 'u2'), names('app', 'x'), names('app', 'nothing')]).toEqual([[], [], []]);
  });

  test('drops managedFields and what the transform drops, also from own writes, and leaves the argument alone', () => {
    const store = new Store<Pod>({
      transform: (p) => {
        delete p.status;
        return p;
      },
    });
    store.feed().replace([], '1');
    const answer = { ...pod('a', '2', { managedFields: [{ manager: 'm' }] }), status: { phase: 'Running' as const } };
    store.written(answer);
    expect(store.get('ns', 'a')).toEqual(pod('a', '2'));
    expect(answer.status.phase).toBe('Running');
    expect(answer.metadata.managedFields).toHaveLength(1);
  });

  test('a listener that throws does not keep the others from hearing', () => {
    const faults: unknown[] = [];
    const store = new Store<Pod>({ onFault: (e) => faults.push(e) });
    store.subscribe(() => {
      throw new Error('mine');
    });
    const log = heard(store);
    store.feed().replace([pod('a', '1')], '1');
    expect([log, faults.length]).toEqual([['added a@1'], 1]);
  });

  test('replays what is there to a late listener, until it stops listening', () => {
    const store = new Store<Pod>();
    const feed = store.feed();
    feed.replace([pod('a', '1')], '1');
    const log: string[] = [];
    const stop = store.subscribe((c) => log.push(c.type), { replay: true });
    stop();
    feed.observe('DELETED', pod('a', '2'));
    expect(log).toEqual(['added']);
  });
});

describe('showOwnWrites', () => {
  test('shows answers of writes, but not of dry runs, other kinds, or reads', async () => {
    const transport = new FakeTransport(({ path }) => ({
      body: path.includes('/scale')
        ? { ...pod('a', '99'), kind: 'Scale' }
        : pod('a', String(10 + transport.requests.length)),
    }));
    const store = new Store<Pod>();
    store.feed().replace([], '1');
    const plain = createKubeClient({ transport, clock: new VirtualClock(), random: new SeededRandom(1) });
    const client: KubeClient = showOwnWrites(plain, (r) => (r.plural === 'pods' ? store : undefined));
    const seen: (string | undefined)[] = [];
    const see = (): number => seen.push(version(store, 'a'));
    await client.get(Pod, 'ns', 'a');
    see();
    await client.create(Pod, pod('a', ''), { dryRun: true });
    see();
    await client.create(Pod, pod('a', ''));
    see();
    await client.replace(Pod, pod('a', ''), { subresource: 'scale' });
    see();
    await client.patch(Pod, 'ns', 'a', 'merge', {});
    see();
    await client.apply(Pod, pod('a', ''), { fieldManager: 'm' });
    see();
    await client.replace(Pod, pod('a', ''));
    see();
    await client.create(Deployment, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', namespace: 'ns' },
    });
    see();
    expect(seen).toEqual([undefined, undefined, '13', '13', '15', '16', '17', '17']);
  });
});
