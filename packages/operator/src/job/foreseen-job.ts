import type { UpgradeMode } from '@drey/api';
import { type Answer, checkpointingOptions, type FlinkConfig } from '@drey/flink';
import type { FlinkCheckpoint, FlinkCheckpoints } from '../runtime/ports.ts';
import { type ChangeClass, type ChangeClassification, isInPlace } from './change-class.ts';
import type { ForeseenChange, ForeseenState, ForeseenUpgrade, Foresight } from './foresight.ts';
import { NOT_ADDRESSABLE, newestCheckpoint } from './job-observation.ts';
import { currentOperation } from './operation.ts';
import { downtimes } from './operation-history.ts';
import type { JobResourceStatus } from './resource.ts';
import { LAST_STATE_MARKER, recordedStatePath } from './status.ts';
import { isTerminal, type SuspendMode, type UpgradeRule } from './upgrade-choice.ts';

/** What the foresight of every kind with a job rests on. */
export interface ForeseenJob {
  readonly now: number;
  /** Why the spec would not be acted on. */
  readonly invalid: string | undefined;
  /** The object is being deleted, so that its spec does not matter any more. */
  readonly isDeleting: boolean;
  /** The status that the object has. */
  readonly before: JobResourceStatus;
  /** The same with the observations in it. */
  readonly status: JobResourceStatus;
  readonly generation: number;
  /**
   * `job` of the spec that was acted on last, empty where that runs none; undefined: none was. Its state is `suspended` also
   * while a job is started, its mode the one that was really used.
   */
  readonly recorded: WantedJob | undefined;
  /** `job` of the wanted spec; undefined: it runs none. */
  readonly wanted: WantedJob | undefined;
  readonly classification: ChangeClassification;
  /** Configuration in force for the wanted spec. */
  readonly options: FlinkConfig;
  readonly checkpoints: Answer<FlinkCheckpoints> | undefined;
  /** What was decided. */
  readonly plan: { readonly status: JobResourceStatus; readonly steps: readonly { readonly kind: string }[] };
}

/** The members of `job` that matter here. */
interface WantedJob {
  readonly state?: string | null;
  readonly upgradeMode?: UpgradeMode | null;
  readonly initialSavepointPath?: string | null;
}

/** The upgrade mode that the user asked for. */
export function askedMode({ wanted }: Pick<ForeseenJob, 'wanted'>): UpgradeMode {
  return wanted?.upgradeMode ?? 'stateless';
}

/** What carrying out the wanted spec amounts to. */
export function changeOf(job: ForeseenJob): ForeseenChange {
  const { recorded, wanted, classification, generation, before } = job;
  if (job.isDeleting) return 'nothing';
  if (job.invalid !== undefined) return 'invalid';
  const isSuspended = wanted?.state === 'suspended';
  if (recorded === undefined) return isSuspended ? 'nothing' : 'create';
  if (isBeingStarted(job)) return 'nothing';
  if (recorded.state === 'suspended' && classification.class !== 'redeploy') return isSuspended ? 'nothing' : 'resume';
  // The record names the mode that was really used, so the same spec may differ from it; nothing is done about that.
  if (generation === before.observedGeneration && classification.class === 'operator-only') return 'nothing';
  const change = classOf(job);
  return isSuspended && change === 'upgrade' ? 'suspend' : change;
}

/** The wanted spec is the one that is being started already: that its job is to run is all that differs. */
function isBeingStarted({ before, generation, wanted, classification }: ForeseenJob): boolean {
  const phase = currentOperation(before.operation)?.phase;
  const starts = phase === 'removing' || phase === 'deploying' || phase === 'submitting';
  if (!starts || generation !== before.observedGeneration || wanted?.state === 'suspended') return false;
  return classification.differences.every((one) => one.class === 'operator-only' || one.field === 'job.state');
}

/** Where Flink refuses to change the running job in place, the decision is an upgrade. */
function classOf({ classification, before, plan }: ForeseenJob): ChangeClass {
  const begun = currentOperation(before.operation) === undefined ? currentOperation(plan.status.operation) : undefined;
  const replaces = isInPlace(classification.class) && begun?.kind === 'upgrade';
  return replaces ? 'upgrade' : classification.class;
}

