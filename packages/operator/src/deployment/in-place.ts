import type { FlinkDeploymentSpec } from '@drey/api';
import { executionOptions } from '@drey/flink';
import { TASK_MANAGER_REPLICAS } from '@drey/manifests';
import { type ChangeClass, isInPlace } from '../job/change-class.ts';
import { beginOperation, type CurrentOperation, elapsedMs } from '../job/operation.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { withRecord } from '../job/record.ts';
import { overriddenRequirements, readRequirements, sameRequirements, writeRequirements } from '../job/rescale.ts';
import { withoutOperation } from '../job/status.ts';
import { after, inTransition } from '../job/wake-up.ts';
import type { VertexRequirements } from '../runtime/ports.ts';
import { changeEvent } from './change-event.ts';
import { type Context, isSessionCluster, isStandalone, jobOf, type Outcome } from './context.ts';
import type { ClusterToCreate, Step } from './plan.ts';
import { taskManagerInfo } from './task-manager-info.ts';

const SCALING: PlannedEvent = {
  type: 'Normal',
  reason: 'Scaling',
  message: 'In-place scaling triggered',
  component: 'Job',
};

/**
 * Carries out a change that restarts nothing. undefined: it has to be an upgrade after all, since Flink cannot do it while
 * the job runs.
 */
export function changeInPlace(context: Context): Outcome | undefined {
  if (!isInPlace(context.classification.class)) return undefined;
  return isRescale(context) ? beginRescale(context) : recorded(context, changeEvent(context));
}

function isRescale(context: Context): boolean {
  return has(context, 'rescale');
}

function has({ classification }: Context, change: ChangeClass): boolean {
  return classification.differences.some((one) => one.class === change);
}

function beginRescale(context: Context): Outcome | undefined {
  const current = context.world.flink.requirements;
  if (current === undefined || (current.kind === 'unknown' && current.reason !== 'server-error')) {
    const why = current === undefined ? 'Flink was not asked yet' : current.message;
    return waitingForFlink(context, `what the job is asked to run with is not known: ${why}`);
  }
  if (current.kind !== 'ok') return undefined;
  const wanted = wantedRequirements(context, current.value);
  if (sameRequirements(current.value, wanted)) return recorded(context, changeEvent(context));
  const started = beginOperation(context, 'rescale', 'rescaling', context.status.jobStatus?.jobId);
  const operation: CurrentOperation = { ...started, previous: writeRequirements(current.value) };
  return ask(context, operation, wanted, [...changeEvent(context), SCALING]);
}

function wantedRequirements(context: Context, current: VertexRequirements): VertexRequirements {
  return overriddenRequirements(current, context.options.get(executionOptions.jobVertexParallelismOverrides));
}

function ask(
  context: Context,
  operation: CurrentOperation,
  requirements: VertexRequirements,
  events: readonly PlannedEvent[] = [],
): Outcome {
  return {
    status: { ...context.status, operation },
    steps: [{ kind: 'rescale-job', jobId: operation.target ?? '', requirements }],
    events,
    progress: { reason: 'Rescaling', message: 'Asking Flink for other parallelisms of the running job.' },
    wakeUp: inTransition(elapsedMs(operation, context.now)),
  };
}

/**
 * Goes on with a rescale: asks again until Flink says that it took the bounds over, then records the spec. When the spec no
 * longer asks for them, the bounds that were there before come back. undefined: there is nothing left to ask for, since the
 * job has gone or something stronger is wanted now.
 */
export function continueRescaling(context: Context, operation: CurrentOperation): Outcome | undefined {
  const current = context.world.flink.requirements;
  if (!isInPlace(context.classification.class) || operation.target !== context.status.jobStatus?.jobId)
    return undefined;
  if (context.job.kind === 'missing' || current?.kind === 'not-found' || current?.kind === 'rejected') return undefined;
  if (current?.kind !== 'ok') return waitingForFlink(context, 'Flink does not say what the job is asked to run with');
  const wanted = isRescale(context)
    ? wantedRequirements(context, current.value)
    : (readRequirements(operation.previous) ?? current.value);
  if (!sameRequirements(current.value, wanted)) return ask(context, operation, wanted);
  return isRescale(context) ? recorded(context) : undefined;
}

function waitingForFlink(context: Context, reason: string): Outcome {
  return {
    status: context.status,
    progress: { reason: 'RescalePending', message: `The change of parallelism waits: ${reason}.` },
    wakeUp: after(WAITING_MS),
  };
}

const WAITING_MS = 500;

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
    ...(replicas === undefined ? [] : [{ kind: 'scale-task-managers' as const, replicas }]),
  ];
}

/** Ids play no part: what they are in is not changed. */
function builtFrom({ wanted, status }: Context, spec: FlinkDeploymentSpec): ClusterToCreate {
  const jobId = status.jobStatus?.jobId ?? '';
  return { deployment: { ...wanted, spec }, operationId: '', jobId, savepointPath: undefined, generation: undefined };
}

/** How many TaskManagers a standalone cluster is to have, where that is another number now. */
function replicasOf({ wanted, options, runningOptions }: Context): number | undefined {
  if (!isStandalone(wanted.spec)) return undefined;
  const text = options.raw(TASK_MANAGER_REPLICAS);
  return text === undefined || text === runningOptions.raw(TASK_MANAGER_REPLICAS) ? undefined : Number(text);
}
