import { checkpointingOptions } from '@drey/flink';
import { type ChangeClass, type ClassifiedDifference, isInPlace } from '../job/change-class.ts';
import { NOT_ADDRESSABLE, newestCheckpoint } from '../job/job-observation.ts';
import { currentOperation } from '../job/operation.ts';
import { downtimes } from '../job/operation-history.ts';
import { LAST_STATE_MARKER, recordedStatePath } from '../job/status.ts';
import { isTerminal, type SuspendMode, upgradeRule } from '../job/upgrade-choice.ts';
import { type Context, type DecideConfig, isSessionCluster, isSuspended, jobOf } from './context.ts';
import { contextOf, decide } from './decide.ts';
import type { Plan, Step } from './plan.ts';
import { upgradeFacts } from './upgrade/upgrade-facts.ts';
import type { World } from './world.ts';

/** What carrying out a spec amounts to: a class of change, or one of the ways in which there is nothing to compare with. */
export type ForeseenChange = ChangeClass | 'create' | 'suspend' | 'resume' | 'invalid';

/** Where the job gets its state from. */
export type ForeseenState =
  /** Nothing is started. */
  | { readonly kind: 'none' }
  /** The job goes on as it is. */
  | { readonly kind: 'kept' }
  | { readonly kind: 'empty' }
  | {
      /** A savepoint that is still to be taken, a checkpoint of the running job, or a snapshot that is there. */
      readonly kind: 'new-savepoint' | 'checkpoint' | 'snapshot';
      /** Of a savepoint to be taken: the directory. */
      readonly path: string | undefined;
      readonly ageMs: number | undefined;
      /** Of a savepoint to be taken: the size of the newest snapshot. */
      readonly sizeBytes: number | undefined;
    };

/** How the running job is replaced. */
export type ForeseenUpgrade =
  | { readonly kind: 'now'; readonly mode: SuspendMode; readonly asked: string; readonly because: string }
  | { readonly kind: 'waits' | 'fails'; readonly asked: string; readonly because: string };

/** What a spec would do to a deployment. */
export interface Foresight {
  readonly change: ForeseenChange;
  readonly differences: readonly ClassifiedDifference[];
  readonly upgrade: ForeseenUpgrade | undefined;
  readonly state: ForeseenState;
  readonly restarts: { readonly jobManager: boolean; readonly taskManagers: boolean; readonly job: boolean };
  /** How long the job will be down, from the last times; undefined: it will not be, or never was. */
  readonly downtime: { readonly expectedMs: number; readonly longestMs: number; readonly basedOn: number } | undefined;
  /** What the operator would do first. */
  readonly firstSteps: readonly Step['kind'][];
  readonly warnings: readonly string[];
}

/**
 * What the operator would do about a world in which the deployment has the spec in question: the production decision itself,
 * with the reasons it was made for. Pure.
 */
export function foresee(seen: World, config: DecideConfig): Foresight {
  const { world, assumption } = asTheStatusSays(seen);
  const context = contextOf(world, config);
  const plan = decide(world, config);
  const change = changeOf(context);
  const upgrade = change === 'upgrade' || change === 'suspend' ? upgradeOf(context) : undefined;
  const restarts = restartsOf(context, change);
  return {
    change,
    differences: change === 'invalid' || change === 'nothing' ? [] : context.classification.differences,
    upgrade,
    state: stateOf(context, change, upgrade),
    restarts,
    downtime:
      restarts.job && change !== 'create' && change !== 'resume' && change !== 'suspend'
        ? downtimeOf(context)
        : undefined,
    firstSteps: plan.steps.map((step) => step.kind),
    warnings: [...(change === 'nothing' ? [] : assumption), ...warningsOf(context, { change, upgrade, plan })],
  };
}

/**
 * Where Flink cannot be asked from here, its job is taken to be in the state that the status says: the operator is nearer to
 * it, and would have written another one.
 */
