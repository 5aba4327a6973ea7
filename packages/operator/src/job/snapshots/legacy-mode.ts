import type { SavepointInfo, SnapshotTriggerType } from '@drey/api';
import { type Answer, checkpointingOptions, resourceOptions } from '@drey/flink';
import type { PlannedEvent } from '../planned.ts';
import type { JobResourceStatus } from '../resource.ts';
import { after, inTransition } from '../wake-up.ts';
import type { JobSnapshots, JobSnapshotsInput } from './input.ts';
import { nonceOf, withNonce } from './nonce.ts';
import { referenceTo } from './references.ts';
import { expiredHistory, retentionLimits } from './retention.ts';
import { isUnderWay, pendingTrigger, withInfo, withoutTrigger, withPeriod } from './snapshot-memory.ts';
import { snapshotType } from './snapshot-object.ts';
import type { SnapshotStep } from './steps.ts';
import type { SnapshotType } from './trigger.ts';

/** Begins a snapshot that only the status knows: id, time and reason are recorded, then Flink is asked under that id. */
export function takeLegacy<S extends JobResourceStatus>(
  input: JobSnapshotsInput<S>,
  type: SnapshotType,
  trigger: 'MANUAL' | 'PERIODIC',
): JobSnapshots<S> | undefined {
  const { status, options, now, freshId } = input;
  const formatType =
    type === 'SAVEPOINT'
      ? options.get(resourceOptions.savepointFormatType)
      : options.get(resourceOptions.checkpointType);
  const begun = withInfo(status, type, {
    triggerId: freshId,
    triggerTimestamp: now,
    triggerType: trigger,
    formatType,
  });
  const recorded = trigger === 'PERIODIC' ? withPeriod(begun, type, now) : begun;
  const step = triggerStep(input, type, freshId, formatType);
  return { status: recorded, steps: [step], events: [], wakeUp: inTransition(0), conditions: [] };
}

function triggerStep<S extends JobResourceStatus>(
  { status, options }: JobSnapshotsInput<S>,
  type: SnapshotType,
  triggerId: string,
  formatType: string | null | undefined,
): SnapshotStep {
  const jobId = status.jobStatus?.jobId ?? '';
  if (type === 'CHECKPOINT') {
    const full = formatType === 'INCREMENTAL' ? 'INCREMENTAL' : 'FULL';
    return { kind: 'trigger-checkpoint', trigger: { jobId, triggerId, type: full } };
  }
  const format = formatType === 'NATIVE' ? 'NATIVE' : 'CANONICAL';
  const targetDirectory = options.get(checkpointingOptions.savepointDir);
  return { kind: 'trigger-savepoint', trigger: { jobId, triggerId, targetDirectory, format } };
}

/** A savepoint as a status remembers it; checkpoints have the same members without a place. */
type Savepoint = NonNullable<SavepointInfo['lastSavepoint']>;

type Following<S extends JobResourceStatus> = JobSnapshots<S> & { readonly input: JobSnapshotsInput<S> };

/** Follows the snapshot of one type that the status names as under way; whatever came of it is in the status then. */
export function continueLegacy<S extends JobResourceStatus>(before: Following<S>, type: SnapshotType): Following<S> {
  const { status } = before;
  if (!isUnderWay(status, type)) return before;
  const input = { ...before.input, status };
  const { triggerId, triggerTimestamp, formatType } = pendingTrigger(status, type);
  const elapsed = input.now - (triggerTimestamp ?? 0);
  const answer = type === 'SAVEPOINT' ? input.readings.savepoint : input.readings.checkpoint;
  const outcome = outcomeOf(answer);
  if (outcome?.kind === 'completed') return { ...before, status: completed(input, type, outcome.location) };
  if (outcome?.kind === 'failed') return failed(before, input, type, outcome.message);
  if (input.stateIsKnown && status.jobStatus?.state !== 'RUNNING') return overtaken(before, input, type);
  if (answer?.kind === 'not-found') {
    const message = 'Flink knows nothing of it: the JobManager was replaced, or the result has expired';
    if (elapsed >= graceMs(input, type)) return failed(before, input, type, message);
    const step = triggerStep(input, type, triggerId ?? '', formatType);
    return { ...before, steps: [...before.steps, step], wakeUp: inTransition(elapsed) };
  }
  return { ...before, wakeUp: inTransition(elapsed) };
}

type LegacyOutcome =
  | { readonly kind: 'completed'; readonly location: string | undefined }
  | { readonly kind: 'failed'; readonly message: string };

type LegacyAnswer = Answer<
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'completed'; readonly location?: string }
  | { readonly kind: 'failed'; readonly failure: { readonly message: string } }
>;

/** undefined: not over yet, or not known. */
function outcomeOf(answer: LegacyAnswer | undefined): LegacyOutcome | undefined {
  if (answer?.kind !== 'ok' || answer.value.kind === 'in-progress') return undefined;
  return answer.value.kind === 'failed'
    ? { kind: 'failed', message: answer.value.failure.message }
    : { kind: 'completed', location: answer.value.location };
}

function graceMs<S extends JobResourceStatus>({ options }: JobSnapshotsInput<S>, type: SnapshotType): number {
  return options.get(
    type === 'SAVEPOINT' ? resourceOptions.savepointTriggerGracePeriod : resourceOptions.checkpointTriggerGracePeriod,
  );
}

