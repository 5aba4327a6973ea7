import {
  type FlinkStateSnapshot,
  type FlinkStateSnapshotStatus,
  type Operation,
  validateFlinkStateSnapshot,
} from '@drey/api';
import { areTasksStarting } from '../job/job-facts.ts';
import { elapsedMs, isOfLaterLeader } from '../job/operation.ts';
import type { PlannedEvent } from '../job/planned.ts';
import type { ErrorLimits } from '../job/resource-error.ts';
import { createdAt } from '../job/snapshots/retention.ts';
import { snapshotType } from '../job/snapshots/snapshot-object.ts';
import { canTake } from '../job/snapshots/trigger.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import { after, atRest, inTransition, ON_CHANGE } from '../job/wake-up.ts';
import { deletion, FINALIZER } from './deletion.ts';
import { snapshotLabels } from './labels.ts';
import {
  completed,
  failedAttempt,
  operationOf,
  retryDelayMs,
  type SnapshotOutcome,
  snapshotWarning,
  statusOf,
  timestamp,
  withConditions,
} from './outcome.ts';
import type { SnapshotControllerStep, SnapshotPlan } from './plan.ts';
import { progressOf, type SnapshotProgress } from './progress.ts';
import type { SnapshotWorld, TargetJob } from './world.ts';

/** Policy that comes from outside a decision. */
export interface SnapshotConfig {
  readonly errorLimits: ErrorLimits;
  /** How often an object at rest is looked at, in milliseconds. */
  readonly restIntervalMs: number;
  /** How long a deletion waits for a cluster that does not answer, in milliseconds. */
  readonly cleanupTimeoutMs: number;
}

/**
 * What to do about a FlinkStateSnapshot (reference: snapshots.md 3 to 8). Pure and total: the same world gives the same plan,
 * and every world gives one.
 */
export function decide(world: SnapshotWorld, config: SnapshotConfig): SnapshotPlan {
  const { snapshot, target } = world;
  const status = statusOf(snapshot.status);
  if (isOfLaterLeader(status.operation, world.epoch)) {
    return { status: snapshot.status ?? status, steps: [], labels: {}, events: [], wakeUp: after(5_000) };
  }
  const deleting = snapshot.metadata.deletionTimestamp !== undefined;
  const outcome = deleting ? deletion(world, status, config) : living(world, status, config);
  const complete = (one: FlinkStateSnapshotStatus) => withConditions(snapshot, outcome, one, world.now);
  const job = target.kind === 'found' ? target.job : undefined;
  const leaving = outcome.steps?.some((step) => step.kind === 'remove-finalizer') === true;
  return {
    status: leaving ? (snapshot.status ?? status) : complete(outcome.status),
    steps: deleting ? (outcome.steps ?? []) : withFinalizer(snapshot, outcome.steps ?? []),
    ...(outcome.settled === undefined ? {} : { settled: complete(outcome.settled) }),
    labels: leaving ? {} : snapshotLabels(snapshot, (outcome.settled ?? outcome.status).state, job),
    events: outcome.events ?? [],
    wakeUp: outcome.wakeUp,
  };
}

function withFinalizer(
  snapshot: FlinkStateSnapshot,
  steps: readonly SnapshotControllerStep[],
): readonly SnapshotControllerStep[] {
  return (snapshot.metadata.finalizers ?? []).includes(FINALIZER) ? steps : [{ kind: 'add-finalizer' }, ...steps];
}

function living(world: SnapshotWorld, status: FlinkStateSnapshotStatus, config: SnapshotConfig): SnapshotOutcome {
  switch (status.state) {
    case 'COMPLETED':
    case 'FAILED':
    case 'ABANDONED':
      return { status, wakeUp: ON_CHANGE };
    case 'IN_PROGRESS':
      return follow(world, status, config);
    default:
      return pending(world, status, config);
  }
}

/** Nothing was asked of Flink yet, or it is not known whether the request came through. */
function pending(world: SnapshotWorld, status: FlinkStateSnapshotStatus, config: SnapshotConfig): SnapshotOutcome {
  const { snapshot, target, now } = world;
  const operation = operationOf(status);
  if (operation !== undefined) return follow(world, status, config);
  const problem = validateFlinkStateSnapshot(snapshot, target.kind === 'found');
  if (problem !== undefined) return invalid(status, problem.message, problem.nextStep, config);
  if (snapshot.spec.savepoint?.alreadyExists === true) return existing(world, status);
  const retryAt = (status.failures ?? 0) > 0 ? Date.parse(status.resultTimestamp ?? '') : Number.NaN;
  const left = Number.isNaN(retryAt) ? 0 : retryAt + retryDelayMs(status.failures ?? 0) - now;
  if (left > 0) return { status, wakeUp: after(left) };
  if (target.kind !== 'found') return abandoned(world, status, 'was not found');
  const { job } = target;
  if (job.state === 'RUNNING' && job.jobId !== undefined) {
    return areTasksOf(world, job) === 'starting' ? tasksStarting(status, job) : begin(world, status, job, config);
  }
  const patience = createdAt(snapshot) + job.readinessTimeoutMs - now;
  if (!job.starting || patience <= 0) return abandoned(world, status, 'is not running');
  const message = `The job ${job.name} does not run yet; it is waited for until it does.`;
  return {
    status,
    progress: { reason: 'JobStarting', message },
    wakeUp: after(Math.min(patience, config.restIntervalMs)),
  };
}

