import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom, VirtualClock } from '../testing/index.ts';
import { KeyedQueue, priority, type Taken } from './queue.ts';

const setUp = (): { queue: KeyedQueue; clock: VirtualClock } => {
  const clock = new VirtualClock(0, 1);
  return { queue: new KeyedQueue({ clock, random: new SeededRandom(1) }), clock };
};

const key = (taken: Taken | undefined): string | undefined => taken?.key;

describe('KeyedQueue', () => {
  test('hands out a key once however often it was added', async () => {
    const { queue } = setUp();
    queue.add('ns/a');
    queue.add('ns/a');
    expect(key(await queue.take())).toBe('ns/a');
    expect(queue.snapshot()).toEqual({ ready: {}, waiting: 0, processing: 1, longestRunningMs: 0 });
  });

  test('holds back a key that is with its worker, and hands it out again afterwards', async () => {
    const { queue } = setUp();
    queue.add('ns/a');
    await queue.take();
    queue.add('ns/a');
    const second = queue.take();
    let got = false;
    void second.then(() => {
      got = true;
    });
    await Promise.resolve();
    expect(got).toBe(false);
    queue.done('ns/a');
    expect(key(await second)).toBe('ns/a');
  });

  test('the highest priority goes first, and a raise moves a key to the end of its new level', async () => {
    const { queue } = setUp();
    queue.add('n/low', { priority: priority.startUp });
    queue.add('n/raised', { priority: priority.startUp });
    queue.add('n/first', { priority: priority.userChange });
    queue.add('n/raised', { priority: priority.userChange });
    queue.add('n/raised', { priority: priority.health });
    const order = [await queue.take(), await queue.take(), await queue.take()].map((t) => [t?.key, t?.priority]);
    expect(order).toEqual([
      ['n/first', 40],
      ['n/raised', 40],
      ['n/low', 0],
    ]);
  });

  test('namespaces take turns within a priority', async () => {
    const { queue } = setUp();
    for (let i = 0; i < 4; i++) queue.add(`noisy/${i}`);
    queue.add('quiet/a');
    queue.add('other/b');
    const order: (string | undefined)[] = [];
    for (let i = 0; i < 6; i++) order.push(key(await queue.take()));
    expect(order).toEqual(['noisy/0', 'quiet/a', 'other/b', 'noisy/1', 'noisy/2', 'noisy/3']);
  });

  test('a delay holds a key back, the earliest wins, and one timer is armed', async () => {
    const { queue, clock } = setUp();
    queue.add('n/a', { delayMs: 5000 });
    queue.add('n/a', { delayMs: 1000 });
    queue.add('n/a', { delayMs: 9000, priority: 50 });
    queue.add('n/b', { delayMs: 3000 });
    expect(clock.pending).toBe(1);
    const taken: [number, string | undefined, number | undefined][] = [];
    void (async () => {
      for (let t = await queue.take(); t; t = await queue.take()) taken.push([clock.monotonic(), t.key, t.priority]);
    })();
    await clock.runUntilIdle();
    expect(taken).toEqual([
      [1000, 'n/a', 50],
      [3000, 'n/b', 40],
    ]);
    queue.close();
  });

  test('failures space attempts out up to the cap, with jitter, until forgotten', () => {
    const { queue } = setUp();
    const pauses: number[] = [];
    for (let i = 0; i < 14; i++) pauses.push(queue.addFailed('n/a'));
    pauses.forEach((ms, i) => {
      const full = Math.min(300_000, 1000 * 2 ** i);
      expect(ms).toBeGreaterThanOrEqual(full / 2);
      expect(ms).toBeLessThanOrEqual(full);
    });
    queue.forget('n/a');
    expect(queue.addFailed('n/a')).toBeLessThanOrEqual(1000);
  });

  test('a change comes before the back-off', async () => {
    const { queue, clock } = setUp();
    queue.addFailed('n/a');
    queue.add('n/a');
    const taken = await queue.take();
    expect([taken?.failures, clock.monotonic()]).toEqual([1, 0]);
  });

  test('a removed key does not come back, not even from its worker', async () => {
    const { queue, clock } = setUp();
    queue.add('n/a');
    queue.add('n/b', { delayMs: 10 });
    await queue.take();
    queue.add('n/a');
    queue.remove('n/a');
    queue.remove('n/b');
    queue.done('n/a');
    let got: Taken | undefined;
    void queue.take().then((t) => {
      got = t;
    });
    await clock.runUntilIdle();
    expect(got).toBeUndefined();
    queue.close();
  });

  test('takers end with the signal and with the queue', async () => {
    const { queue } = setUp();
    const abort = new AbortController();
    const one = queue.take(abort.signal);
    const two = queue.take();
    abort.abort();
    expect(await one).toBeUndefined();
    queue.close();
    expect(await two).toBeUndefined();
    queue.add('n/a');
    expect(await queue.take()).toBeUndefined();
  });

  test('reports how long keys waited and how long the slowest has been in work', async () => {
    const { queue, clock } = setUp();
    queue.add('n/a');
    await clock.advance(70);
    expect((await queue.take())?.waitedMs).toBe(70);
    await clock.advance(30);
    expect(queue.snapshot().longestRunningMs).toBe(30);
  });
});

