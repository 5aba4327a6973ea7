import type { FlinkDeploymentSpec } from '@drey/api';
import { TASK_MANAGER_REPLICAS } from '@drey/manifests';
import { type ChangeClass, isInPlace } from '../../job/change-class.ts';
import { changeEvent } from '../../job/change-event.ts';
import type { CurrentOperation } from '../../job/operation.ts';
import type { PlannedEvent } from '../../job/planned.ts';
import { withRecord } from '../../job/record.ts';
import {
  beginRescale,
  continueRescale,
  hasRescale,
  type Rescaling,
  rescaleAgain,
  SCALING,
  whileRescaling,
} from '../../job/rescale.ts';
import { withoutOperation } from '../../job/status.ts';
import { after } from '../../job/wake-up.ts';
import { type Context, isSessionCluster, isStandalone, jobOf, type Outcome } from '../context.ts';
import { taskManagerInfo } from '../observation/task-manager-info.ts';
import type { ClusterToCreate, Step } from '../plan.ts';
import { taskManagersKind } from '../task-managers.ts';
import type { TaskManagersKind } from '../world.ts';

/**
 * Carries out a change that restarts nothing. undefined: it has to be an upgrade after all, since Flink cannot do it while
 * the job runs.
 */
export function changeInPlace(context: Context): Outcome | undefined {
  if (!isInPlace(context.classification.class)) return undefined;
  return hasRescale(context) ? outcomeOf(context, beginRescale(context)) : recorded(context, changeEvent(context));
}

/** Goes on with a rescale. undefined: it has nothing left to do. */
export function continueRescaling(context: Context, operation: CurrentOperation): Outcome | undefined {
  const rescaling = continueRescale(context, operation);
  return rescaling?.kind === 'done' ? recorded(context) : rescaling && outcomeOf(context, rescaling);
}

/**
 * Adds to what is done at rest that a job which was begun anew gets the parallelisms that it had been rescaled to: its cluster
 * was made from an older spec than the one that is recorded.
 */
export function withRescaleKept(context: Context, outcome: Outcome): Outcome {
  const { status, runningOptions: options, world, generation } = context;
  const jobManager = world.jobManager.known ? world.jobManager.value : undefined;
  const madeFrom = Number(jobManager?.generation ?? generation);
  const isRunning = status.jobStatus?.state === 'RUNNING' && status.reconciliationStatus?.state === 'DEPLOYED';
  const step = isRunning && madeFrom < generation ? rescaleAgain({ status, options, world }) : undefined;
  if (step === undefined) return outcome;
  return {
    ...outcome,
    steps: [...(outcome.steps ?? []), step],
    events: [...(outcome.events ?? []), SCALING],
    wakeUp: after(RESCALED_MS),
  };
}

/** When a job that was asked again is looked at, in milliseconds. */
const RESCALED_MS = 1_000;

function outcomeOf(context: Context, rescaling: Rescaling): Outcome | undefined {
  switch (rescaling.kind) {
    case 'refused':
      return undefined;
    case 'done':
      return recorded(context, changeEvent(context));
    default:
      return whileRescaling(context, rescaling, changeEvent(context));
  }
}

function has({ classification }: Context, change: ChangeClass): boolean {
  return classification.differences.some((one) => one.class === change);
}

/**
 * Changes what of it concerns no process, then says that the wanted spec is what runs now. Recorded as the Apache operator
 * records what it scaled in place: with the user's own upgrade mode, and still as the first deployment where nothing was
 * replaced since.
 */
function recorded(context: Context, events: readonly PlannedEvent[] = []): Outcome {
  const { wanted, options, now, generation } = context;
  const written = withRecord(withoutOperation(context.status), {
    kind: 'FlinkDeployment',
    spec: wanted.spec,
    generation,
    jobState: context.recorded?.spec.job?.state ?? 'running',
    upgradeMode: jobOf(wanted.spec).upgradeMode ?? 'stateless',
    firstDeployment: context.recorded?.firstDeployment ?? false,
    state: 'DEPLOYED',
    now,
  });
  const status = isSessionCluster(wanted.spec)
    ? written
    : { ...written, taskManager: taskManagerInfo(wanted, options) };
  const steps = stepsOf(context);
  return steps.length === 0
    ? { status, events, wakeUp: after(0) }
    : { status: context.status, steps, settled: status, events, wakeUp: after(0) };
}

function stepsOf(context: Context): readonly Step[] {
  const { wanted } = context;
  const objects = has(context, 'service') || has(context, 'logging');
  const replicas = replicasOf(context);
  return [
    ...(objects
      ? [
          {
            kind: 'change-objects' as const,
            from: builtFrom(context, context.recorded?.spec ?? wanted.spec),
            to: builtFrom(context, wanted.spec),
          },
        ]
      : []),
    ...(replicas === undefined
      ? []
      : [{ kind: 'scale-task-managers' as const, replicas, workload: runningKind(context) }]),
  ];
}

/** Ids play no part: what they are in is not changed. */
function builtFrom({ wanted, status }: Context, spec: FlinkDeploymentSpec): ClusterToCreate {
  const jobId = status.jobStatus?.jobId ?? '';
  return { deployment: { ...wanted, spec }, operationId: '', jobId, savepointPath: undefined, generation: undefined };
}

/** What the TaskManagers are; where they cannot be seen, what they were asked to be. */
function runningKind({ world, runningOptions }: Context): TaskManagersKind {
  const taskManagers = world.taskManagers.known ? world.taskManagers.value : undefined;
  return taskManagers?.kind ?? taskManagersKind(runningOptions);
}

/** How many TaskManagers a standalone cluster is to have, where that is another number now. */
function replicasOf({ wanted, options, runningOptions }: Context): number | undefined {
  if (!isStandalone(wanted.spec)) return undefined;
  const text = options.raw(TASK_MANAGER_REPLICAS);
  return text === undefined || text === runningOptions.raw(TASK_MANAGER_REPLICAS) ? undefined : Number(text);
}