/** Flink takes no snapshot of a job some of whose tasks do not run. What it does not tell is no reason to wait. */
function areTasksOf({ flink }: SnapshotWorld, { jobId }: TargetJob): 'starting' | 'running' {
  const jobs = flink.jobs?.kind === 'ok' ? flink.jobs.value : [];
  const job = jobs.find((one) => one.jobId === jobId);
  return job !== undefined && areTasksStarting(job) ? 'starting' : 'running';
}

function tasksStarting(status: FlinkStateSnapshotStatus, { name }: TargetJob): SnapshotOutcome {
  const message = `Not all tasks of the job ${name} run yet; it is waited for until they do.`;
  return { status, progress: { reason: 'JobStarting', message }, wakeUp: after(TASKS_MS) };
}

/** How soon a job whose tasks are starting is looked at again. */
const TASKS_MS = 500;

function invalid(
  status: FlinkStateSnapshotStatus,
  message: string,
  nextStep: string,
  config: SnapshotConfig,
): SnapshotOutcome {
  const event: PlannedEvent = {
    type: 'Warning',
    reason: 'ValidationError',
    message,
    component: 'Operator',
    once: true,
  };
  return {
    status,
    events: [event],
    stalled: { reason: 'ValidationError', message: `${message} ${nextStep}` },
    wakeUp: atRest(config.restIntervalMs),
  };
}

/** A savepoint that is there already is only taken note of; its job need not exist. */
function existing({ snapshot, now }: SnapshotWorld, status: FlinkStateSnapshotStatus): SnapshotOutcome {
  const path = snapshot.spec.savepoint?.path ?? undefined;
  return { status: { ...completed(status, path, now), triggerTimestamp: timestamp(now) }, wakeUp: ON_CHANGE };
}

/** The job is not there, or does not run: there is nothing to take a snapshot of. */
function abandoned(
  { snapshot, now }: SnapshotWorld,
  status: FlinkStateSnapshotStatus,
  why: 'was not found' | 'is not running',
): SnapshotOutcome {
  const { kind, name } = snapshot.spec.jobReference ?? {};
  const error = `Secondary resource ${name} (${kind}) for savepoint ${snapshot.metadata.name} ${why}`;
  const { operation: _, path: __, ...rest } = status;
  return {
    status: { ...rest, state: 'ABANDONED', error, resultTimestamp: timestamp(now) },
    events: [snapshotWarning('SnapshotAbandoned', error)],
    wakeUp: ON_CHANGE,
  };
}

/** Records under which id Flink is going to be asked, and asks. */
function begin(
  world: SnapshotWorld,
  status: FlinkStateSnapshotStatus,
  job: TargetJob,
  config: SnapshotConfig,
): SnapshotOutcome {
  const { snapshot, now, epoch, fresh } = world;
  const refusal = refusalOf(snapshot, job);
  if (refusal !== undefined) return failedAttempt(snapshot, status, refusal, { ...config, now });
  const operation: Operation = {
    id: fresh.operationId,
    kind: snapshotType(snapshot) === 'SAVEPOINT' ? 'savepoint' : 'checkpoint',
    phase: 'triggering',
    target: job.jobId ?? '',
    epoch,
    startedAt: timestamp(now),
    ...(job.jobManager === undefined ? {} : { jobManager: job.jobManager }),
  };
  return ask(world, status, operation, job);
}

/** Why Flink is not even asked. */
function refusalOf(snapshot: FlinkStateSnapshot, job: TargetJob): string | undefined {
  if (snapshotType(snapshot) === 'CHECKPOINT') {
    return canTake('CHECKPOINT', job.flinkVersion)
      ? undefined
      : 'Checkpoints can be asked for from Flink 1.17 on. Take a savepoint, or upgrade Flink.';
  }
  if (snapshot.spec.savepoint?.formatType === 'UNKNOWN') return 'A savepoint of the format UNKNOWN cannot be taken.';
  if (directoryOf(snapshot, job) !== undefined) return undefined;
  return 'There is no directory to write to. Set spec.savepoint.path, or execution.checkpointing.savepoint-dir of the job.';
}

function directoryOf(snapshot: FlinkStateSnapshot, job: TargetJob | undefined): string | undefined {
  const own = snapshot.spec.savepoint?.path;
  return typeof own === 'string' && own !== '' ? own : job?.savepointDirectory;
}

