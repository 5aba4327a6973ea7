import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKubeClient } from '../client/kube-client.ts';
import { SeededRandom, VirtualClock } from '../testing/index.ts';
import { type Fault, LeaseServer } from '../testing/lease-server.ts';
import type { Clock } from './clock.ts';
import { type ElectorObserver, runElector, type Term } from './elector.ts';

interface Member {
  readonly id: string;
  readonly stop: AbortController;
  readonly ended: Promise<string>;
  fault: Fault;
  term: Term | undefined;
}

function member(
  server: LeaseServer,
  clock: VirtualClock,
  id: string,
  seed: number,
  log: string[],
  lead?: (t: Term) => Promise<void>,
): Member {
  const skew = seed * 3_600_000;
  const own: Clock = {
    now: () => clock.now() + skew,
    monotonic: () => clock.monotonic(),
    after: (ms, fn) => clock.after(ms, fn),
  };
  const random = new SeededRandom(seed);
  const stop = new AbortController();
  const at = (what: string): void => {
    log.push(`${id} ${what} @${Math.round(clock.monotonic() / 1000)}`);
  };
  const observer: ElectorObserver = {
    leading: (epoch) => at(`leads ${epoch - (server.firstEpoch ?? 0)}`),
    ended: (reason) => at(reason),
    following: (holder) => at(`follows ${holder}`),
  };
  const m: { -readonly [K in keyof Member]: Member[K] } = {
    id,
    stop,
    fault: 'none',
    term: undefined,
    ended: Promise.resolve(''),
  };
  const client = createKubeClient({ transport: server.transport(() => m.fault), clock: own, random });
  const hold = (term: Term): Promise<void> =>
    new Promise((resolve) => term.signal.addEventListener('abort', () => resolve(), { once: true }));
  m.ended = runElector(
    {
      client,
      clock: own,
      random,
      namespace: 'ns',
      name: 'drey',
      identity: id,
      observer,
      lead: (term) => {
        m.term = term;
        return (lead ?? hold)(term);
      },
    },
    stop.signal,
  );
  return m;
}

function setUp(): { clock: VirtualClock; server: LeaseServer; log: string[] } {
  const clock = new VirtualClock();
  return { clock, server: new LeaseServer(clock), log: [] };
}

describe('runElector', () => {
  test('creates the Lease, leads, renews, and gives it back on stop so that the next one leads at once', async () => {
    const { clock, server, log } = setUp();
    const a = member(server, clock, 'a', 1, log);
    await clock.settle();
    const b = member(server, clock, 'b', 2, log);
    await clock.advance(60_000);
    expect(server.lease?.spec).toMatchObject({ holderIdentity: 'a', leaseDurationSeconds: 15 });
    a.stop.abort();
    await clock.advance(3000);
    expect(await a.ended).toBe('stopped');
    expect(log.slice(0, 4)).toEqual([
      'a leads 0 @0',
      'b follows a @0',
      'a stopped @60',
      expect.stringMatching(/^b leads 1 @6[0-3]$/),
    ]);
    b.stop.abort();
    await b.ended;
    expect(server.lease?.spec?.holderIdentity).toBe('');
    expect(clock.pending).toBe(0);
  });

  test('takes over only after it has itself seen the record unchanged for the lease duration, whatever the wall clocks say', async () => {
    const { clock, server, log } = setUp();
    const a = member(server, clock, 'a', 5, log);
    await clock.advance(10_000);
    a.fault = 'hang';
    const b = member(server, clock, 'b', 1, log);
    await clock.advance(14_000);
    expect(log.filter((l) => l.startsWith('b leads'))).toEqual([]);
    await clock.advance(6000);
    expect(log.filter((l) => l.includes('leads') || l.includes('lost'))).toEqual([
      'a leads 0 @0',
      expect.stringMatching(/^a lost @(18|19|20)$/),
      expect.stringMatching(/^b leads 1 @2[5-9]$/),
    ]);
    expect(await a.ended).toBe('lost');
    b.stop.abort();
    await b.ended;
  });

  test('check throws once the deadline has passed, even before the timer has run', async () => {
    const { clock, server, log } = setUp();
    const a = member(server, clock, 'a', 1, log);
    await clock.settle();
    const term = a.term!;
    expect(() => term.check()).not.toThrow();
    expect(term.until()).toBe(10_000);
    a.fault = 'refuse';
    await clock.advance(10_000);
    expect(() => term.check()).toThrow('leadership is lost');
    expect(term.signal.aborted).toBe(true);
    expect(await a.ended).toBe('lost');
  });

  test('survives a renewal whose answer was lost', async () => {
    const { clock, server, log } = setUp();
    const a = member(server, clock, 'a', 1, log);
    await clock.settle();
    a.fault = 'lose answer';
    await clock.until(() => server.version > 2);
    a.fault = 'none';
    await clock.advance(60_000);
    expect(log).toEqual(['a leads 0 @0']);
    a.stop.abort();
    await a.ended;
  });

  test('stops at once when the Lease was taken or deleted', async () => {
    const { clock, server, log } = setUp();
    const a = member(server, clock, 'a', 1, log);
    await clock.settle();
    server.lease = undefined;
    await clock.advance(3000);
    expect(await a.ended).toBe('lost');
    expect(log[1]).toMatch(/^a lost @[23]$/);
  });

  test('ends with its work, gives the Lease back, and throws what the work throws', async () => {
    const { clock, server, log } = setUp();
    const a = member(server, clock, 'a', 1, log, async () => undefined);
    await clock.settle();
    expect(await a.ended).toBe('work ended');
    expect(server.lease?.spec?.holderIdentity).toBe('');
    const b = member(server, clock, 'b', 1, log, () => Promise.reject(new Error('broken')));
    const outcome = b.ended.catch((e: Error) => e.message);
    await clock.settle();
    expect(await outcome).toBe('broken');
    expect(server.lease?.spec?.holderIdentity).toBe('');
    expect(clock.pending).toBe(0);
  });

  test('a candidate that is stopped while it waits leaves nothing behind', async () => {
    const { clock, server, log } = setUp();
    const a = member(server, clock, 'a', 1, log);
    await clock.settle();
    const b = member(server, clock, 'b', 2, log);
    await clock.advance(5000);
    b.stop.abort();
    expect(await b.ended).toBe('stopped');
    a.stop.abort();
    await a.ended;
    expect(clock.pending).toBe(0);
  });
});

