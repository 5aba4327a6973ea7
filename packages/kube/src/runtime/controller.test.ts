import { describe, expect, test } from 'vitest';
import { Store } from '../cache/store.ts';
import { KubeError } from '../client/errors.ts';
import type { Pod } from '../kinds.ts';
import { SeededRandom, VirtualClock } from '../testing/index.ts';
import {
  type ControllerOptions,
  type Outcome,
  ownerKey,
  ownKey,
  runController,
  type Source,
  storeSource,
} from './controller.ts';
import { KeyedQueue, priority } from './queue.ts';

const pod = (name: string, version: string, more: Partial<Pod['metadata']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ns', uid: name, resourceVersion: version, ...more },
});

interface Rig {
  readonly clock: VirtualClock;
  readonly queue: KeyedQueue;
  readonly stop: AbortController;
  readonly run: Promise<void>;
  readonly log: string[];
}

function rig(options: Partial<ControllerOptions> & Pick<ControllerOptions, 'reconcile'>): Rig {
  const clock = new VirtualClock();
  const queue = new KeyedQueue({ clock, random: new SeededRandom(1) });
  const stop = new AbortController();
  const log: string[] = [];
  const run = runController(
    {
      name: 'test',
      clock,
      queue,
      sources: [],
      workers: 2,
      observer: {
        failed: (key, error, i) =>
          log.push(`failed ${key} ${error} ${i.failures} ${i.retryMs === undefined ? 'no retry' : 'retry'}`),
        abandoned: (keys) => log.push(`abandoned ${keys.join()}`),
      },
      ...options,
    },
    stop.signal,
  );
  return { clock, queue, stop, run, log };
}

const done: Outcome = { type: 'done' };

describe('runController', () => {
  test('starts no pass before every source is synced', async () => {
    let sync: () => void = () => undefined;
    const slow: Source = {
      start: (enqueue) => {
        enqueue('ns/a');
        return new Promise((resolve) => {
          sync = resolve;
        });
      },
    };
    const passes: string[] = [];
    const reconcile = async ({ key }: { key: string }): Promise<Outcome> => {
      passes.push(key);
      return done;
    };
    const r = rig({ sources: [slow], reconcile });
    await r.clock.advance(1000);
    expect(passes).toEqual([]);
    sync();
    await r.clock.settle();
    expect(passes).toEqual(['ns/a']);
    r.stop.abort();
    await r.run;
  });

  test('a pass that throws fails its key with back-off, and success ends the back-off', async () => {
    const attempts: number[] = [];
    const r = rig({
      reconcile: async ({ failures }) => {
        attempts.push(failures);
        if (attempts.length < 3) throw new Error('boom');
        return done;
      },
    });
    r.queue.add('ns/a');
    await r.clock.runUntilIdle();
    r.queue.add('ns/a');
    await r.clock.settle();
    expect(attempts).toEqual([0, 1, 2, 0]);
    expect(r.log).toEqual(['failed ns/a Error: boom 1 retry', 'failed ns/a Error: boom 2 retry']);
    r.stop.abort();
    await r.run;
  });

  test('a failure with Retry-After waits at least that long', async () => {
    const times: number[] = [];
    const r = rig({
      reconcile: async () => {
        times.push(r.clock.monotonic());
        if (times.length === 1) throw new KubeError('E_KUBE_TOO_MANY_REQUESTS', 'busy', { retryAfterMs: 30_000 });
        return done;
      },
    });
    r.queue.add('ns/a');
    await r.clock.runUntilIdle();
    expect(times).toEqual([0, 30_000]);
    r.stop.abort();
    await r.run;
  });

  test('requeues when asked to, and not after a terminal error', async () => {
    const times: number[] = [];
    const r = rig({
      reconcile: async (): Promise<Outcome> => {
        times.push(r.clock.monotonic());
        return times.length < 3 ? { type: 'done', requeueAfterMs: 500 } : { type: 'terminal', error: 'bad spec' };
      },
    });
    r.queue.add('ns/a');
    await r.clock.runUntilIdle();
    expect(times).toEqual([0, 500, 1000]);
    expect(r.log).toEqual(['failed ns/a bad spec 1 no retry']);
    r.stop.abort();
    await r.run;
  });

  test('works on as many keys at once as there are workers', async () => {
    let now = 0;
    let most = 0;
    const r = rig({
      workers: 3,
      reconcile: async () => {
        most = Math.max(most, ++now);
        await new Promise<void>((resolve) => r.clock.after(10, resolve));
        now--;
        return done;
      },
    });
    for (let i = 0; i < 9; i++) r.queue.add(`ns/${i}`);
    expect(await r.clock.runUntilIdle()).toBe(30);
    expect(most).toBe(3);
    r.stop.abort();
    await r.run;
  });

  test('a stop waits for running passes, starts no more, then aborts them, then leaves', async () => {
    const log: string[] = [];
    const r = rig({
      workers: 2,
      graceMs: 1000,
      abortMs: 100,
      reconcile: ({ key, signal }) =>
        new Promise((resolve) => {
          log.push(`start ${key}`);
          if (key === 'ns/quick') r.clock.after(500, () => resolve(done));
          signal.addEventListener('abort', () => log.push(`aborted ${key} at ${r.clock.monotonic()}`));
        }),
    });
    for (const key of ['ns/quick', 'ns/deaf', 'ns/never']) r.queue.add(key);
    await r.clock.settle();
    r.stop.abort();
    let ended = -1;
    void r.run.then(() => {
      ended = r.clock.monotonic();
    });
    await r.clock.runUntilIdle();
    expect(log).toEqual(['start ns/quick', 'start ns/deaf', 'aborted ns/quick at 1000', 'aborted ns/deaf at 1000']);
    expect(r.log).toEqual(['abandoned ns/deaf']);
    expect(ended).toBe(1100);
  });

  test('rejects when a source cannot start', async () => {
    const broken: Source = { start: () => Promise.reject(new Error('no such kind')) };
    await expect(rig({ sources: [broken], reconcile: async () => done }).run).rejects.toThrow('no such kind');
  });
});

describe('storeSource', () => {
  test('offers what is there at start-up priority, then changes by their kind, own writes on request only', async () => {
    const store = new Store<Pod>();
    const seen: [string, number | undefined][] = [];
    const stop = new AbortController();
    const started = storeSource(store, ownKey, { ignoreOwn: true }).start(
      (key, o) => seen.push([key, o?.priority]),
      stop.signal,
    );
    const feed = store.feed();
    feed.replace([pod('a', '1')], '5');
    await started;
    feed.observe('MODIFIED', pod('a', '6'));
    feed.observe('MODIFIED', pod('a', '7', { deletionTimestamp: 'now' }));
    store.written(pod('b', '9'));
    feed.observe('DELETED', pod('a', '10'));
    stop.abort();
    feed.observe('ADDED', pod('c', '11'));
    expect(seen).toEqual([
      ['ns/a', priority.startUp],
      ['ns/a', priority.userChange],
      ['ns/a', priority.deletion],
      ['ns/a', priority.deletion],
    ]);
  });

  test('maps a child to its controlling owner of the right kind', () => {
    const ref = { apiVersion: 'v1', kind: 'Job', name: 'j', uid: 'u', controller: true };
    const change = { type: 'added', object: pod('a', '1', { ownerReferences: [ref] }), own: false } as const;
    expect(ownerKey('Job')(change)).toEqual(['ns/j']);
    expect(ownerKey('Deployment')(change)).toEqual([]);
  });
});
