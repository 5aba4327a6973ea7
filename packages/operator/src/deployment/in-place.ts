import { executionOptions } from '@drey/flink';
import { isInPlace } from '../job/change-class.ts';
import { beginOperation, type CurrentOperation, elapsedMs } from '../job/operation.ts';
import type { PlannedEvent } from '../job/planned.ts';
import { withRecord } from '../job/record.ts';
import { overriddenRequirements, readRequirements, sameRequirements, writeRequirements } from '../job/rescale.ts';
import { withoutOperation } from '../job/status.ts';
import { after, inTransition } from '../job/wake-up.ts';
import type { VertexRequirements } from '../runtime/ports.ts';
import { changeEvent } from './change-event.ts';
import { type Context, jobOf, type Outcome } from './context.ts';
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
  const { differences } = context.classification;
  if (!differences.every((one) => one.class === 'operator-only' || one.class === 'rescale')) return undefined;
  return isRescale(context) ? beginRescale(context) : recorded(context, changeEvent(context));
}

function isRescale({ classification }: Context): boolean {
  return classification.differences.some((one) => one.class === 'rescale');
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
 * The wanted spec is what runs now. Recorded as the Apache operator records what it scaled in place: with the user's own
 * upgrade mode, and still as the first deployment where nothing was replaced since.
 */
function recorded(context: Context, events: readonly PlannedEvent[] = []): Outcome {
  const { wanted, options, now, generation } = context;
  const status = withRecord(withoutOperation(context.status), {
    kind: 'FlinkDeployment',
    spec: wanted.spec,
    generation,
    jobState: context.recorded?.spec.job?.state ?? 'running',
    upgradeMode: jobOf(wanted.spec).upgradeMode ?? 'stateless',
    firstDeployment: context.recorded?.firstDeployment ?? false,
    state: 'DEPLOYED',
    now,
  });
  return { status: { ...status, taskManager: taskManagerInfo(wanted, options) }, events, wakeUp: after(0) };
}