function asTheStatusSays(world: World): { readonly world: World; readonly assumption: readonly string[] } {
  const { jobs } = world.flink;
  const { jobId, jobName, state, startTime } = world.deployment.status?.jobStatus ?? {};
  const silent = jobs !== undefined && jobs.kind !== 'ok';
  if (!silent || typeof jobId !== 'string' || typeof state !== 'string') return { world, assumption: [] };
  const job = { jobId, name: jobName ?? '', state, startTime: Number(startTime ?? 0) };
  const why = jobs.message === '' ? 'something else answers at its address' : jobs.message;
  const unread = { kind: 'unknown', reason: 'unreachable', message: why, maybeDone: false } as const;
  return {
    world: {
      ...world,
      flink: { ...world.flink, jobs: { kind: 'ok', value: [job] }, checkpoints: unread, requirements: unread },
    },
    assumption: [
      `Flink could not be asked from here (${why}): the job is taken to be ${state}, as its status says, and its checkpoints are not known.`,
    ],
  };
}

function changeOf(context: Context): ForeseenChange {
  const { recorded, wanted, classification } = context;
  if (context.invalid !== undefined) return 'invalid';
  if (recorded === undefined) return isSuspended(wanted.spec) ? 'nothing' : 'create';
  const suspended = recorded.spec.job?.state === 'suspended';
  if (suspended && classification.class !== 'redeploy') return isSuspended(wanted.spec) ? 'nothing' : 'resume';
  // The record names the mode that was really used, so the same spec may differ from it; nothing is done about that.
  const observed = context.generation === context.status.observedGeneration;
  if (observed && classification.class === 'operator-only') return 'nothing';
  return isSuspended(wanted.spec) && classification.class === 'upgrade' ? 'suspend' : classification.class;
}

function upgradeOf(context: Context): ForeseenUpgrade | undefined {
  if (isSessionCluster(context.wanted.spec)) return undefined;
  const asked = jobOf(context.wanted.spec).upgradeMode ?? 'stateless';
  const { name: because, choice } = upgradeRule(upgradeFacts(context, context.runningOptions));
  switch (choice.kind) {
    case 'upgrade':
      return { kind: 'now', mode: choice.suspend, asked, because };
    case 'wait':
      return { kind: 'waits', asked, because: choice.reason };
    case 'failed':
      return { kind: 'fails', asked, because: choice.message };
  }
}

function stateOf(context: Context, change: ForeseenChange, upgrade: ForeseenUpgrade | undefined): ForeseenState {
  const job = jobOf(context.wanted.spec);
  switch (change) {
    case 'invalid':
      return { kind: 'kept' };
    case 'create':
    case 'redeploy':
      return snapshotAt(job.initialSavepointPath ?? undefined);
    case 'resume':
      return (job.upgradeMode ?? 'stateless') === 'stateless'
        ? { kind: 'empty' }
        : snapshotAt(recordedStatePath(context.status));
    case 'upgrade':
    case 'suspend':
      return upgrade === undefined ? { kind: 'none' } : stateAfter(context, upgrade);
    default:
      return { kind: context.recorded?.spec.job?.state === 'suspended' ? 'none' : 'kept' };
  }
}

function stateAfter(context: Context, upgrade: ForeseenUpgrade): ForeseenState {
  if (upgrade.kind !== 'now') return { kind: 'kept' };
  switch (upgrade.mode) {
    case 'STATELESS':
      return { kind: 'empty' };
    case 'SAVEPOINT': {
      const path = context.options.get(checkpointingOptions.savepointDir);
      return { kind: 'new-savepoint', path, ageMs: undefined, sizeBytes: newest(context)?.stateSizeBytes };
    }
    case 'NOOP':
      return upgrade.asked === 'stateless' ? { kind: 'empty' } : snapshotAt(recordedStatePath(context.status));
    case 'CANCEL':
    case 'LAST_STATE':
      return checkpointOf(context);
  }
}

function newest({ world }: Context) {
  const { checkpoints } = world.flink;
  return checkpoints?.kind === 'ok' ? newestCheckpoint(checkpoints.value) : undefined;
}

function checkpointOf(context: Context): ForeseenState {
  const found = newest(context);
  const path = found?.path === NOT_ADDRESSABLE ? undefined : found?.path;
  const taken = found !== undefined && found.triggeredAt > 0;
  return {
    kind: 'checkpoint',
    path,
    ageMs: taken ? context.now - found.triggeredAt : undefined,
    sizeBytes: found?.stateSizeBytes,
  };
}

function snapshotAt(path: string | undefined): ForeseenState {
  if (path === undefined) return { kind: 'empty' };
  if (path === LAST_STATE_MARKER)
    return { kind: 'checkpoint', path: undefined, ageMs: undefined, sizeBytes: undefined };
  return { kind: 'snapshot', path, ageMs: undefined, sizeBytes: undefined };
}

