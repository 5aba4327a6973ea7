import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { showOwnWrites } from './cache/own-writes.ts';
import { Reflector, type ReflectorObserver } from './cache/reflector.ts';
import { keyOf, Store } from './cache/store.ts';
import type { KubeClient } from './client/client.ts';
import { KubeError } from './client/errors.ts';
import { EventRecorder } from './client/events.ts';
import { addFinalizer, removeFinalizer } from './client/finalizers.ts';
import { createKubeClient } from './client/kube-client.ts';
import { loadKubeconfig } from './client/kubeconfig.ts';
import { listAll } from './client/paging.ts';
import type { HttpRequest, Transport } from './client/transport.ts';
import { UndiciTransport } from './client/undici-transport.ts';
import { ConfigMap, CoreEvent, Deployment, Lease, Namespace } from './kinds.ts';
import { type Clock, systemClock, systemRandom } from './runtime/clock.ts';
import { runElector, type Term } from './runtime/elector.ts';
import { runShardElector } from './runtime/shard-elector.ts';

const path = process.env.DREY_TEST_KUBECONFIG;
if (!path) console.log('kube client against a real API server: skipped, DREY_TEST_KUBECONFIG names no kubeconfig');

const ns = `drey-kube-${randomUUID().slice(0, 8)}`;
const clock: Clock = systemClock;

/** Lets a test count requests and cut streams. */
class Tapped implements Transport {
  readonly requests: HttpRequest[] = [];
  readonly #inner: Transport;
  #streams = new AbortController();

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  request(request: HttpRequest) {
    this.requests.push(request);
    if (request.mode === 'call') return this.#inner.request(request);
    const signals = [this.#streams.signal, ...(request.signal ? [request.signal] : [])];
    return this.#inner.request({ ...request, signal: AbortSignal.any(signals) });
  }

  cutStreams(): void {
    this.#streams.abort(new Error('connection reset'));
    this.#streams = new AbortController();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: ns },
  data,
});

const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (e: unknown) => (e instanceof KubeError ? e.code : String(e)),
  );

/** Resolves with the store's content once it satisfies the condition. */
function reached(store: Store<ConfigMap>, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = store.subscribe(() => {
      if (!condition()) return;
      stop();
      resolve();
    });
    if (condition()) {
      stop();
      resolve();
    }
  });
}

