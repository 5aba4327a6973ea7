import type { Lease } from '../kinds.ts';

/**
 * Who works on which shard, as the members of a group write it into an annotation of their Lease. The group holds the Lease
 * together: for everybody else it is held by one candidate, named after the number of shards.
 */
export interface ShardTable {
  /** By shard, the member that works on it; empty: nobody. */
  readonly holders: readonly string[];
  /** By member, a number that it raises with every write. One that no longer does is dead. */
  readonly members: Readonly<Record<string, number>>;
}

/** The name under which all members of a group of `shards` shards hold the Lease: groups of other sizes exclude one another. */
export function groupName(shards: number): string {
  return `shards-${shards}`;
}

/** The table of this group; undefined when the Lease is not the group's, or the table cannot be read. */
export function tableOf(lease: Lease | undefined, annotation: string, shards: number): ShardTable | undefined {
  if (lease?.spec?.holderIdentity !== groupName(shards)) return undefined;
  let read: unknown;
  try {
    read = JSON.parse(lease.metadata.annotations?.[annotation] ?? '');
  } catch {
    return undefined;
  }
  return isTable(read, shards) ? read : undefined;
}

/** What a process knows when it is its turn to write. */
export interface TurnInput {
  readonly me: string;
  /** The table as it was read, or an empty one when the Lease may be taken. */
  readonly table: ShardTable;
  /** Members that this process has seen unchanged for the whole time of a Lease. */
  readonly dead: ReadonlySet<string>;
  /** Shards that this process works on, and is not about to give up. */
  readonly held: ReadonlySet<number>;
  /** Shards that this process is about to give up, whose work has not ended yet. */
  readonly draining: ReadonlySet<number>;
  /** False: it takes nothing more. */
  readonly takes: boolean;
}

/** What to write, and what changes for this process once it is written. */
export interface Turn {
  readonly table: ShardTable;
  /** Shards that this process works on from now on. */
  readonly taken: readonly number[];
  /** Shards whose work is to be ended, so that others can take them. */
  readonly surplus: readonly number[];
}

/**
 * The next entry of a member. Every shard goes to somebody, nobody works on more than his share, and a shard is taken only when
 * nobody has it: who has too many ends the work of some first. Shares differ by one at most once all has settled.
 */
export function nextTurn({ me, table, dead, held, draining, takes }: TurnInput): Turn {
  const members: Record<string, number> = { [me]: (table.members[me] ?? 0) + 1 };
  for (const [id, beat] of Object.entries(table.members)) if (id !== me && !dead.has(id)) members[id] = beat;
  const isWorkedOn = (holder: string, shard: number): boolean =>
    holder === me ? held.has(shard) || draining.has(shard) : members[holder] !== undefined;
  const holders = table.holders.map((holder, shard) => (isWorkedOn(holder, shard) ? holder : ''));

  const count = Object.keys(members).length;
  const most = Math.ceil(holders.length / count);
  const least = Math.floor(holders.length / count);
  const sharesOf = (id: string): number => holders.filter((holder) => holder === id).length;
  const taken: number[] = [];
  // What others lack is left for them.
  const lacking = (): number =>
    Object.keys(members).reduce((sum, id) => sum + (id === me ? 0 : Math.max(0, least - sharesOf(id))), 0);
  const mayTake = (): boolean =>
    sharesOf(me) < least || (sharesOf(me) < most && holders.filter((holder) => holder === '').length > lacking());
  for (const [shard, holder] of holders.entries()) {
    if (!takes || !mayTake()) break;
    if (holder !== '') continue;
    holders[shard] = me;
    taken.push(shard);
  }
  const mine = held.size + taken.length;
  const surplus = takes ? surplusOf() : 0;
  return { table: { holders, members }, taken, surplus: [...held].sort((a, b) => b - a).slice(0, surplus) };

  function surplusOf(): number {
    if (mine > most) return mine - most;
    // A newcomer may have nothing although nobody has more than the most: the first of those who could give gives one.
    if (mine <= least || draining.size > 0 || holders.includes('') || lacking() === 0) return 0;
    const givers = Object.keys(members).filter((id) => sharesOf(id) > least);
    return givers.sort()[0] === me ? 1 : 0;
  }
}

/** The table after a member has left, its work ended. */
export function tableWithout(me: string, table: ShardTable): ShardTable {
  const { [me]: _, ...members } = table.members;
  return { holders: table.holders.map((holder) => (holder === me ? '' : holder)), members };
}

/** The table of a group that nobody is in. */
export function emptyTable(shards: number): ShardTable {
  return { holders: Array.from({ length: shards }, () => ''), members: {} };
}

function isTable(read: unknown, shards: number): read is ShardTable {
  if (typeof read !== 'object' || read === null) return false;
  const { holders, members } = read as Partial<Record<keyof ShardTable, unknown>>;
  return (
    Array.isArray(holders) &&
    holders.length === shards &&
    holders.every((holder) => typeof holder === 'string') &&
    typeof members === 'object' &&
    members !== null &&
    !Array.isArray(members) &&
    Object.values(members).every((beat) => Number.isSafeInteger(beat))
  );
}
