import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKubeClient } from '../client/kube-client.ts';
import { SeededRandom, VirtualClock } from '../testing/index.ts';
import { type Fault, LeaseServer } from '../testing/lease-server.ts';
import { type Clock, sleep } from './clock.ts';
import { runElector, type Term } from './elector.ts';
import { runShardElector } from './shard-elector.ts';

/** How long the work on a shard takes to end: longer than from one turn to the next. */
const DRAIN_MS = 3000;

interface Member {
  readonly id: string;
  readonly stop: AbortController;
  fault: Fault;
  /** What it works on, whether or not it still may. */
  readonly works: Map<number, Term>;
  end: string | undefined;
}

interface World {
  readonly clock: VirtualClock;
  readonly server: LeaseServer;
  /** Every epoch, in the order in which work began. */
  readonly epochs: number[];
}

function world(): World {
  const clock = new VirtualClock();
  return { clock, server: new LeaseServer(clock), epochs: [] };
}

/** A process that shares the work; `shards` 0: one that wants all of it for itself. */
function join(
  { clock, server, epochs }: World,
  id: string,
  shards: number,
  seed: number,
  lead?: () => Promise<void>,
): Member {
  // Wall clocks do not agree.
  const own: Clock = {
    now: () => clock.now() + seed * 3_600_000,
    monotonic: () => clock.monotonic(),
    after: (ms, fn) => clock.after(ms, fn),
  };
  const random = new SeededRandom(seed);
  const stop = new AbortController();
  const m: Member = { id, stop, fault: 'none', works: new Map(), end: undefined };
  const client = createKubeClient({ transport: server.transport(() => m.fault), clock: own, random });
  const work = async (shard: number, term: Term): Promise<void> => {
    epochs.push(term.epoch);
    m.works.set(shard, term);
    await (lead?.() ?? whenAborted(term.signal));
    if (!term.lost.aborted) await sleep(own, DRAIN_MS, term.lost).catch(() => undefined);
    m.works.delete(shard);
  };
  const options = { ...{ client, clock: own, random }, namespace: 'ns', name: 'drey', identity: id };
  const ended =
    shards === 0
      ? runElector({ ...options, lead: (term) => work(-1, term) }, stop.signal)
      : runShardElector({ ...options, shards, annotation: 'shards', lead: work }, stop.signal);
  ended.then(
    (end) => {
      m.end = end;
    },
    (error: Error) => {
      m.end = error.message;
    },
  );
  return m;
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

const shardsOf = (m: Member): number[] => [...m.works].filter(([, t]) => !t.lost.aborted).map(([shard]) => shard);

async function leaveAll({ clock }: World, ...members: Member[]): Promise<void> {
  for (const m of members) {
    m.fault = 'none';
    m.stop.abort();
  }
  await clock.advance(30_000);
  expect(members.map(({ end }) => end === 'stopped' || end === 'lost')).not.toContain(false);
  expect(clock.pending).toBe(0);
}

describe('runShardElector', () => {
  test('one works on everything; a second one gets half of it, and all of it when the first one leaves', async () => {
    const w = world();
    const a = join(w, 'a', 4, 1);
    await w.clock.advance(1000);
    expect(shardsOf(a)).toEqual([0, 1, 2, 3]);
    const b = join(w, 'b', 4, 2);
    await w.clock.advance(10_000);
    expect([shardsOf(a).length, shardsOf(b).length]).toEqual([2, 2]);
    a.stop.abort();
    await w.clock.advance(5000);
    expect(a.end).toBe('stopped');
    expect(shardsOf(b).sort()).toEqual([0, 1, 2, 3]);
    await leaveAll(w, b);
    expect(w.server.lease?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
  });

  test('shards of one that died are taken over when its entry was seen unchanged for the lease duration', async () => {
    const w = world();
    const members = [join(w, 'a', 3, 1), join(w, 'b', 3, 2), join(w, 'c', 3, 3)];
    await w.clock.advance(20_000);
    expect(members.map((m) => shardsOf(m).length)).toEqual([1, 1, 1]);
    const [a, b, c] = members as [Member, Member, Member];
    a.fault = 'hang';
    await w.clock.advance(12_000);
    expect(a.end).toBe('lost');
    expect([...shardsOf(b), ...shardsOf(c)]).toHaveLength(2);
    await w.clock.advance(10_000);
    expect([...shardsOf(b), ...shardsOf(c)].sort()).toEqual([0, 1, 2]);
    await leaveAll(w, b, c);
  });

  test('groups of another size, and single leaders, wait until all of a group have gone, and get later terms', async () => {
    const w = world();
    const a = join(w, 'a', 2, 1);
    const b = join(w, 'b', 2, 2);
    await w.clock.advance(10_000);
    const three = join(w, 'c', 3, 3);
    const single = join(w, 'd', 0, 4);
    await w.clock.advance(60_000);
    a.stop.abort();
    await w.clock.advance(10_000);
    expect([shardsOf(b), shardsOf(three), shardsOf(single)]).toEqual([expect.arrayContaining([0, 1]), [], []]);
    b.stop.abort();
    await w.clock.advance(10_000);
    const [first, second] = shardsOf(single).length > 0 ? [single, three] : [three, single];
    expect(shardsOf(first).length).toBeGreaterThan(0);
    first.stop.abort();
    await w.clock.advance(10_000);
    expect(shardsOf(second).length).toBeGreaterThan(0);
    expect(w.epochs).toEqual([...new Set(w.epochs)].sort((x, y) => x - y));
    await leaveAll(w, first, second);
  });

  test('check throws when the deadline has passed, and for a shard that was given up, but not while its work is ending', async () => {
    const w = world();
    const a = join(w, 'a', 2, 1);
    await w.clock.advance(1000);
    const term = a.works.get(1) as Term;
    const b = join(w, 'b', 2, 2);
    await w.clock.until(() => term.signal.aborted);
    expect(term.lost.aborted).toBe(false);
    expect(() => term.check()).not.toThrow();
    await w.clock.advance(DRAIN_MS);
    expect(() => term.check()).toThrow('the term of shard 1 is over');
    const kept = a.works.get(0) as Term;
    expect(() => kept.check()).not.toThrow();
    a.fault = 'refuse';
    await w.clock.advance(12_000);
    expect(() => kept.check()).toThrow('is lost');
    await leaveAll(w, a, b);
  });

  test('ends at once when the Lease is deleted, or another takes it', async () => {
    const w = world();
    const a = join(w, 'a', 2, 1);
    await w.clock.advance(1000);
    w.server.lease = undefined;
    await w.clock.advance(3000);
    expect(a.end).toBe('lost');
    expect(w.clock.pending).toBe(0);
  });

  test('what the work on a shard throws ends the work on all of them, and is thrown on', async () => {
    const w = world();
    const a = join(w, 'a', 2, 1, () => Promise.reject(new Error('broken')));
    await w.clock.advance(5000);
    expect(a.end).toBe('broken');
    const b = join(w, 'b', 2, 2, () => Promise.resolve());
    await w.clock.advance(10_000);
    expect(b.end).toMatch(/the work on shard \d ended by itself/);
    expect(w.server.lease?.spec?.holderIdentity).toBe('');
    expect(w.clock.pending).toBe(0);
  });

  test('one that waits for others and is stopped leaves nothing behind', async () => {
    const w = world();
    const a = join(w, 'a', 0, 1);
    await w.clock.advance(1000);
    const b = join(w, 'b', 2, 2);
    await w.clock.advance(5000);
    b.stop.abort();
    await w.clock.advance(1000);
    expect(b.end).toBe('stopped');
    await leaveAll(w, a);
  });

  test('under faults no shard is worked on twice, groups exclude one another, epochs rise, and in the end all is shared out', async () => {
    const fault = fc.record({
      who: fc.nat({ max: 3 }),
      fault: fc.constantFrom<Fault | 'stop'>('none', 'refuse', 'lose answer', 'hang', 'slow', 'stop'),
      forMs: fc.integer({ min: 100, max: 20_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 20, size: 'max' }), async (faults) => {
        const w = world();
        // The last one is of another size: it gets its turn when the others are all dead.
        const sizes = [5, 5, 5, 2];
        const members = sizes.map((shards, i) => join(w, 'abcd'[i] as string, shards, i + 1));
        const everybody = [...members];
        const audit = (): void => {
          const workers = everybody.flatMap((m) =>
            shardsOf(m).map((shard) => ({ shard, small: m.id.startsWith('d') })),
          );
          expect(new Set(workers.map(({ small }) => small)).size).toBeLessThanOrEqual(1);
          expect(new Set(workers.map(({ shard }) => shard)).size).toBe(workers.length);
        };
        const settle = async (forMs: number): Promise<void> => {
          for (let left = forMs; left > 0; left -= 500) {
            await w.clock.advance(Math.min(500, left));
            audit();
          }
        };
        const again = (i: number): void => {
          if (members[i]?.end === undefined) return;
          members[i] = join(w, `${members[i].id}'`, sizes[i] as number, i + 1);
          everybody.push(members[i]);
        };
        for (const f of faults) {
          const m = members[f.who] as Member;
          if (f.fault === 'stop') m.stop.abort();
          else m.fault = f.fault;
          await settle(f.forMs);
          again(f.who);
        }
        for (const [i, m] of members.entries()) {
          m.fault = 'none';
          again(i);
        }
        await settle(40_000);
        for (const i of members.keys()) again(i);
        await settle(60_000);
        const shares = members.map((m) => shardsOf(m).length);
        expect(shares[3] === 0 ? shares.slice(0, 3).sort() : shares.slice(3)).toEqual(
          shares[3] === 0 ? [1, 2, 2] : [2],
        );
        expect(w.epochs).toEqual([...new Set(w.epochs)].sort((x, y) => x - y));
        await leaveAll(w, ...members);
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