/** The upgrade that a rule chooses, as it is told. */
export function upgradeBy({ name: because, choice }: UpgradeRule, asked: UpgradeMode): ForeseenUpgrade {
  switch (choice.kind) {
    case 'upgrade':
      return { kind: 'now', mode: choice.suspend, asked, because };
    case 'wait':
      return { kind: 'waits', asked, because: choice.reason };
    case 'failed':
      return { kind: 'fails', asked, because: choice.message };
  }
}

/** Where the job gets its state from after a change. */
export function stateOf(job: ForeseenJob, change: ForeseenChange, upgrade: ForeseenUpgrade | undefined): ForeseenState {
  switch (change) {
    case 'invalid':
      return { kind: 'kept' };
    case 'create':
    case 'redeploy':
      return snapshotAt(job.wanted?.initialSavepointPath ?? undefined);
    case 'resume':
      return resumedState(job);
    case 'upgrade':
    case 'suspend':
      return upgrade === undefined ? { kind: 'none' } : stateAfter(job, upgrade);
    default:
      return { kind: job.recorded?.state === 'suspended' ? 'none' : 'kept' };
  }
}

/** What was suspended without its state is resumed without it, whatever is asked for now. */
function resumedState(job: ForeseenJob): ForeseenState {
  const isStateless = askedMode(job) === 'stateless' || (job.recorded?.upgradeMode ?? 'stateless') === 'stateless';
  return isStateless ? { kind: 'empty' } : snapshotAt(recordedStatePath(job.status));
}

/** Where the job gets its state from when it is replaced in this way. */
export function stateAfter(
  job: Pick<ForeseenJob, 'now' | 'status' | 'options' | 'checkpoints'>,
  upgrade: ForeseenUpgrade,
): ForeseenState {
  if (upgrade.kind !== 'now') return { kind: 'kept' };
  switch (upgrade.mode) {
    case 'STATELESS':
      return { kind: 'empty' };
    case 'SAVEPOINT': {
      const path = job.options.get(checkpointingOptions.savepointDir);
      const sizeBytes = newestIn(job.checkpoints)?.stateSizeBytes;
      return { kind: 'new-savepoint', path, ageMs: undefined, sizeBytes };
    }
    case 'NOOP':
      return upgrade.asked === 'stateless' ? { kind: 'empty' } : snapshotAt(recordedStatePath(job.status));
    case 'CANCEL':
    case 'LAST_STATE':
      return checkpointState(newestIn(job.checkpoints), job.now);
  }
}

/** The newest state that Flink tells of. */
export function newestIn(checkpoints: Answer<FlinkCheckpoints> | undefined): FlinkCheckpoint | undefined {
  return checkpoints?.kind === 'ok' ? newestCheckpoint(checkpoints.value) : undefined;
}

/** A checkpoint of the running job, with what is known of it. */
export function checkpointState(found: FlinkCheckpoint | undefined, now: number): ForeseenState {
  const path = found?.path === NOT_ADDRESSABLE ? undefined : found?.path;
  const taken = found !== undefined && found.triggeredAt > 0;
  return {
    kind: 'checkpoint',
    path,
    ageMs: taken ? now - found.triggeredAt : undefined,
    sizeBytes: found?.stateSizeBytes,
  };
}

/** A snapshot that is there, or the newest checkpoint where only high availability knows it. */
export function snapshotAt(path: string | undefined): ForeseenState {
  if (path === undefined || path === '') return { kind: 'empty' };
  const kind = path === LAST_STATE_MARKER ? 'checkpoint' : 'snapshot';
  return { kind, path: kind === 'snapshot' ? path : undefined, ageMs: undefined, sizeBytes: undefined };
}

/** How long the job was down the last times. */
export function expectedDowntime({ lastOperations }: JobResourceStatus): Foresight['downtime'] {
  const past = [...downtimes(lastOperations ?? [])].sort((a, b) => a - b);
  const expectedMs = past[Math.floor(past.length / 2)];
  const longestMs = past.at(-1);
  if (expectedMs === undefined || longestMs === undefined) return undefined;
  return { expectedMs, longestMs, basedOn: past.length };
}

