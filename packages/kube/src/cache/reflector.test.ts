import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKubeClient } from '../client/kube-client.ts';
import { Pod } from '../kinds.ts';
import { SeededRandom, VirtualClock } from '../testing/index.ts';
import { failure, ModelServer } from '../testing/model-server.ts';
import { Reflector, type ReflectorObserver } from './reflector.ts';
import { keyOf, Store } from './store.ts';
import { compareVersions, newerVersion } from './version.ts';

interface Rig {
  readonly server: ModelServer;
  readonly clock: VirtualClock;
  readonly store: Store<Pod>;
  readonly stop: () => Promise<void>;
  readonly log: string[];
}

function start(
  options: { initial?: 'pages' | 'stream'; pageLimit?: number; seed?: number; observer?: ReflectorObserver } = {},
  server = new ModelServer(),
): Rig {
  const clock = new VirtualClock();
  const random = new SeededRandom(options.seed ?? 1);
  const client = createKubeClient({ transport: server.transport, clock, random });
  const store = new Store<Pod>({ freeze: true });
  const log: string[] = [];
  const observer: ReflectorObserver = {
    listed: (i) => log.push(`listed ${i.reason} ${i.objects}`),
    failed: (e, retryMs) => log.push(`failed ${e.code} ${retryMs === 0 ? 'now' : 'later'}`),
  };
  const abort = new AbortController();
  const { seed: _, ...rest } = options;
  const reflector = new Reflector({ client, resource: Pod, feed: store.feed(), clock, random, observer, ...rest });
  const run = reflector.run(abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await run;
  };
  return { server, clock, store, stop, log };
}

const names = (store: Store<Pod>): string[] =>
  store
    .list()
    .map((p) => p.metadata.name ?? '')
    .sort();