function completed<S extends JobResourceStatus>(
  input: JobSnapshotsInput<S>,
  type: SnapshotType,
  location: string | undefined,
): S {
  const { status, now } = input;
  const { triggerTimestamp, triggerType, formatType } = pendingTrigger(status, type);
  const nonce = triggerType === 'MANUAL' ? nonceOf(input.job, type) : undefined;
  const taken: Savepoint = {
    timeStamp: triggerTimestamp ?? now,
    ...(location === undefined ? {} : { location }),
    ...(triggerType === undefined ? {} : { triggerType }),
    ...(formatType === undefined ? {} : { formatType: formatType as Savepoint['formatType'] & string }),
    ...(nonce === undefined || nonce === null ? {} : { triggerNonce: nonce }),
  };
  const over = withoutTrigger(status, type);
  const remembered =
    type === 'SAVEPOINT' ? withSavepoint(over, taken) : withInfo(over, type, { lastCheckpoint: taken });
  return withNonce(remembered, input.kind, type, { nonce, now });
}

/** A status that remembers a savepoint: as the last one, and in the history unless it is there already. */
export function withSavepoint<S extends JobResourceStatus>(status: S, taken: Savepoint): S {
  const history = status.jobStatus?.savepointInfo?.savepointHistory ?? [];
  const isThere = history.at(-1)?.location === taken.location;
  return withInfo(status, 'SAVEPOINT', {
    lastSavepoint: taken,
    savepointHistory: isThere ? history : [...history, taken],
  });
}

/**
 * The snapshot was not taken. One that a nonce asked for is tried again until its grace period is over; a periodic one waits
 * for its next period.
 */
function failed<S extends JobResourceStatus>(
  before: Following<S>,
  input: JobSnapshotsInput<S>,
  type: SnapshotType,
  message: string,
): Following<S> {
  const { status, now } = input;
  const { triggerTimestamp, triggerType } = pendingTrigger(status, type);
  const givenUp = now - (triggerTimestamp ?? 0) >= graceMs(input, type);
  const over = withoutTrigger(status, type);
  const event = failure(input, type, triggerType, message);
  if (triggerType !== 'MANUAL') return { ...before, status: over, events: [...before.events, event] };
  const next = givenUp
    ? withNonce(over, input.kind, type, { nonce: nonceOf(input.job, type), now })
    : withInfo(over, type, { triggerTimestamp });
  return { ...before, status: next, events: [...before.events, event] };
}

/** The job does not run any more, so nobody will finish its snapshot. */
function overtaken<S extends JobResourceStatus>(
  before: Following<S>,
  input: JobSnapshotsInput<S>,
  type: SnapshotType,
): Following<S> {
  const { status, now } = input;
  const { triggerType } = pendingTrigger(status, type);
  const over = withoutTrigger(status, type);
  const nonce = triggerType === 'MANUAL' ? nonceOf(input.job, type) : undefined;
  const event = failure(input, type, triggerType, 'the job does not run any more');
  return {
    ...before,
    status: withNonce(over, input.kind, type, { nonce, now }),
    events: [...before.events, event],
  };
}

function failure<S extends JobResourceStatus>(
  input: JobSnapshotsInput<S>,
  type: SnapshotType,
  trigger: SnapshotTriggerType | null | undefined,
  message: string,
): PlannedEvent {
  const what = type === 'SAVEPOINT' ? 'Savepoint' : 'Checkpoint';
  const which =
    trigger === 'PERIODIC'
      ? `Periodic ${what.toLowerCase()} failed`
      : `${what} failed for ${what.toLowerCase()}TriggerNonce: ${nonceOf(input.job, type) ?? 'none'}`;
  return { type: 'Warning', reason: `${what}Error`, message: `${which}: ${message}`, component: 'Operator' };
}

/**
 * Lets the oldest savepoint of the status history go that is too old or too much: its files first, unless something may still
 * be started from them, then the entry. One a pass, so that an entry goes only after Flink accepted its disposal.
 */
export function trimHistory<S extends JobResourceStatus>(input: JobSnapshotsInput<S>): JobSnapshots<S> | undefined {
  const { status, options, policy, readings, now } = input;
  const history = status.jobStatus?.savepointInfo?.savepointHistory ?? [];
  if (history.length === 0 || status.jobStatus?.state !== 'RUNNING' || !input.stateIsKnown) return undefined;
  const objects = readings.objects ?? [];
  const completedObjects = objects.filter(
    (one) => snapshotType(one) === 'SAVEPOINT' && one.status?.state === 'COMPLETED',
  ).length;
  const limits = retentionLimits('SAVEPOINT', options, policy.caps, now);
  const expired = expiredHistory(history, completedObjects, limits).find(
    ({ location }) => referenceTo(location ?? '', readings.references) === undefined,
  );
  if (expired === undefined) return undefined;
  const rest = withInfo(status, 'SAVEPOINT', { savepointHistory: history.filter((entry) => entry !== expired) });
  const path = expired.location ?? '';
  const disposes = options.get(resourceOptions.savepointCleanupEnabled) && path !== '';
  return {
    status: disposes ? status : rest,
    steps: disposes ? [{ kind: 'dispose-savepoint', path }] : [],
    ...(disposes ? { settled: rest } : {}),
    events: [],
    wakeUp: after(0),
    conditions: [],
  };
}