/** Asking twice under one id is asking once, as long as the JobManager lives. */
function ask(
  { snapshot }: SnapshotWorld,
  status: FlinkStateSnapshotStatus,
  operation: Operation,
  job: TargetJob | undefined,
): SnapshotOutcome {
  const jobId = operation.target ?? '';
  const triggerId = operation.id;
  const format = snapshot.spec.savepoint?.formatType === 'NATIVE' ? 'NATIVE' : 'CANONICAL';
  const step: SnapshotControllerStep =
    snapshotType(snapshot) === 'CHECKPOINT'
      ? { kind: 'trigger-checkpoint', trigger: { jobId, triggerId, type: 'FULL' } }
      : {
          kind: 'trigger-savepoint',
          trigger: { jobId, triggerId, targetDirectory: directoryOf(snapshot, job), format },
        };
  return {
    status: { ...status, state: 'TRIGGER_PENDING', operation },
    steps: [step],
    settled: accepted(status, operation),
    wakeUp: inTransition(0),
  };
}

/** Flink has taken the request. The record of the operation stays, since it knows the job's id at that time. */
function accepted(status: FlinkStateSnapshotStatus, operation: Operation): FlinkStateSnapshotStatus {
  return {
    ...status,
    state: 'IN_PROGRESS',
    triggerId: operation.id,
    jobId: operation.target ?? '',
    triggerTimestamp: operation.startedAt ?? '',
    operation: { ...operation, phase: 'triggered' },
  };
}

/** What became of a snapshot that Flink was asked for. A Flink that does not answer is no failure: it is asked again. */
function follow(world: SnapshotWorld, status: FlinkStateSnapshotStatus, config: SnapshotConfig): SnapshotOutcome {
  const { snapshot, target, now } = world;
  const operation = operationOf(status);
  const progress = progressOf(world);
  const job = target.kind === 'found' ? target.job : undefined;
  const current = operation?.phase === 'triggering' ? accepted(status, operation) : status;
  switch (progress.kind) {
    case 'completed':
      return arrived(current, progress, now);
    case 'failed':
      return failedAttempt(snapshot, current, progress.message, { ...config, now });
    case 'not-listed':
      return unlisted(current, operation, now);
    case 'forgotten':
    case 'unknown':
    case 'in-progress':
      break;
  }
  if (target.kind !== 'found') return abandoned(world, current, 'was not found');
  const over = job !== undefined && job.state !== 'RUNNING' && !job.starting;
  if (over || isTerminal(job?.starting ? undefined : job?.state)) return abandoned(world, current, 'is not running');
  const lost = 'Flink knows nothing of the snapshot any more: its JobManager was replaced, or the result has expired.';
  const isReplaced = progress.kind === 'unknown' && isJobManagerReplaced(operation, job);
  if (job?.clusterGone === true || isReplaced) return failedAttempt(snapshot, current, lost, { ...config, now });
  const wakeUp = inTransition(sinceMs(current, now));
  if (progress.kind === 'in-progress') return { status: current, wakeUp };
  if (progress.kind === 'unknown') return { status, progress: silence(progress.message), wakeUp };
  if (operation?.phase === 'triggering') return ask(world, status, operation, job);
  return failedAttempt(snapshot, current, lost, { ...config, now });
}

/** Flink keeps what it was asked for in the memory of its JobManager, with high availability too. */
function isJobManagerReplaced(operation: Operation | undefined, job: TargetJob | undefined): boolean {
  const [asked, serves] = [operation?.jobManager ?? undefined, job?.jobManager];
  return asked !== undefined && serves !== undefined && asked !== serves;
}

function arrived(
  status: FlinkStateSnapshotStatus,
  progress: Extract<SnapshotProgress, { kind: 'completed' }>,
  now: number,
): SnapshotOutcome {
  const events = progress.path === '' ? [snapshotWarning('CheckpointError', NO_PATH)] : [];
  return { status: completed(status, progress.path, now), events, wakeUp: ON_CHANGE };
}

/**
 * The checkpoint is complete, but not in Flink's history. Flink tells of that from a cache of some seconds, so only what is
 * not there after those is not there.
 */
function unlisted(status: FlinkStateSnapshotStatus, operation: Operation | undefined, now: number): SnapshotOutcome {
  const wakeUp = after(LOCATING_MS);
  if (operation?.phase !== 'locating') {
    const begun = operation ?? { id: status.triggerId ?? '', kind: 'checkpoint' };
    return { status: { ...status, operation: { ...begun, phase: 'locating', startedAt: timestamp(now) } }, wakeUp };
  }
  const settled = elapsedMs(operation, now) >= HISTORY_SETTLES_MS;
  return settled ? arrived(status, { kind: 'completed', path: '' }, now) : { status, wakeUp };
}

const LOCATING_MS = 500;
const HISTORY_SETTLES_MS = 10_000;

const NO_PATH =
  'The checkpoint is complete, but Flink does not say where it lies: it is no longer in the history. Raise web.checkpoints.history to keep more.';

function silence(message: string) {
  return { reason: 'FlinkNotAnswering', message: `Flink does not say how far the snapshot has come: ${message}` };
}

function sinceMs(status: FlinkStateSnapshotStatus, now: number): number {
  const operation = operationOf(status);
  if (operation !== undefined) return elapsedMs(operation, now);
  const triggered = Date.parse(status.triggerTimestamp ?? '');
  return Number.isNaN(triggered) ? 0 : now - triggered;
}