describe('Reflector', () => {
  test('lists from the cache first, pages on, then watches from the version of the list', async () => {
    const server = new ModelServer();
    for (const n of ['a', 'b', 'c']) server.put(n);
    const rig = start({}, server);
    await rig.clock.settle();
    expect(names(rig.store)).toEqual(['a', 'b', 'c']);
    expect(server.transport.requests.map((r) => r.path.replace(/timeoutSeconds=\d+/, 'timeoutSeconds=T'))).toEqual([
      '/api/v1/pods?limit=500&resourceVersion=0',
      '/api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=103&timeoutSeconds=T',
    ]);
    server.put('d');
    server.remove('a');
    server.deliver();
    await rig.clock.settle();
    expect(names(rig.store)).toEqual(['b', 'c', 'd']);
    expect(rig.store.get('ns', 'd')?.metadata.managedFields).toBeUndefined();
    await rig.stop();
    expect(rig.clock.pending).toBe(0);
  });

  test('takes the initial list from the stream, and falls back to pages where the server refuses', async () => {
    for (const streams of [true, false]) {
      const server = new ModelServer();
      server.streamsLists = streams;
      server.put('a');
      const rig = start({ initial: 'stream' }, server);
      await rig.clock.settle();
      expect(names(rig.store)).toEqual(['a']);
      expect(server.lists).toBe(streams ? 0 : 1);
      expect(rig.store.synced).toBe(true);
      server.put('b');
      server.deliver();
      await rig.clock.settle();
      expect(names(rig.store)).toEqual(['a', 'b']);
      await rig.stop();
    }
  });

  test('resumes from a bookmark after a cut, without a new list', async () => {
    const rig = start();
    await rig.clock.settle();
    rig.server.skip(50);
    rig.server.bookmark();
    await rig.clock.settle();
    rig.server.compact();
    rig.server.cut('reset');
    rig.server.put('x');
    await rig.clock.until(() => rig.server.openWatches === 1);
    rig.server.deliver();
    await rig.clock.settle();
    expect(names(rig.store)).toEqual(['x']);
    expect(rig.server.lists).toBe(1);
    await rig.stop();
  });

  test('lists again at once when history is gone, and reports what vanished meanwhile', async () => {
    const server = new ModelServer();
    server.put('a');
    const rig = start({}, server);
    await rig.clock.settle();
    const changes: string[] = [];
    rig.store.subscribe((c) => changes.push(`${c.type} ${c.object.metadata.name} of ${rig.store.size}`));
    rig.server.cut('close');
    server.remove('a');
    server.put('b');
    server.compact();
    await rig.clock.until(() => names(rig.store).includes('b'));
    expect(changes).toEqual(['deleted a of 1', 'added b of 1']);
    expect(rig.log).toEqual([
      'listed start 1',
      'failed E_KUBE_UNREACHABLE later',
      'failed E_KUBE_EXPIRED later',
      'listed expired 1',
    ]);
    await rig.stop();
  });

  test('an event that is not JSON leads to a new list, not to a lost event', async () => {
    const rig = start();
    await rig.clock.settle();
    rig.server.put('a');
    rig.server.cut('garbage');
    await rig.clock.until(() => rig.store.size === 1);
    expect(rig.log).toContain('listed failed 1');
    await rig.stop();
  });

  test('opens a new watch when the old one is silent beyond the server time-out', async () => {
    const rig = start();
    await rig.clock.settle();
    const before = rig.server.transport.requests.length;
    await rig.clock.advance(640_000);
    expect(rig.server.transport.requests.length).toBeGreaterThan(before);
    expect(rig.server.lists).toBe(1);
    expect(rig.server.openWatches).toBe(1);
    await rig.stop();
  });

  test('spaces attempts out while the server is away, and honours Retry-After', async () => {
    const server = new ModelServer();
    for (let i = 0; i < 400; i++) server.faults.push(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
    const rig = start({}, server);
    await rig.clock.advance(120_000);
    expect(server.transport.requests.length).toBeLessThan(14);
    expect(server.transport.requests.length).toBeGreaterThan(6);
    await rig.stop();
  });

  test('asks for the newest there is when the server has gone back behind what was seen', async () => {
    const rig = start();
    rig.server.put('a');
    await rig.clock.settle();
    rig.server.cut('close');
    rig.server.compact();
    rig.server.faults.push(failure(410, 'Expired'), failure(504, 'Timeout', [{ reason: 'ResourceVersionTooLarge' }]));
    await rig.clock.until(() => rig.server.openWatches === 1);
    const lists = rig.server.transport.requests.map((r) => r.path).filter((p) => !p.includes('watch='));
    expect(lists.at(-1)).toContain('resourceVersion=');
    expect(lists.at(-1)).not.toContain('NotOlderThan');
    await rig.stop();
  });

  test('leaves pages when a continue token keeps expiring', async () => {
    const server = new ModelServer();
    for (const n of ['a', 'b', 'c']) server.put(n);
    server.faults.push(failure(410, 'Expired'));
    const rig = start({ pageLimit: 1 }, server);
    await rig.clock.until(() => rig.store.synced);
    expect(server.transport.requests.map((r) => r.path).filter((p) => !p.includes('watch='))).toEqual([
      '/api/v1/pods?limit=1&resourceVersion=0',
      '/api/v1/pods?resourceVersion=',
    ]);
    await rig.stop();
  });

  test('measures how late an event is by the last change it records', async () => {
    const server = new ModelServer();
    const delays: (number | undefined)[] = [];
    const rig = start({ observer: { event: (_, delayMs) => delays.push(delayMs) } }, server);
    await rig.clock.settle();
    const at = (ms: number): string => new Date(rig.clock.now() + ms).toISOString();
    server.put('a');
    server.put('b', { creationTimestamp: at(-9000) });
    server.put('c', { creationTimestamp: at(-9000), managedFields: [{ time: at(-5000) }, { time: at(-2000) }] });
    server.deliver();
    await rig.clock.settle();
    expect(delays).toEqual([undefined, 9000, 2000]);
    await rig.stop();
  });
});

type Step =
  | { readonly do: 'put' | 'remove' | 'own'; readonly name: string }
  | { readonly do: 'cut'; readonly how: 'reset' | 'close' | 'garbage' }
  | { readonly do: 'late' | 'compact' | 'bookmark' | 'fault' | 'busy' | 'drop' }
  | { readonly do: 'deliver' | 'skip' | 'stale' | 'advance'; readonly count: number };

const name = fc.constantFrom('a', 'b', 'c', 'd');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('put' as const, 'remove' as const, 'own' as const), name }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('deliver' as const), count: fc.nat({ max: 3 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('cut' as const),
      how: fc.constantFrom('reset' as const, 'close' as const, 'garbage' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'late' as const,
        'compact' as const,
        'bookmark' as const,
        'fault' as const,
        'busy' as const,
        'drop' as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('skip' as const, 'stale' as const, 'advance' as const),
      count: fc.integer({ min: 1, max: 2000 }),
    }),
  },
);

