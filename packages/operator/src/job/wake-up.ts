import type { WakeUp } from './planned.ts';

/** Only watches wake the object; used where nothing can change by itself. */
export const ON_CHANGE: WakeUp = { kind: 'on-change' };

/** Exactly after `ms`. */
export function after(ms: number): WakeUp {
  return { kind: 'after', ms, jitter: false };
}

/** The quiet interval, spread so that many objects do not come at once. */
export function atRest(restIntervalMs: number): WakeUp {
  return { kind: 'after', ms: restIntervalMs, jitter: true };
}

const QUICK_MS = 100;
const USUAL_MS = 250;
const PATIENT_MS = 1000;

/**
 * How often to look at something that is under way: very often at first, when short operations end, less often when it
 * takes longer than such things usually do.
 */
export function inTransition(sinceMs: number): WakeUp {
  if (sinceMs < 2_000) return after(QUICK_MS);
  return after(sinceMs < 60_000 ? USUAL_MS : PATIENT_MS);
}

/** While only the cluster can make progress and every step of it shows in a watch; this is the net below the watch. */
export const WATCHED: WakeUp = { kind: 'after', ms: 15_000, jitter: true };