type Step =
  | { readonly do: 'add'; readonly key: string; readonly priority: number; readonly delayMs: number }
  | { readonly do: 'fail' | 'forget' | 'remove'; readonly key: string }
  | { readonly do: 'take'; readonly n: number }
  | { readonly do: 'done' | 'wait'; readonly n: number };

const keys = fc.constantFrom('x/1', 'x/2', 'x/3', 'y/1', 'y/2', 'z/1');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      key: keys,
      priority: fc.constantFrom(0, 10, 40),
      delayMs: fc.constantFrom(0, 0, 5, 50, 500),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('fail' as const, 'forget' as const, 'remove' as const), key: keys }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('take' as const, 'done' as const, 'wait' as const),
      n: fc.nat({ max: 80 }),
    }),
  },
);

/** The same contract, written the slow and obvious way: what is due is searched for each time. */
class Model {
  readonly due = new Map<string, { priority: number; readyAt: number }>();
  readonly again = new Map<string, { priority: number; readyAt: number } | undefined>();

  add(key: string, prio: number, readyAt: number): void {
    const into = this.again.has(key) ? this.again : this.due;
    const old = into.get(key);
    const merged = old
      ? { priority: Math.max(prio, old.priority), readyAt: Math.min(readyAt, old.readyAt) }
      : { priority: prio, readyAt };
    into.set(key, merged);
  }

  ready(now: number): string[] {
    const ready = [...this.due].filter(([, d]) => d.readyAt <= now);
    const top = Math.max(...ready.map(([, d]) => d.priority));
    return ready.filter(([, d]) => d.priority === top).map(([k]) => k);
  }
}

describe('KeyedQueue against a model', () => {
  test('loses nothing, doubles nothing, and keeps priority, time and turns', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
        const { queue, clock } = setUp();
        const model = new Model();
        const inWork: string[] = [];
        /** Turns other tenants got while a tenant had a ready key of the same priority. */
        const passedOver = new Map<string, number>();
        /** A tenant whose key left its place starts again at the end of the line. */
        const leftItsPlace = (key: string): void => {
          for (const prio of [0, 10, 40]) passedOver.delete(`${prio} ${key.split('/')[0]}`);
        };
        const take = async (): Promise<void> => {
          const candidates = model.ready(clock.monotonic());
          const abort = new AbortController();
          const promise = queue.take(abort.signal);
          if (candidates.length === 0) abort.abort();
          const taken = await promise;
          expect(taken === undefined).toBe(candidates.length === 0);
          if (taken === undefined) return;
          expect(candidates).toContain(taken.key);
          expect(inWork).not.toContain(taken.key);
          expect(taken.priority).toBe(model.due.get(taken.key)?.priority);
          const tenants = new Set(candidates.map((c) => c.split('/')[0] ?? ''));
          const turn = taken.key.split('/')[0] ?? '';
          for (const tenant of ['x', 'y', 'z']) {
            const overlooked = tenants.has(tenant) && tenant !== turn;
            const count = overlooked ? (passedOver.get(`${taken.priority} ${tenant}`) ?? 0) + 1 : 0;
            passedOver.set(`${taken.priority} ${tenant}`, count);
            expect(count).toBeLessThan(3);
          }
          model.due.delete(taken.key);
          model.again.set(taken.key, undefined);
          inWork.push(taken.key);
        };
        const done = (key: string): void => {
          inWork.splice(inWork.indexOf(key), 1);
          const again = model.again.get(key);
          model.again.delete(key);
          if (again) model.due.set(key, again);
          queue.done(key);
        };
        for (const s of steps) {
          if (s.do === 'add') {
            if (s.priority > (model.due.get(s.key)?.priority ?? s.priority)) leftItsPlace(s.key);
            model.add(s.key, s.priority, clock.monotonic() + s.delayMs);
            queue.add(s.key, { priority: s.priority, delayMs: s.delayMs });
          } else if (s.do === 'fail') {
            leftItsPlace(s.key);
            model.add(s.key, 10, clock.monotonic() + queue.addFailed(s.key, { priority: 10 }));
          } else if (s.do === 'forget') queue.forget(s.key);
          else if (s.do === 'remove') {
            leftItsPlace(s.key);
            model.due.delete(s.key);
            if (model.again.has(s.key)) model.again.set(s.key, undefined);
            queue.remove(s.key);
          } else if (s.do === 'take') await take();
          else if (s.do === 'wait') await clock.advance(s.n);
          else if (s.do === 'done' && inWork.length > 0) done(inWork[s.n % inWork.length] ?? '');
          expect(clock.pending).toBeLessThanOrEqual(1);
        }
        while (inWork.length > 0 || model.due.size > 0) {
          while (inWork.length > 0) done(inWork[0] ?? '');
          await clock.advance(600_000);
          while (model.ready(clock.monotonic()).length > 0) await take();
        }
        const { ready, waiting, processing } = queue.snapshot();
        expect([ready, waiting, processing]).toEqual([{}, 0, 0]);
        queue.close();
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