describe('electors under faults', () => {
  test('never two terms at once, epochs rise, and somebody leads once the faults are over', async () => {
    const fault = fc.record({
      who: fc.nat({ max: 2 }),
      fault: fc.constantFrom<Fault>('none', 'refuse', 'lose answer', 'hang', 'slow'),
      forMs: fc.integer({ min: 100, max: 20_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 25, size: 'max' }), async (faults) => {
        const { clock, server, log } = setUp();
        const ids = ['a', 'b', 'c'];
        const members = ids.map((id, i) => member(server, clock, id, i + 1, log));
        const audit = (): void => {
          const leading = members.filter((m) => m.term !== undefined && !m.term.signal.aborted);
          expect(leading.map((m) => m.id).length).toBeLessThanOrEqual(1);
        };
        const settle = async (forMs: number): Promise<void> => {
          for (let left = forMs; left > 0; left -= 500) {
            await clock.advance(Math.min(500, left));
            audit();
          }
        };
        for (const f of faults) {
          const m = members[f.who]!;
          m.fault = f.fault;
          await settle(f.forMs);
          if (m.term?.signal.aborted) members[f.who] = member(server, clock, `${m.id}'`, f.who + 1, log);
        }
        for (const [i, m] of members.entries()) {
          m.fault = 'none';
          if (m.term?.signal.aborted) members[i] = member(server, clock, `${m.id}"`, i + 1, log);
        }
        await settle(60_000);
        expect(members.filter((m) => m.term && !m.term.signal.aborted)).toHaveLength(1);
        const epochs = log.filter((l) => l.includes(' leads ')).map((l) => Number(l.split(' ')[2]));
        expect(epochs).toEqual([...new Set(epochs)].sort((x, y) => x - y));
        for (const m of members) m.stop.abort();
        await clock.advance(30_000);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

test('A Lease that was deleted does not begin to count anew: the next term is a later one', async () => {
  const { clock, server, log } = setUp();
  const a = member(server, clock, 'a', 1, log);
  await clock.advance(30_000);
  const first = server.lease?.spec?.leaseTransitions ?? 0;
  server.lease = undefined;
  await clock.advance(20_000);
  await a.ended;
  const b = member(server, clock, 'b', 1, log);
  await clock.advance(20_000);
  expect(server.lease).toMatchObject({ spec: { holderIdentity: 'b' } });
  expect(b.term?.epoch).toBeGreaterThan(first);
  b.stop.abort();
  await b.ended;
});
