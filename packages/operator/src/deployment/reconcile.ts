import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { operatorOptions } from '@drey/flink';
import { isKubeError, type Outcome, type Pass, priority } from '@drey/kube';
import { randomId } from '../job/fresh-ids.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import { sameStatus } from '../job/status.ts';
import type { JobPulse } from '../runtime/job-pulse.ts';
import type { KindScope } from '../runtime/kind-controller.ts';
import { act } from './act.ts';
import { decide } from './decide.ts';
import { failedEvent, failedStatus, failureOf } from './failure.ts';
import { keepsState, servingProcess } from './job-manager-process.ts';
import { flinkOf, observe } from './observe.ts';
import type { Plan } from './plan.ts';
import type { World } from './world.ts';

/** A pass on an old object is repeated after this long, when the watch will have brought the newer one. */
const OUTDATED_RETRY_MS = 50;
/** Spread of quiet objects: the interval, and up to this part of it more or less. */
const JITTER = 0.2;

/** What passes over deployments share. */
export interface ReconcileScope extends Pick<KindScope, 'env' | 'policy' | 'epoch'> {
  readonly pulse: JobPulse;
}

/** One pass: observe, decide, act. */
export async function reconcile(scope: ReconcileScope, pass: Pass): Promise<Outcome> {
  const { env, policy, pulse } = scope;
  const cached = env.caches.flinkDeployments.getByKey(pass.key);
  if (cached === undefined) {
    pulse.forget(pass.key);
    return { type: 'gone' };
  }
  // The cache is shared and never changed; every write starts from a copy of what changes.
  const deployment = cached as FlinkDeployment;
  const { configurationOf } = policy;
  const options = { epoch: scope.epoch(), signal: pass.signal, configurationOf, seen: pulse.seen(pass.key) };
  const world = await observe(env, deployment, options);
  const plan = decide(world, policy);
  const flink = flinkFor(scope, world);
  try {
    await act(env, deployment, plan, {
      signal: pass.signal,
      flink,
      deletionPropagation: policy.options.get(operatorOptions.resourceDeletionPropagation),
    });
  } catch (error) {
    return afterFailure(scope, deployment, plan, error, pass);
  }
  tell(scope, deployment, plan, pass);
  follow(scope, pass.key, { world, plan, flink });
  return outcomeOf(scope, plan);
}

function flinkFor({ env, policy }: ReconcileScope, world: World) {
  const recorded = lastReconciled(world.deployment.status ?? {});
  if (recorded === undefined) return undefined;
  const running = policy.configurationOf({ ...world.deployment, spec: recorded.spec });
  const pods = world.jobManagerPods.known ? world.jobManagerPods.value : [];
  return flinkOf(env, world.deployment, running, pods);
}

/** A running job is followed, so that a change of its state is seen although nothing is polled here. */
function follow(
  scope: ReconcileScope,
  key: string,
  { world, plan, flink }: { world: World; plan: Plan; flink: ReturnType<typeof flinkFor> },
): void {
  const status = plan.settled ?? plan.status;
  const jobId = status.jobStatus?.jobId;
  const state = status.jobStatus?.state;
  const runs = state === 'RUNNING' && status.jobManagerDeploymentStatus === 'READY' && status.operation === undefined;
  const process = keepingProcess(scope, world);
  const { checkpoints } = world.flink;
  // Only of a job that goes on as it was: a process that has begun it anew knows less than the dead one did.
  if (runs && process !== undefined && checkpoints?.kind === 'ok' && typeof jobId === 'string') {
    scope.pulse.remember(key, jobId, process, checkpoints.value);
  }
  scope.pulse.follow(
    key,
    runs && flink !== undefined && typeof jobId === 'string' ? { flink, jobId, state, process } : undefined,
  );
}

/** The process whose checkpoints have to be remembered. */
function keepingProcess({ policy }: ReconcileScope, world: World): string | undefined {
  const { deployment } = world;
  const recorded = lastReconciled(deployment.status ?? {});
  if (recorded === undefined) return undefined;
  const runningOptions = policy.configurationOf({ ...deployment, spec: recorded.spec });
  return keepsState({ wanted: deployment, runningOptions }) ? servingProcess(world) : undefined;
}

function outcomeOf({ env }: ReconcileScope, plan: Plan): Outcome {
  if (plan.wakeUp.kind === 'on-change') return { type: 'done' };
  const { ms, jitter } = plan.wakeUp;
  const spread = jitter ? 1 + JITTER * (2 * env.random.next() - 1) : 1;
  return {
    type: 'done',
    requeueAfterMs: ms * spread,
    priority: jitter ? priority.health : priority.transition,
  };
}

/** One line for each step of a deployment's life, and its events. */
function tell({ env }: ReconcileScope, deployment: FlinkDeployment, plan: Plan, pass: Pass): void {
  const before = deployment.status;
  const after = plan.settled ?? plan.status;
  const { namespace: ns, name, uid, generation } = deployment.metadata;
  const fields = { kind: deployment.kind, ns, name, uid, generation, operationId: after.operation?.id };
  if (before?.lifecycleState !== after.lifecycleState) {
    env.metrics.transitions.inc({ kind: deployment.kind, to: after.lifecycleState ?? 'CREATED' });
    env.log.info(
      { ...fields, from: before?.lifecycleState ?? 'CREATED', to: after.lifecycleState },
      'lifecycle changed',
    );
  }
  if (before?.jobStatus?.state !== after.jobStatus?.state) {
    env.log.info({ ...fields, from: before?.jobStatus?.state, to: after.jobStatus?.state }, 'job state changed');
  }
  env.log.debug({ ...fields, steps: plan.steps.map((step) => step.kind), waitedMs: pass.waitedMs }, 'reconciled');
  for (const event of plan.events) env.events(deployment, event);
}

async function afterFailure(
  scope: ReconcileScope,
  deployment: FlinkDeployment,
  plan: Plan,
  error: unknown,
  pass: Pass,
): Promise<Outcome> {
  const { env } = scope;
  const failure = failureOf(error);
  if (failure.kind === 'outdated') {
    return { type: 'done', requeueAfterMs: OUTDATED_RETRY_MS, priority: priority.transition };
  }
  const { namespace: ns, name, uid, generation } = deployment.metadata;
  const fields = { kind: deployment.kind, ns, name, uid, generation, reconcileId: randomId(env.random).slice(0, 8) };
  env.log.warn({ ...fields, steps: plan.steps.map((step) => step.kind), err: error }, 'pass failed');
  if (failure.kind === 'told') await tellFailure(scope, deployment, { error, message: failure.message }, pass.signal);
  return { type: 'failed', error };
}

/** Writes the failure into the newest status; that it cannot be written is no further trouble. */
async function tellFailure(
  { env, policy }: ReconcileScope,
  deployment: FlinkDeployment,
  failure: { readonly error: unknown; readonly message: string },
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name = '' } = deployment.metadata;
  try {
    const live = await env.kube.get(FlinkDeployments, namespace, name, { signal });
    const { error: cause, message } = failure;
    const status = failedStatus(live.status ?? {}, cause, message, env.clock.now(), policy.errorLimits);
    if (sameStatus(live.status, status)) return;
    await env.kube.replace(
      FlinkDeployments,
      { ...live, status },
      { subresource: 'status', fieldManager: 'drey-status', signal },
    );
    env.events(deployment, failedEvent(message));
  } catch (error) {
    if (!isKubeError(error)) throw error;
  }
}