function restartsOf({ wanted }: Context, change: ForeseenChange): Foresight['restarts'] {
  const all =
    change === 'create' || change === 'resume' || change === 'upgrade' || change === 'redeploy' || change === 'suspend';
  return { jobManager: all, taskManagers: all, job: all && !isSessionCluster(wanted.spec) };
}

function downtimeOf({ status }: Context): Foresight['downtime'] {
  const past = [...downtimes(status.lastOperations ?? [])].sort((a, b) => a - b);
  const expectedMs = past[Math.floor(past.length / 2)];
  const longestMs = past.at(-1);
  if (expectedMs === undefined || longestMs === undefined) return undefined;
  return { expectedMs, longestMs, basedOn: past.length };
}

interface Foreseen {
  readonly change: ForeseenChange;
  readonly upgrade: ForeseenUpgrade | undefined;
  readonly plan: Plan;
}

/** What a person should know before; each is a whole sentence. */
function warningsOf(context: Context, { change, upgrade, plan }: Foreseen): readonly string[] {
  const operation = currentOperation(context.status.operation);
  return [
    ...(context.invalid === undefined ? [] : [`The spec is invalid and would not be acted on: ${context.invalid}`]),
    ...(operation === undefined || change === 'nothing'
      ? []
      : [`An operation is under way (${operation.kind}, ${operation.phase}); it goes on first.`]),
    ...readingWarnings(context),
    ...upgradeWarnings(context, upgrade),
    ...sessionWarnings(context, change),
    ...effectWarnings(context, change),
    ...(stalledMessage(plan) ?? []),
  ];
}

function readingWarnings({ world }: Context): string[] {
  const unread = [world.jobManager, world.jobManagerPods].flatMap((one) => (one.known ? [] : [one.reason]));
  return unread.map((reason) => `Not everything could be read: ${reason}.`);
}

function upgradeWarnings(context: Context, upgrade: ForeseenUpgrade | undefined): string[] {
  if (upgrade === undefined) return [];
  if (upgrade.kind !== 'now') return [];
  const { mode, asked } = upgrade;
  const used = MODE_NAMES[mode];
  const other =
    used !== undefined && asked !== used
      ? [`The upgrade mode is ${asked}, but ${used} will be used: ${upgrade.because}.`]
      : [];
  const dropped = mode === 'STATELESS' && newest(context) !== undefined;
  return [...other, ...(dropped ? ['The job has checkpoints, and upgradeMode stateless drops its state.'] : [])];
}

const MODE_NAMES: Readonly<Partial<Record<SuspendMode, string>>> = {
  SAVEPOINT: 'savepoint',
  LAST_STATE: 'last-state',
  CANCEL: 'last-state',
  STATELESS: 'stateless',
};

function sessionWarnings({ wanted, world }: Context, change: ForeseenChange): string[] {
  if (!isSessionCluster(wanted.spec) || change !== 'upgrade') return [];
  const jobs = world.flink.jobs?.kind === 'ok' ? world.flink.jobs.value.filter((job) => !isEnded(job.state)) : [];
  return jobs.length === 0 ? [] : [`${jobs.length} running job(s) of the session cluster are interrupted.`];
}

function isEnded(state: string): boolean {
  return state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED';
}

function effectWarnings(context: Context, change: ForeseenChange): string[] {
  const { classification, status } = context;
  const parts = new Set(classification.differences.map((one) => one.class));
  const rerun = change === 'upgrade' && isTerminal(status.jobStatus?.state ?? undefined);
  return [
    ...(change !== 'nothing' && isClassified(change) && isInPlace(change) && parts.has('logging')
      ? [
          'Logging takes effect when the kubelet has brought the file and log4j has looked again: up to about 90 s plus monitorInterval.',
        ]
      : []),
    ...(rerun ? [`The job is ${status.jobStatus?.state}; the change starts it again.`] : []),
  ];
}

function isClassified(change: ForeseenChange): change is ChangeClass {
  return change !== 'create' && change !== 'suspend' && change !== 'resume' && change !== 'invalid';
}

/** What the decision itself would tell people to do. */
function stalledMessage({ status }: Plan): string[] | undefined {
  const stalled = status.conditions?.find((one) => one.type === 'Stalled' && one.status === 'True');
  if (stalled === undefined || stalled.reason === 'ValidationError') return undefined;
  return [stalled.message ?? 'Somebody has to do something first.'];
}
