import type { FlinkStateSnapshot } from '@drey/api';
import { resourceOptions } from '@drey/flink';
import type { WakeUp } from '../planned.ts';
import type { JobResourceStatus } from '../resource.ts';
import { after } from '../wake-up.ts';
import type { JobSnapshots, JobSnapshotsInput } from './input.ts';
import { continueLegacy, takeLegacy, trimHistory } from './legacy-mode.ts';
import { nonceOf, recordedNonce } from './nonce.ts';
import { continueObject, expireObjects, takeObject, usesObjects } from './object-mode.ts';
import { createdAt } from './retention.ts';
import { dueAfter, SHORTEST_PERIOD_MS, scheduleOf } from './schedule.ts';
import { nonceConditions, scheduleConditions } from './snapshot-conditions.ts';
import { isUnderWay, lastPeriod, pendingTrigger } from './snapshot-memory.ts';
import { isUnfinished, snapshotType, triggerTypeOf } from './snapshot-object.ts';
import { canTake, hasNewNonce, type SnapshotType, triggerOf } from './trigger.ts';

const TYPES: readonly SnapshotType[] = ['SAVEPOINT', 'CHECKPOINT'];

/**
 * What to do about the snapshots of a job that is otherwise as it should be: what is under way is followed, new nonces and due
 * periods are triggered, what is too old or too much goes. Pure. At most one thing is begun in a pass, savepoints first; it is
 * recorded before it happens, under an id or a name that makes it happen once.
 *
 * With FlinkStateSnapshots a trigger makes such an object, and its controller does the rest; without them the status holds
 * what is under way (reference: snapshots.md 13 to 15).
 */
export function jobSnapshots<S extends JobResourceStatus>(input: JobSnapshotsInput<S>): JobSnapshots<S> {
  const found = decided(input);
  const told = { ...input, status: found.status };
  return { ...found, conditions: [...scheduleConditions(input), ...nonceConditions(told)] };
}

function decided<S extends JobResourceStatus>(input: JobSnapshotsInput<S>): JobSnapshots<S> {
  const followed = TYPES.reduce((before, type) => continueLegacy(before, type), beginWith(input));
  if (followed.steps.length > 0) return followed;
  const next: JobSnapshotsInput<S> = { ...input, status: followed.status };
  const begun = continueObject(next) ?? trigger(next) ?? expireObjects(next) ?? trimHistory(next);
  const wakeUp = begun?.wakeUp ?? earlier(followed.wakeUp, nextPeriod(next));
  if (begun === undefined) return { ...followed, wakeUp };
  return { ...begun, events: [...followed.events, ...begun.events], wakeUp };
}

/** True while a savepoint that is under way outside of FlinkStateSnapshots holds back a change of the spec. */
export function holdsBackChanges(input: Pick<JobSnapshotsInput<JobResourceStatus>, 'status' | 'options'>): boolean {
  return isUnderWay(input.status, 'SAVEPOINT') && !input.options.get(resourceOptions.upgradeIgnorePendingSavepoint);
}

function beginWith<S extends JobResourceStatus>(
  input: JobSnapshotsInput<S>,
): JobSnapshots<S> & { input: typeof input } {
  return { input, status: input.status, steps: [], events: [], wakeUp: undefined, conditions: [] };
}

/** The first snapshot that is asked for or due. */
function trigger<S extends JobResourceStatus>(input: JobSnapshotsInput<S>): JobSnapshots<S> | undefined {
  if (!input.stateIsKnown || input.tasksStarting) return undefined;
  for (const type of TYPES) {
    const why = triggerOf(triggerInput(input, type));
    if (why === undefined || (why === 'PERIODIC' && !mayRepeat(input, type))) continue;
    if (why === 'MANUAL' && isTooSoon(input, type)) continue;
    return usesObjects(input) ? takeObject(input, type, why) : takeLegacy(input, type, why);
  }
  return undefined;
}

function triggerInput<S extends JobResourceStatus>(input: JobSnapshotsInput<S>, type: SnapshotType) {
  const { status, job, flinkVersion, now } = input;
  return {
    type,
    state: status.jobStatus?.state,
    flinkVersion,
    triggerId: pendingTrigger(status, type).triggerId,
    nonce: nonceOf(job, type),
    recordedNonce: recordedNonce(status, type),
    schedule: scheduleOf(input.options, type),
    lastTriggerMs: lastTrigger(input, type),
    now,
  };
}

function lastTrigger<S extends JobResourceStatus>(input: JobSnapshotsInput<S>, type: SnapshotType): number {
  return lastPeriod(input.status, type, input.readings.objects ?? [], createdAt({ metadata: input.metadata }));
}

/** A period is skipped while the snapshot of the last one is not finished. */
function mayRepeat<S extends JobResourceStatus>(input: JobSnapshotsInput<S>, type: SnapshotType): boolean {
  const remembered = lastPeriod(input.status, type, input.readings.objects ?? [], 0);
  if (input.now - remembered < SHORTEST_PERIOD_MS) return false;
  return !(input.readings.objects ?? []).some((one) => isUnfinishedPeriod(one, type));
}

function isUnfinishedPeriod(snapshot: FlinkStateSnapshot, type: SnapshotType): boolean {
  return isUnfinished(snapshot) && snapshotType(snapshot) === type && triggerTypeOf(snapshot) === 'PERIODIC';
}

/** After a failed attempt that is repeated, the next one waits. */
function isTooSoon<S extends JobResourceStatus>(input: JobSnapshotsInput<S>, type: SnapshotType): boolean {
  const { triggerTimestamp } = pendingTrigger(input.status, type);
  return typeof triggerTimestamp === 'number' && input.now - triggerTimestamp < SHORTEST_PERIOD_MS;
}

/** When the next snapshot is due, or a failed one to be repeated. */
function nextPeriod<S extends JobResourceStatus>(input: JobSnapshotsInput<S>): WakeUp | undefined {
  if (input.status.jobStatus?.state !== 'RUNNING') return undefined;
  let next: WakeUp | undefined;
  for (const type of TYPES) {
    if (!canTake(type, input.flinkVersion)) continue;
    const asked = triggerInput(input, type);
    if (hasNewNonce(asked)) next = earlier(next, after(input.tasksStarting ? STARTING_MS : SHORTEST_PERIOD_MS));
    const due = dueAfter(asked.schedule, asked.lastTriggerMs);
    if (due === undefined) continue;
    // One that is due already waits for something else: for its predecessor, which wakes this object when it ends.
    const waits = input.tasksStarting ? STARTING_MS : SHORTEST_PERIOD_MS;
    const left = due < input.now ? waits : due + 1 - input.now;
    next = earlier(next, after(Math.min(left, LONGEST_WAIT_MS)));
  }
  return next;
}

/** How soon a job whose tasks are starting is looked at again for the sake of a snapshot. */
const STARTING_MS = 500;

/** Timers of JavaScript hold no more than 24 days. */
const LONGEST_WAIT_MS = 24 * 60 * 60_000;

/** The earlier of two times to look again. */
export function earlier(left: WakeUp | undefined, right: WakeUp | undefined): WakeUp | undefined {
  if (left?.kind !== 'after') return right ?? left;
  return right?.kind === 'after' && right.ms < left.ms ? right : left;
}
