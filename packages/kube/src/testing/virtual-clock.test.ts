import { describe, expect, test } from 'vitest';
import { sleep } from '../runtime/clock.ts';
import { SeededRandom } from './seeded-random.ts';
import { VirtualClock } from './virtual-clock.ts';

describe('VirtualClock', () => {
  test('fires timers by due time, then by creation, and lets promises run in between', async () => {
    const clock = new VirtualClock(0);
    const log: string[] = [];
    clock.after(20, () => log.push('c'));
    clock.after(10, () => {
      log.push('a');
      void Promise.resolve().then(() => log.push('a-promise'));
    });
    clock.after(10, () => log.push('b'));
    await clock.advance(10);
    expect(log).toEqual(['a', 'a-promise', 'b']);
    expect(clock.now()).toBe(10);
    await clock.advance(10);
    expect(log.at(-1)).toBe('c');
  });

  test('runs a chain of sleeps to the end and reports the time that passed', async () => {
    const clock = new VirtualClock();
    let done = false;
    void (async () => {
      for (let i = 0; i < 5; i++) await sleep(clock, 1000);
      done = true;
    })();
    expect(await clock.runUntilIdle()).toBe(5000);
    expect(done).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('forgets cancelled timers, and cancelling twice is harmless', async () => {
    const clock = new VirtualClock();
    const cancel = clock.after(5, () => {
      throw new Error('must not fire');
    });
    cancel();
    cancel();
    expect(clock.pending).toBe(0);
    expect(clock.nextAt).toBeUndefined();
    expect(await clock.runUntilIdle()).toBe(0);
  });

  test('moves the wall without moving monotonic time', () => {
    const clock = new VirtualClock(1000);
    clock.shiftWall(-400);
    expect(clock.now()).toBe(600);
    expect(clock.monotonic()).toBe(0);
  });

  test('refuses to spin on a timer that re-arms itself without end', async () => {
    const clock = new VirtualClock(0, 1);
    const arm = (): void => {
      clock.after(0, arm);
    };
    arm();
    await expect(clock.runUntilIdle(1000, 50)).rejects.toThrow('re-arms itself');
  });

  test('a sleep ends at once when its signal is aborted', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const slept = sleep(clock, 1e9, abort.signal);
    abort.abort(new Error('stop'));
    await expect(slept).rejects.toThrow('stop');
    expect(clock.pending).toBe(0);
  });
});

describe('SeededRandom', () => {
  test('repeats itself for one seed and differs for another', () => {
    const take = (seed: number): number[] =>
      Array.from(
        { length: 5 },
        (
          (r) => () =>
            r.next()
        )(new SeededRandom(seed)),
      );
    expect(take(7)).toEqual(take(7));
    expect(take(7)).not.toEqual(take(8));
  });

  test('spreads evenly over [0, 1) and over integer ranges', () => {
    const r = new SeededRandom(1);
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) {
      const x = r.next();
      expect(x >= 0 && x < 1).toBe(true);
      buckets[Math.floor(x * 10)]!++;
    }
    for (const n of buckets) expect(Math.abs(n - 2000)).toBeLessThan(250);
    const seen = new Set(Array.from({ length: 200 }, () => r.int(3, 6)));
    expect([...seen].sort()).toEqual([3, 4, 5, 6]);
  });

  test('forks by label independently of how much was drawn', () => {
    const a = new SeededRandom(5);
    const b = new SeededRandom(5);
    b.next();
    expect(a.fork('x').next()).toBe(b.fork('x').next());
    expect(a.fork('x').next()).not.toBe(a.fork('y').next());
  });
});
