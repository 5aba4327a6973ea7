import { operatorOptions } from '@drey/flink';
import type { ConditionDraft } from '../../job/conditions.ts';
import type { PlannedEvent, WakeUp } from '../../job/planned.ts';
import { after } from '../../job/wake-up.ts';
import type { Context, Outcome } from '../context.ts';
import { keepsState } from '../observation/job-manager-process.ts';
import type { Step } from '../plan.ts';
import { runningCluster } from '../start/running-cluster.ts';
import type { Drift, DriftedObject } from '../world.ts';
import { nextRepairAt, triesOf, undoneRepairs } from './repair-tries.ts';

/**
 * Adds to what is done about a settled cluster that its objects are put back as they were made: those that are gone or whose
 * fields others changed. What only a restart could undo is reported and left: the user may have meant it, and no running job
 * is restarted for it.
 */
export function withDriftRepaired(context: Context, decided: Outcome): Outcome {
  const outcome = { ...decided, events: [...(decided.events ?? []), ...ingressEvents(context)] };
  const { world, recorded } = context;
  const jobManager = world.jobManager.known ? world.jobManager.value : undefined;
  if (!world.drift.known || recorded === undefined || jobManager === undefined) return kept(context, outcome);
  const drift = world.drift.value;
  const safe = drift.repairs.filter((one) => !isUnsafe(context, one));
  const dueAt = (one: DriftedObject): number => nextRepairAt(triesOf(drift.tries, one));
  const repairs = safe.filter((one) => dueAt(one) <= world.now);
  const paused = safe.filter((one) => dueAt(one) > world.now);
  const conditions = [...(outcome.conditions ?? []), ...driftedCondition(context, drift)];
  const steps: Step[] = [
    ...(repairs.length === 0
      ? []
      : [{ kind: 'repair', cluster: runningCluster(context.wanted, recorded, jobManager), objects: repairs } as const]),
    ...(drift.surplus === undefined ? [] : [{ kind: 'delete-ingress', ...drift.surplus } as const]),
  ];
  return {
    ...outcome,
    conditions,
    steps: [...(outcome.steps ?? []), ...steps],
    events: [...(outcome.events ?? []), ...repairs.map(repairedEvent), ...reportedEvents(context, drift)],
    ...(steps.length === 0 ? soonest(outcome.wakeUp, paused.map(dueAt), world.now) : { wakeUp: after(LOOK_AGAIN_MS) }),
  };
}

/**
 * How soon a repaired cluster is looked at again, in milliseconds. What a repair changes shows in a watch before; where it
 * changes nothing, because somebody undoes it on the way, repairs are no busier than this.
 */
const LOOK_AGAIN_MS = 1_000;

/** The wake-up of what was decided, or the end of the first pause if that comes sooner. */
function soonest(planned: WakeUp, pauseEnds: readonly number[], now: number): { readonly wakeUp: WakeUp } {
  if (pauseEnds.length === 0) return { wakeUp: planned };
  const ms = Math.min(...pauseEnds) - now;
  return { wakeUp: planned.kind === 'after' && planned.ms <= ms ? planned : after(ms) };
}

/** The user asks for an Ingress, and whoever installed the operator does not want it to make any. */
function ingressEvents({ recorded, runningOptions }: Context): PlannedEvent[] {
  const asked = recorded?.spec.ingress !== undefined && recorded.spec.ingress !== null;
  if (!asked || runningOptions.get(operatorOptions.ingressManage)) return [];
  const message = 'spec.ingress has no effect: kubernetes.operator.ingress.manage is false.';
  return [{ type: 'Warning', reason: 'IngressManagement', message, component: 'Operator', once: true }];
}

/**
 * A JobManager that was scaled to nothing and is started again begins its job anew from where it had begun: without high
 * availability that would be older state.
 */
function isUnsafe(context: Context, { kind, name }: DriftedObject): boolean {
  return kind === 'Deployment' && name === context.wanted.metadata.name && keepsState(context) && noPods(context);
}

function noPods({ world: { jobManagerPods } }: Context): boolean {
  return !jobManagerPods.known || jobManagerPods.value.length === 0;
}

function repairedEvent({ kind, name, fields, by }: DriftedObject): PlannedEvent {
  const what =
    fields.length === 0 ? 'it was gone' : `changed${by === undefined ? '' : ` by ${by}`}: ${fields.join(', ')}`;
  return {
    type: 'Normal',
    reason: 'DriftRepaired',
    message: `${kind} ${name} is put back as it was made; ${what}.`,
    component: 'JobManagerDeployment',
  };
}

const type = 'Drifted';

/** Only there while something is out of the ordinary. */
function driftedCondition(context: Context, drift: Drift): ConditionDraft[] {
  const unsafe = drift.repairs.some((one) => isUnsafe(context, one));
  if (unsafe) {
    const message =
      'The JobManager was scaled down by hand and is not scaled up again: without high availability the job would start ' +
      'from older state. Suspend and resume the job, or name its newest state in job.initialSavepointPath.';
    return [{ type, status: 'True', reason: 'JobManagerScaledDown', message }];
  }
  if (drift.reported.length > 0) {
    return [{ type, status: 'True', reason: 'PodTemplateChanged', message: reportText(drift.reported) }];
  }
  const undone = undoneRepairs(drift.tries);
  if (undone.length === 0) return [];
  return [{ type, status: 'True', reason: 'RepairUndone', message: undoneText(undone) }];
}

/** What was reported stays reported while the cluster cannot be compared. */
function kept(context: Context, outcome: Outcome): Outcome {
  const before = context.world.deployment.status?.conditions?.find((one) => one.type === type);
  if (before === undefined || context.recorded === undefined || outcome.steps?.length) return outcome;
  const { status, reason, message } = before;
  const draft: ConditionDraft = { type, status, reason: reason ?? '', message: message ?? '' };
  return { ...outcome, conditions: [...(outcome.conditions ?? []), draft] };
}

function reportText(reported: readonly DriftedObject[]): string {
  const parts = reported.map(
    ({ kind, name, fields, by }) =>
      `${kind} ${name}: ${fields.slice(0, MAX_FIELDS).join(', ')} (by ${by ?? 'unknown'})`,
  );
  return (
    `Others changed what pods are made from; only a restart would undo it, so it is left. ${parts.join('; ')}. ` +
    'Write the change into the FlinkDeployment, or change spec.restartNonce to undo it.'
  );
}

function undoneText(undone: readonly DriftedObject[]): string {
  const parts = undone.map(({ kind, name, fields, by }) => {
    const what = fields.length === 0 ? 'is deleted' : `is changed in ${fields.slice(0, MAX_FIELDS).join(', ')}`;
    return `${kind} ${name} ${what}${by === undefined ? '' : ` (by ${by})`}`;
  });
  return (
    `Others undo what is put back: ${parts.join('; ')}. It is tried again, less and less often. Look for an admission ` +
    'webhook or another controller that writes it, and let it leave objects of Flink clusters alone.'
  );
}

const MAX_FIELDS = 5;

function reportedEvents(context: Context, drift: Drift): PlannedEvent[] {
  if (drift.reported.length === 0) return [];
  const message = reportText(drift.reported);
  const before = context.world.deployment.status?.conditions?.find((one) => one.type === type);
  return before?.message === message
    ? []
    : [{ type: 'Warning', reason: 'Drifted', message, component: 'JobManagerDeployment' }];
}