describe.skipIf(!path)('kube client against a real API server', () => {
  let transport: Tapped;
  let client: KubeClient;

  beforeAll(async () => {
    const { access } = await loadKubeconfig({ path: path ?? '' });
    transport = new Tapped(new UndiciTransport(access));
    client = createKubeClient({ transport, clock, random: systemRandom });
    await client.create(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns } });
  });

  afterAll(async () => {
    await client.delete(Namespace, undefined, ns);
    await transport.close();
  });

  test('failures are told apart', async () => {
    const made = await client.create(ConfigMap, configMap('a', { x: '1' }));
    expect(await code(client.create(ConfigMap, configMap('a')))).toBe('E_KUBE_ALREADY_EXISTS');
    expect(await code(client.get(ConfigMap, ns, 'nope'))).toBe('E_KUBE_NOT_FOUND');
    await client.replace(ConfigMap, { ...made, data: { x: '2' } });
    expect(await code(client.replace(ConfigMap, { ...made, data: { x: '3' } }))).toBe('E_KUBE_CONFLICT');
    expect(await code(client.create(ConfigMap, configMap('Not A Name')))).toBe('E_KUBE_INVALID');
    expect(await code(client.delete(ConfigMap, ns, 'a', { uid: 'another' }))).toBe('E_KUBE_CONFLICT');
    expect(await code(client.list(ConfigMap, { namespace: ns, labelSelector: '!!' }))).toBe('E_KUBE_REJECTED');
    await client.apply(ConfigMap, configMap('a', { x: 'mine' }), { fieldManager: 'one' });
    expect(
      await code(client.apply(ConfigMap, configMap('a', { x: 'other' }), { fieldManager: 'two', force: false })),
    ).toBe('E_KUBE_CONFLICT');
    await client.create(ConfigMap, configMap('dry'), { dryRun: true });
    expect(await code(client.get(ConfigMap, ns, 'dry'))).toBe('E_KUBE_NOT_FOUND');
    await client.delete(ConfigMap, ns, 'a', { uid: made.metadata.uid ?? '' });
  });

  test('lists page by page and as one', async () => {
    for (let i = 0; i < 7; i++)
      await client.create(ConfigMap, {
        ...configMap(`page-${i}`),
        metadata: { name: `page-${i}`, namespace: ns, labels: { page: 'y' } },
      });
    const all = await listAll(client, ConfigMap, { namespace: ns, labelSelector: 'page=y', limit: 3 });
    expect(all.items.map((i) => `${i.kind} ${i.metadata.name}`)).toEqual(
      Array.from({ length: 7 }, (_, i) => `ConfigMap page-${i}`),
    );
  });

  test('a version that the server has not reached is told by its cause', async () => {
    const ahead = {
      namespace: ns,
      resourceVersion: '99999999999',
      resourceVersionMatch: 'NotOlderThan',
      limit: 1,
    } as const;
    const error: unknown = await client.list(ConfigMap, ahead).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'E_KUBE_TIMEOUT',
      body: { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } },
    });
  });

  test.each(['pages', 'stream'] as const)(
    'a reflector (%s) follows, shows own writes at once, and survives a cut',
    async (initial) => {
      const store = new Store<ConfigMap>({ freeze: true });
      const listed: string[] = [];
      const observer: ReflectorObserver = { listed: (i) => listed.push(i.reason) };
      const abort = new AbortController();
      const own = showOwnWrites(client, (r) => (r.plural === 'configmaps' ? store : undefined));
      const run = new Reflector({
        client,
        resource: ConfigMap,
        feed: store.feed(ns),
        namespace: ns,
        clock,
        random: systemRandom,
        observer,
        initial,
        pageLimit: 3,
      }).run(abort.signal);
      await store.whenSynced(abort.signal);
      const there = (prefix: string): number =>
        store.list(ns).filter((c) => c.metadata.name?.startsWith(prefix)).length;
      expect(there('page-')).toBe(7);
      const made = await own.create(ConfigMap, configMap(`w-${initial}`, { v: '0' }));
      expect(store.getByKey(keyOf(made))?.data).toEqual({ v: '0' });
      for (let i = 0; i < 20; i++) await client.create(ConfigMap, configMap(`${initial}-${i}`));
      await reached(store, () => there(`${initial}-`) === 20);
      transport.cutStreams();
      for (let i = 0; i < 20; i += 2) await client.delete(ConfigMap, ns, `${initial}-${i}`);
      for (let i = 1; i < 20; i += 2)
        await client.patch(ConfigMap, ns, `${initial}-${i}`, 'merge', { data: { n: String(i) } });
      await reached(store, () => there(`${initial}-`) === 10 && store.get(ns, `${initial}-19`)?.data?.n === '19');
      const server = await client.list(ConfigMap, { namespace: ns });
      const versions = (
        items: readonly { readonly metadata: { readonly name?: string; readonly resourceVersion?: string } }[],
      ): string[] => items.map((i) => `${i.metadata.name}@${i.metadata.resourceVersion}`).sort();
      expect(versions(store.list(ns))).toEqual(versions(server.items));
      expect(store.list(ns).every((c) => c.metadata.managedFields === undefined)).toBe(true);
      expect([listed, store.pendingWrites]).toEqual([['start'], 0]);
      abort.abort();
      await run;
    },
  );

  test('finalizers are tested and changed one at a time', async () => {
    const made = await client.create(ConfigMap, configMap('fin'));
    const one = await addFinalizer(client, ConfigMap, made, 'drey.test/one');
    expect(await code(addFinalizer(client, ConfigMap, made, 'drey.test/two'))).toBe('E_KUBE_CONFLICT');
    const stale = { ...made, metadata: { ...made.metadata, finalizers: ['drey.test/one'] } };
    expect(await code(addFinalizer(client, ConfigMap, stale, 'drey.test/two', { exact: true }))).toBe(
      'E_KUBE_CONFLICT',
    );
    expect(await code(addFinalizer(client, ConfigMap, one ?? made, 'not a name'))).toBe('E_KUBE_INVALID');
    const two = await addFinalizer(client, ConfigMap, one ?? made, 'drey.test/two');
    expect(two?.metadata.finalizers).toEqual(['drey.test/one', 'drey.test/two']);
    await client.delete(ConfigMap, ns, 'fin');
    expect(await code(removeFinalizer(client, ConfigMap, one ?? made, 'drey.test/two'))).toBe('no error');
    const rest = await removeFinalizer(client, ConfigMap, two ?? made, 'drey.test/one');
    expect(rest?.metadata.finalizers ?? []).toEqual(['drey.test/two']);
    await removeFinalizer(client, ConfigMap, rest ?? made, 'drey.test/two');
    expect(await code(client.get(ConfigMap, ns, 'fin'))).toBe('E_KUBE_NOT_FOUND');
  });

  test('an apply puts back what others changed and keeps what they added', async () => {
    const labels = { app: 'x' };
    const intent: Deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', namespace: ns },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: [
              {
                name: 'main',
                image: 'i',
                ports: [{ containerPort: 80 }],
                resources: { limits: { cpu: '1000m', memory: '1024Mi' } },
              },
            ],
          },
        },
      },
    };
    const options = { fieldManager: 'drey', force: true };
    await client.apply(Deployment, intent, options);
    const edits = { metadata: { annotations: { a: 'b' } }, spec: { replicas: 3 } };
    await client.patch(Deployment, ns, 'd', 'merge', edits);
    const repaired = await client.apply(Deployment, intent, options);
    expect(repaired.spec?.replicas).toBe(0);
    expect(repaired.metadata.annotations).toMatchObject({ a: 'b' });
  });

  test('events are counted, also by another recorder', async () => {
    const about = await client.create(ConfigMap, configMap('subject'));
    for (const message of ['first', 'second']) {
      const recorder = new EventRecorder({ client, clock });
      recorder.record({
        regarding: about,
        type: 'Warning',
        reason: 'Test',
        message,
        component: 'Tester',
        name: 'Tester.1',
      });
      await recorder.flush();
    }
    const event = await client.get(CoreEvent, ns, 'Tester.1');
    expect([event.count, event.message, event.involvedObject.name]).toEqual([2, 'second', 'subject']);
  });

  test('one elector leads, gives the Lease back, and the next one leads with a higher epoch', async () => {
    const lead = async (identity: string): Promise<{ epoch: number; outcome: string }> => {
      const stop = new AbortController();
      let epoch = -1;
      const outcome = await runElector(
        {
          client,
          clock,
          random: systemRandom,
          namespace: ns,
          name: 'elector',
          identity,
          retryMs: 50,
          lead: (term) => {
            epoch = term.epoch;
            stop.abort();
            return Promise.resolve();
          },
        },
        stop.signal,
      );
      return { epoch, outcome };
    };
    // A new Lease begins to count with the time, so that a deleted one does not begin anew.
    const first = Math.floor(clock.now() / 1000);
    const one = await lead('one');
    expect(one).toEqual({ epoch: expect.any(Number), outcome: 'stopped' });
    expect(one.epoch).toBeGreaterThanOrEqual(first);
    expect(await lead('two')).toEqual({ epoch: one.epoch + 1, outcome: 'stopped' });
    const lease = await client.get(Lease, ns, 'elector');
    expect([lease.spec?.holderIdentity ?? '', lease.spec?.leaseTransitions]).toEqual(['', one.epoch + 1]);
  });

  test('two share the shards of one Lease, and the one that is left takes all of them', async () => {
    const works = new Map<string, Set<number>>();
    const join = (identity: string): { stop: AbortController; ended: Promise<string> } => {
      const stop = new AbortController();
      const mine = new Set<number>();
      works.set(identity, mine);
      const lead = async (shard: number, { signal }: Term): Promise<void> => {
        // Nobody else works on it.
        expect([...works.values()].some((others) => others.has(shard))).toBe(false);
        mine.add(shard);
        if (!signal.aborted)
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        mine.delete(shard);
      };
      const of = { client, clock, random: systemRandom, namespace: ns, name: 'shards', identity };
      return {
        stop,
        ended: runShardElector({ ...of, shards: 5, annotation: 'example.com/shards', retryMs: 50, lead }, stop.signal),
      };
    };
    const [one, two] = [join('one'), join('two')];
    const shares = (): number[] => [...works.values()].map(({ size }) => size).sort();
    await expect.poll(shares, { timeout: 10_000 }).toEqual([2, 3]);
    two.stop.abort();
    expect(await two.ended).toBe('stopped');
    await expect.poll(shares, { timeout: 10_000 }).toEqual([0, 5]);
    one.stop.abort();
    expect(await one.ended).toBe('stopped');
    const lease = await client.get(Lease, ns, 'shards');
    expect(lease.spec?.holderIdentity ?? '').toBe('');
  });
});
