import {
  isKubeError,
  type KubeObject,
  type Outcome,
  type Pass,
  priority,
  type Random,
  type Resource,
} from '@drey/kube';
import type { Env, Regarding } from '../runtime/ports.ts';
import { failedEvent, failedStatus, failureOf } from './failure.ts';
import { randomId } from './fresh-ids.ts';
import type { PlannedEvent, WakeUp } from './planned.ts';
import { STATUS_MANAGER } from './primary-writes.ts';
import { redactedError, redactedStatus } from './redaction.ts';
import type { JobResourceStatus } from './resource.ts';
import type { ErrorLimits } from './resource-error.ts';
import { sameStatus } from './status.ts';

/** A pass on an old object is repeated after this long, when the watch will have brought the newer one. */
const OUTDATED_RETRY_MS = 50;
/** Spread of quiet objects: the interval, and up to this part of it more or less. */
const JITTER = 0.2;

/** What a pass did, as far as it is told. */
export interface PassPlan {
  readonly status: JobResourceStatus;
  readonly steps: readonly { readonly kind: string }[];
  readonly settled?: JobResourceStatus;
  readonly events: readonly PlannedEvent[];
  readonly wakeUp: WakeUp;
}

/** An object with a job, of any kind. */
export type JobObject = KubeObject & Regarding & { status?: JobResourceStatus };

/** When the queue brings the key again. */
export function outcomeOf(random: Random, wakeUp: WakeUp): Outcome {
  if (wakeUp.kind === 'on-change') return { type: 'done' };
  const { ms, jitter } = wakeUp;
  const spread = jitter ? 1 + JITTER * (2 * random.next() - 1) : 1;
  return { type: 'done', requeueAfterMs: ms * spread, priority: jitter ? priority.health : priority.transition };
}

/** One line for each step of an object's life, and its events. */
export function tellPass(env: Env, object: JobObject, plan: PassPlan, pass: Pass): void {
  const before = object.status;
  const after = plan.settled ?? plan.status;
  const fields = { ...fieldsOf(object), operationId: after.operation?.id };
  if (before?.lifecycleState !== after.lifecycleState) {
    env.metrics.transitions.inc({ kind: object.kind, to: after.lifecycleState ?? 'CREATED' });
    env.log.info(
      { ...fields, from: before?.lifecycleState ?? 'CREATED', to: after.lifecycleState },
      'lifecycle changed',
    );
  }
  if (before?.jobStatus?.state !== after.jobStatus?.state) {
    env.log.info({ ...fields, from: before?.jobStatus?.state, to: after.jobStatus?.state }, 'job state changed');
  }
  env.log.debug({ ...fields, steps: plan.steps.map((step) => step.kind), waitedMs: pass.waitedMs }, 'reconciled');
  for (const event of plan.events) env.events(object, event);
}

function fieldsOf({ kind, metadata }: JobObject) {
  const { namespace: ns, name, uid, generation } = metadata;
  return { kind, ns, name, uid, generation };
}

/** What a pass failed with, and what it was about to do. */
export interface FailedPass<T extends JobObject> {
  readonly resource: Resource<T>;
  readonly object: T;
  readonly plan: PassPlan;
  readonly error: unknown;
  readonly errorLimits: ErrorLimits;
  readonly signal: AbortSignal;
}

/** Logs a failure, tells people what they have to see, and says how the key goes on. */
export async function failPass<T extends JobObject>(env: Env, failed: FailedPass<T>): Promise<Outcome> {
  const { error, object, plan } = failed;
  const failure = failureOf(error);
  if (failure.kind === 'outdated') {
    return { type: 'done', requeueAfterMs: OUTDATED_RETRY_MS, priority: priority.transition };
  }
  const fields = { ...fieldsOf(object), reconcileId: randomId(env.random).slice(0, 8) };
  env.log.warn(
    { ...fields, steps: plan.steps.map((step) => step.kind), err: redactedError(error, object) },
    'pass failed',
  );
  if (failure.kind === 'told') await tellFailure(env, failed, failure.message);
  return { type: 'failed', error };
}

/** Writes the failure into the newest status; that it cannot be written is no further trouble. */
async function tellFailure<T extends JobObject>(
  env: Env,
  { resource, object, error: cause, errorLimits, signal }: FailedPass<T>,
  message: string,
): Promise<void> {
  const { namespace, name = '' } = object.metadata;
  try {
    const live = await env.kube.get(resource, namespace, name, { signal });
    const status = redactedStatus(live, failedStatus(live.status ?? {}, cause, message, env.clock.now(), errorLimits));
    if (sameStatus(live.status, status)) return;
    await env.kube.replace(
      resource,
      { ...live, status },
      { subresource: 'status', fieldManager: STATUS_MANAGER, signal },
    );
    env.events(object, failedEvent(message));
  } catch (error) {
    if (!isKubeError(error)) throw error;
  }
}
