import type { DriftedObject, RepairTries } from '../world.ts';

/** Edits by hand are put back at once; more of them than this in a row are somebody's doing who goes on. */
const AT_ONCE = 3;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** An object that stayed as it was made for this long, in milliseconds, starts anew. */
const FORGOTTEN_AFTER_MS = 2 * LONGEST_PAUSE_MS;

/**
 * When an object may be put back again, in epoch milliseconds: who undoes every repair (an admission webhook, another
 * controller) is not fought at full speed, and never given up on either.
 */
export function nextRepairAt(tries: RepairTries | undefined): number {
  if (tries === undefined || tries.count < AT_ONCE) return 0;
  return tries.lastAt + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries.count - AT_ONCE));
}

/** Objects that somebody changes again each time they are put back. */
export function undoneRepairs(tries: readonly RepairTries[]): readonly RepairTries[] {
  return tries.filter((one) => one.count >= AT_ONCE);
}

/** The tries that concern an object. */
export function triesOf(tries: readonly RepairTries[], object: DriftedObject): RepairTries | undefined {
  return tries.find((one) => one.kind === object.kind && one.name === object.name);
}

/** The tries after objects were put back at `now`; what was left alone for long is forgotten. */
export function withTries(
  tries: readonly RepairTries[],
  repaired: readonly DriftedObject[],
  now: number,
): readonly RepairTries[] {
  const recent = tries.filter((one) => now - one.lastAt < FORGOTTEN_AFTER_MS);
  const others = recent.filter((one) => !repaired.some((it) => it.kind === one.kind && it.name === one.name));
  const counted = repaired.map((object) => ({
    ...object,
    count: (triesOf(recent, object)?.count ?? 0) + 1,
    lastAt: now,
  }));
  return [...others, ...counted];
}
