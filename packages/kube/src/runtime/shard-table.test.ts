import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lease } from '../kinds.ts';
import { emptyTable, groupName, nextTurn, type ShardTable, tableOf, tableWithout } from './shard-table.ts';

const NOBODY: ReadonlySet<string> = new Set();
const NOTHING: ReadonlySet<number> = new Set();

const table = (holders: string[], ...others: string[]): ShardTable => ({
  holders,
  members: Object.fromEntries([...holders, ...others].filter((id) => id !== '').map((id) => [id, 1])),
});

/** The turn of a member that works on what the table says. */
const turnOf = (me: string, at: ShardTable, draining = NOTHING, dead = NOBODY) =>
  nextTurn({
    ...{ me, table: at, dead, draining, takes: true },
    held: new Set([...at.holders.keys()].filter((s) => at.holders[s] === me && !draining.has(s))),
  });

describe('the next turn of a member', () => {
  test('takes everything when it is alone', () => {
    const turn = turnOf('a', emptyTable(3));
    expect(turn).toEqual({ table: { holders: ['a', 'a', 'a'], members: { a: 1 } }, taken: [0, 1, 2], surplus: [] });
  });

  test('ends the work on what is more than its share, and takes nothing that somebody has', () => {
    const two = table(['a', 'a', 'a', 'a'], 'b');
    expect(turnOf('a', two).surplus).toEqual([3, 2]);
    expect(turnOf('b', two)).toMatchObject({ taken: [], surplus: [] });
    // While the work on one of them goes on it keeps both.
    expect(turnOf('a', two, new Set([2, 3])).table.holders).toEqual(['a', 'a', 'a', 'a']);
  });

  test('gives back what it no longer works on, and leaves it for whoever lacks it', () => {
    const given = nextTurn({
      ...{ me: 'a', table: table(['a', 'a', 'b', 'b'], 'c'), dead: NOBODY, held: new Set([0]), draining: NOTHING },
      takes: true,
    });
    expect(given.table.holders).toEqual(['a', '', 'b', 'b']);
    expect(turnOf('b', given.table).taken).toEqual([]);
    expect(turnOf('c', given.table).taken).toEqual([1]);
  });

  test('of those who could give to a newcomer one gives one', () => {
    const full = table(['b', 'b', 'a', 'a'], 'c');
    expect([turnOf('a', full).surplus, turnOf('b', full).surplus]).toEqual([[3], []]);
  });

  test('takes what a dead member had', () => {
    const both = table(['a', 'b', 'b']);
    expect(turnOf('a', both).taken).toEqual([]);
    const alone = turnOf('a', both, NOTHING, new Set(['b']));
    expect(alone.table).toEqual({ holders: ['a', 'a', 'a'], members: { a: 2 } });
  });

  test('begins anew what the table says it has and it does not work on: the answer to its last write was lost', () => {
    const turn = nextTurn({
      ...{ me: 'a', table: table(['a', 'b']), dead: NOBODY, held: NOTHING, draining: NOTHING, takes: true },
    });
    expect(turn.taken).toEqual([0]);
  });

  test('takes and gives nothing when it is to end', () => {
    const turn = nextTurn({
      ...{ me: 'a', table: table(['a', 'a', ''], 'b'), dead: NOBODY, held: new Set([0, 1]), draining: NOTHING },
      takes: false,
    });
    expect(turn).toMatchObject({ taken: [], surplus: [] });
    expect(tableWithout('a', turn.table)).toEqual({ holders: ['', '', ''], members: { b: 1 } });
  });

  test('turns in any order end with everything taken and shares that differ by one at most', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 6 }), fc.infiniteStream(fc.nat(5)), run),
    );
    function run(shards: number, count: number, order: Iterable<number>): void {
      let at = emptyTable(shards);
      const held = new Map(ids.map((id) => [id, new Set<number>()]));
      const turn = (me: string): number => {
        const own = held.get(me) as Set<number>;
        const {
          table: next,
          taken,
          surplus,
        } = nextTurn({
          ...{ me, table: at, dead: NOBODY, held: own, draining: NOTHING, takes: true },
        });
        for (const shard of taken) {
          expect([...held.values()].some((set) => set.has(shard))).toBe(false);
          own.add(shard);
        }
        // What is given up has ended before the next turn.
        for (const shard of surplus) own.delete(shard);
        const changed = surplus.length > 0 || next.holders.some((holder, shard) => holder !== at.holders[shard]);
        at = next;
        return changed ? 1 : 0;
      };
      let turns = 0;
      for (const i of order) {
        turn(ids[i % count] as string);
        if (++turns > 40) break;
      }
      for (let round = 0, changes = 1; changes > 0; round++) {
        expect(round).toBeLessThan(20);
        changes = ids.slice(0, count).reduce((sum, id) => sum + turn(id), 0);
      }
      const shares = ids.slice(0, count).map((id) => at.holders.filter((holder) => holder === id).length);
      expect(at.holders).not.toContain('');
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
    }
  });
});

describe('the table in a Lease', () => {
  const lease = (holderIdentity: string, text: string): Lease => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'l', annotations: { shards: text } },
    spec: { holderIdentity },
  });
  const two = JSON.stringify(table(['a', 'b']));

  test('is read when the Lease is this group’s', () => {
    expect(tableOf(lease(groupName(2), two), 'shards', 2)).toEqual(table(['a', 'b']));
  });

  test('is none when the Lease is another’s, or a group’s of another size, or the text is no table', () => {
    expect(tableOf(undefined, 'shards', 2)).toBeUndefined();
    expect(tableOf(lease('a_0815', two), 'shards', 2)).toBeUndefined();
    expect(tableOf(lease(groupName(3), two), 'shards', 2)).toBeUndefined();
    for (const text of ['', '{', 'null', '[]', '{"holders":["a"],"members":{}}', '{"holders":["a",1],"members":{}}'])
      expect(tableOf(lease(groupName(2), text), 'shards', 2)).toBeUndefined();
    expect(tableOf(lease(groupName(2), '{"holders":["",""],"members":{"a":"1"}}'), 'shards', 2)).toBeUndefined();
  });
});