/** What a person should know before, of every kind with a job; each is a whole sentence. */
export function jobWarnings(
  job: ForeseenJob,
  change: ForeseenChange,
  upgrade: ForeseenUpgrade | undefined,
): readonly string[] {
  if (job.isDeleting) return ['It is being deleted, and nothing else is done about it.'];
  const operation = currentOperation(job.before.operation);
  const goesOn = change === 'nothing' ? 'goes on' : 'goes on first';
  const rerun = change === 'upgrade' && isTerminal(job.status.jobStatus?.state ?? undefined);
  return [
    ...(job.invalid === undefined ? [] : [`The spec is invalid and would not be acted on: ${job.invalid}`]),
    ...(operation === undefined
      ? []
      : [`An operation is under way (${operation.kind}, ${operation.phase}); it ${goesOn}.`]),
    ...upgradeWarnings(job, upgrade),
    ...(rerun ? [`The job is ${job.status.jobStatus?.state}; the change starts it again.`] : []),
    ...stalledMessage(job.plan),
  ];
}

/** What an upgrade does that its user may not expect. */
export function upgradeWarnings(
  { checkpoints }: Pick<ForeseenJob, 'checkpoints'>,
  upgrade: ForeseenUpgrade | undefined,
): readonly string[] {
  if (upgrade?.kind !== 'now') return [];
  const { mode, asked, because } = upgrade;
  const used = MODE_NAMES[mode];
  const other =
    used !== undefined && asked !== used ? [`The upgrade mode is ${asked}, but ${used} will be used: ${because}.`] : [];
  const dropped = mode === 'STATELESS' && newestIn(checkpoints) !== undefined;
  return [...other, ...(dropped ? ['The job has checkpoints, and upgradeMode stateless drops its state.'] : [])];
}

const MODE_NAMES: Readonly<Partial<Record<SuspendMode, string>>> = {
  SAVEPOINT: 'savepoint',
  LAST_STATE: 'last-state',
  CANCEL: 'last-state',
  STATELESS: 'stateless',
};

/** What the decision itself would tell people to do. */
function stalledMessage({ status }: ForeseenJob['plan']): readonly string[] {
  const stalled = status.conditions?.find((one) => one.type === 'Stalled' && one.status === 'True');
  if (stalled === undefined || stalled.reason === 'ValidationError') return [];
  return [stalled.message ?? 'Somebody has to do something first.'];
}

/** Readings in which Flink could not be asked, and what is taken instead. */
export interface SilentFlink<J> {
  readonly jobs: Extract<Answer<readonly J[]>, { readonly kind: 'ok' }>;
  readonly unread: Extract<Answer<never>, { readonly kind: 'unknown' }>;
  readonly warning: string;
}

/**
 * Where Flink cannot be asked from here, its job is taken to be in the state that the status says: the operator is nearer to
 * it, and would have written another one. undefined: Flink was asked, or the status says nothing.
 */
export function jobAsTheStatusSays(
  jobs: Answer<readonly unknown[]> | undefined,
  { jobStatus }: JobResourceStatus,
): SilentFlink<{ jobId: string; name: string; state: string; startTime: number }> | undefined {
  const { jobId, jobName, state, startTime } = jobStatus ?? {};
  const isSilent = jobs !== undefined && jobs.kind !== 'ok';
  if (!isSilent || typeof jobId !== 'string' || typeof state !== 'string') return undefined;
  const message = whySilent(jobs);
  return {
    jobs: { kind: 'ok', value: [{ jobId, name: jobName ?? '', state, startTime: Number(startTime ?? 0) }] },
    unread: { kind: 'unknown', reason: 'unreachable', message, maybeDone: false },
    warning: `Flink could not be asked from here (${message}): the job is taken to be ${state}, as its status says, and its checkpoints are not known.`,
  };
}

/** Why Flink could not be asked. */
export function whySilent({ message }: { readonly message: string }): string {
  return message === '' ? 'something else answers at its address' : message;
}
