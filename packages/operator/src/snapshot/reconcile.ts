import { type FlinkStateSnapshot, FlinkStateSnapshots } from '@drey/api';
import { operatorOptions } from '@drey/flink';
import { isKubeError, type Outcome, type Pass, priority } from '@drey/kube';
import { failureOf } from '../job/failure.ts';
import { endForcedDeletion } from '../job/forced-deletion.ts';
import { noteDecision } from '../job/note-decision.ts';
import { outcomeOf } from '../job/pass.ts';
import { STATUS_MANAGER } from '../job/primary-writes.ts';
import { sameStatus } from '../job/status.ts';
import { StepError } from '../job/step-error.ts';
import type { KindScope } from '../runtime/kind-controller.ts';
import { act } from './act.ts';
import { decide, type SnapshotConfig } from './decide.ts';
import { FINALIZER } from './deletion.ts';
import { observe } from './observe.ts';
import { failedAttempt, statusOf, withConditions } from './outcome.ts';
import type { SnapshotPlan } from './plan.ts';
import { findTarget } from './target.ts';

/** A pass on an old object is repeated after this long, when the watch will have brought the newer one. */
const OUTDATED_RETRY_MS = 50;

/** What passes over snapshots share. */
export type SnapshotScope = Pick<KindScope, 'env' | 'policy' | 'epoch'>;

/** One pass: observe, decide, act. */
export async function reconcile(scope: SnapshotScope, pass: Pass): Promise<Outcome> {
  const { env, policy } = scope;
  const cached = env.caches.snapshots.getByKey(pass.key);
  if (cached === undefined) return { type: 'gone' };
  // The cache is shared and never changed; every write starts from a copy of what changes.
  const snapshot = cached as FlinkStateSnapshot;
  const leaving = snapshot.metadata.deletionTimestamp !== undefined;
  // Switched off, the kind is left to whoever else looks after it; only deletions still end.
  if (!policy.snapshots.objectsEnabled && !leaving) return { type: 'done' };
  const kind = { resource: FlinkStateSnapshots, finalizer: FINALIZER };
  if (await endForcedDeletion(env, kind, snapshot, pass.signal)) return { type: 'done' };
  const found = findTarget(env, policy, snapshot);
  const world = await observe(env, snapshot, found, { epoch: scope.epoch(), signal: pass.signal });
  const plan = decide(world, configOf(scope));
  try {
    await act(env, snapshot, plan, { signal: pass.signal, flink: found.flink });
  } catch (error) {
    noteDecision(env, { object: snapshot, world, plan, error });
    return afterFailure(scope, snapshot, plan, error, pass);
  }
  noteDecision(env, { object: snapshot, world, plan });
  tell(scope, snapshot, plan, pass);
  return outcomeOf(env.random, plan.wakeUp);
}

/** What decisions about snapshots take from the operator's configuration. */
export function configOf({ policy }: Pick<SnapshotScope, 'policy'>): SnapshotConfig {
  const { errorLimits, restIntervalMs, options } = policy;
  return { errorLimits, restIntervalMs, cleanupTimeoutMs: options.get(operatorOptions.resourceCleanupTimeout) };
}

/** One line for each step of a snapshot's life, and its events. */
function tell({ env }: SnapshotScope, snapshot: FlinkStateSnapshot, plan: SnapshotPlan, pass: Pass): void {
  const from = snapshot.status?.state;
  const to = (plan.settled ?? plan.status).state;
  const fields = fieldsOf(snapshot);
  if (from !== to) {
    env.metrics.transitions.inc({ kind: snapshot.kind, to: to ?? 'TRIGGER_PENDING' });
    env.log.info({ ...fields, from, to }, 'snapshot state changed');
  }
  env.log.debug({ ...fields, steps: plan.steps.map((step) => step.kind), waitedMs: pass.waitedMs }, 'reconciled');
  for (const event of plan.events) env.events(snapshot, event);
}

function fieldsOf({ kind, metadata }: FlinkStateSnapshot) {
  const { namespace: ns, name, uid, generation } = metadata;
  return { kind, ns, name, uid, generation };
}

/** Flink's refusal is a failed attempt; everything else is a trouble of the operator, which tries again. */
async function afterFailure(
  scope: SnapshotScope,
  snapshot: FlinkStateSnapshot,
  plan: SnapshotPlan,
  error: unknown,
  pass: Pass,
): Promise<Outcome> {
  const { env } = scope;
  if (failureOf(error).kind === 'outdated') {
    return { type: 'done', requeueAfterMs: OUTDATED_RETRY_MS, priority: priority.transition };
  }
  const steps = plan.steps.map((step) => step.kind);
  env.log.warn({ ...fieldsOf(snapshot), steps, err: error }, 'pass failed');
  const refused = error instanceof StepError && error.code === 'E_OPERATOR_SAVEPOINT_REFUSED';
  if (!refused) return { type: 'failed', error };
  try {
    return await recordRefusal(scope, snapshot, error.message, pass);
  } catch (failure) {
    if (!isKubeError(failure)) throw failure;
    return { type: 'failed', error: failure };
  }
}

async function recordRefusal(
  scope: SnapshotScope,
  snapshot: FlinkStateSnapshot,
  message: string,
  { signal }: Pass,
): Promise<Outcome> {
  const { env } = scope;
  const { namespace, name = '' } = snapshot.metadata;
  const live = await env.kube.get(FlinkStateSnapshots, namespace, name, { signal });
  const now = env.clock.now();
  const outcome = failedAttempt(live, statusOf(live.status), message, { ...configOf(scope), now });
  const status = withConditions(live, outcome, outcome.status, now);
  if (!sameStatus(live.status, status)) {
    const options = { subresource: 'status', fieldManager: STATUS_MANAGER, signal } as const;
    await env.kube.replace(FlinkStateSnapshots, { ...live, status }, options);
  }
  for (const event of outcome.events ?? []) env.events(snapshot, event);
  return outcomeOf(env.random, outcome.wakeUp);
}