/** Rebuilds the view from the changes and checks each of them against it. */
function auditor(store: Store<Pod>): { readonly view: Map<string, string>; readonly faults: string[] } {
  const view = new Map<string, string>();
  const faults: string[] = [];
  store.subscribe((c) => {
    const key = keyOf(c.object);
    const version = c.object.metadata.resourceVersion ?? '';
    const had = view.get(key);
    if ((c.type === 'added') !== (had === undefined)) faults.push(`${c.type} ${key} while ${had}`);
    if (c.type === 'modified' && !c.own && version === had) return;
    if (c.type === 'modified' && c.old.metadata.resourceVersion !== had)
      faults.push(`old of ${key} is not what was shown`);
    if (c.type === 'modified' && (compareVersions(version, had) ?? 1) <= 0)
      faults.push(`${key} went from ${had} to ${version}`);
    if (c.type === 'deleted') view.delete(key);
    else view.set(key, version);
  });
  return { view, faults };
}

describe('Reflector and Store against a model of the server', () => {
  test('always converge to the content of the server, and changes add up to the view', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.constantFrom('pages' as const, 'stream' as const),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(),
        async (steps, initial, pageLimit, seed) => {
          const rig = start({ initial, pageLimit, seed });
          const { server, clock, store } = rig;
          const { view, faults } = auditor(store);
          const answers: Pod[] = [];
          const own = new Map<string, string>();
          /** The newest change by others, and the newest version somebody who ignores own changes was told of. */
          const foreign = new Map<string, string>();
          const told = new Map<string, string>();
          store.subscribe((c) => {
            if (!c.own) told.set(c.object.metadata.name ?? '', c.object.metadata.resourceVersion ?? '');
          });
          const written = (answer: Pod): void => {
            const { version } = store.feed();
            const wrote = answer.metadata.resourceVersion;
            const newest = newerVersion(own.get(keyOf(answer)), wrote);
            if (version !== undefined && (compareVersions(wrote, version) ?? 0) > 0)
              own.set(keyOf(answer), newest ?? '');
            store.written(answer);
          };
          /** What must be visible: the server's content at the version delivered, under the own writes beyond it. */
          const expected = (): [string, string][] => {
            const { version } = store.feed();
            if (version === undefined) return [];
            const shown = new Map(
              server.at(Number(version)).map((o) => [keyOf(o), o.metadata.resourceVersion ?? ''] as const),
            );
            for (const [key, wrote] of own) if ((compareVersions(wrote, version) ?? 0) > 0) shown.set(key, wrote);
            return [...shown].sort();
          };
          for (const s of steps) {
            if (s.do === 'put') foreign.set(s.name, server.put(s.name).metadata.resourceVersion ?? '');
            else if (s.do === 'own') written(server.put(s.name) as Pod);
            else if (s.do === 'remove') {
              server.remove(s.name);
              foreign.delete(s.name);
            } else if (s.do === 'late') answers.push(server.put('a') as Pod);
            else if (s.do === 'drop') for (const answer of answers.splice(0)) written(answer);
            else if (s.do === 'deliver') server.deliver(s.count);
            else if (s.do === 'cut') server.cut(s.how);
            else if (s.do === 'compact') server.compact();
            else if (s.do === 'bookmark') server.bookmark();
            else if (s.do === 'fault') server.faults.push(new Error('reset'));
            else if (s.do === 'busy') server.faults.push(failure(429, 'TooManyRequests'));
            else if (s.do === 'skip') server.skip(s.count);
            else if (s.do === 'stale') server.staleBy = s.count % 7;
            else if (s.do === 'advance') await clock.advance(s.count);
            await clock.settle();
            expect([...view].sort()).toEqual(expected());
            expect(
              store.list().every((o) => Object.isFrozen(o) && view.get(keyOf(o)) === o.metadata.resourceVersion),
            ).toBe(true);
            expect(view.size).toBe(store.size);
          }
          for (const answer of answers) store.written(answer);
          server.faults.length = 0;
          await clock.advance(120_000);
          server.deliver();
          await clock.settle();
          server.skip(1);
          server.bookmark();
          await clock.settle();
          const content = server.content.map((o) => [o.metadata.name, o.metadata.resourceVersion]);
          const held = store.list().map((o) => [o.metadata.name, o.metadata.resourceVersion]);
          expect(held.sort()).toEqual(content.sort());
          expect(store.pendingWrites).toBe(0);
          expect(faults).toEqual([]);
          for (const o of server.content) {
            const changed = foreign.get(o.metadata.name ?? '');
            if (changed !== undefined)
              expect(compareVersions(told.get(o.metadata.name ?? ''), changed)).toBeGreaterThanOrEqual(0);
          }
          await rig.stop();
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 250 },
    );
  }, 60_000);
});
