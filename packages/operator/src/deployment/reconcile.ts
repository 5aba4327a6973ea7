import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { operatorOptions } from '@drey/flink';
import type { Outcome, Pass } from '@drey/kube';
import { endForcedDeletion } from '../job/forced-deletion.ts';
import { recordedCheckpoint } from '../job/known-checkpoint.ts';
import { noteDecision } from '../job/note-decision.ts';
import { failPass, outcomeOf, tellPass } from '../job/pass.ts';
import { deployedSpec, unreadableRecord } from '../job/recorded-spec.ts';
import type { JobPulse } from '../runtime/job-pulse.ts';
import type { KindScope } from '../runtime/kind-controller.ts';
import { act } from './act.ts';
import { decide } from './decide.ts';
import { FINALIZER } from './deletion/deletion.ts';
import type { DriftMemory } from './drift/drift-reading.ts';
import { keepsState, servingProcess } from './observation/job-manager-process.ts';
import { flinkOf, observe } from './observe.ts';
import type { Plan } from './plan.ts';
import type { World } from './world.ts';

/** What passes over deployments share. */
export interface ReconcileScope extends Pick<KindScope, 'env' | 'policy' | 'epoch'> {
  readonly pulse: JobPulse;
  readonly drift: DriftMemory;
}

/** One pass: observe, decide, act. */
export async function reconcile(scope: ReconcileScope, pass: Pass): Promise<Outcome> {
  const { env, policy, pulse } = scope;
  const cached = env.caches.flinkDeployments.getByKey(pass.key);
  if (cached === undefined) {
    pulse.forget(pass.key);
    scope.drift.forget(pass.key);
    return { type: 'gone' };
  }
  // The cache is shared and never changed; every write starts from a copy of what changes.
  const deployment = cached as FlinkDeployment;
  const finalized = { resource: FlinkDeployments, finalizer: FINALIZER };
  if (await endForcedDeletion(env, finalized, deployment, pass.signal)) return { type: 'done' };
  const broken = unreadableRecord(deployment.status);
  if (broken !== undefined) {
    const { errorLimits } = policy;
    const plan: Plan = { status: deployment.status ?? {}, steps: [], events: [], wakeUp: { kind: 'on-change' } };
    const failed = { resource: FlinkDeployments, object: deployment, plan, error: broken, errorLimits };
    return failPass(env, { ...failed, signal: pass.signal });
  }
  const { configurationOf } = policy;
  const options = {
    epoch: scope.epoch(),
    signal: pass.signal,
    configurationOf,
    seen: pulse.seen(pass.key) ?? recordedCheckpoint(deployment),
    drift: scope.drift,
  };
  const world = await observe(env, deployment, options);
  const plan = decide(world, policy);
  const flink = flinkFor(scope, world);
  if (plan.steps.some((step) => step.kind === 'create-cluster')) pulse.retire(pass.key);
  for (const step of plan.steps) {
    if (step.kind === 'repair') scope.drift.noteRepairs(pass.key, step.objects, env.clock.now());
  }
  try {
    await act(env, deployment, plan, {
      signal: pass.signal,
      flink,
      deletionPropagation: policy.options.get(operatorOptions.resourceDeletionPropagation),
    });
  } catch (error) {
    noteDecision(env, { object: deployment, world, plan, error });
    const { errorLimits } = policy;
    const { signal } = pass;
    return failPass(env, { resource: FlinkDeployments, object: deployment, plan, error, errorLimits, signal });
  }
  noteDecision(env, { object: deployment, world, plan });
  tellPass(env, deployment, plan, pass);
  follow(scope, pass.key, { world, plan, flink });
  return outcomeOf(env.random, plan.wakeUp);
}

function flinkFor({ env, policy }: ReconcileScope, world: World) {
  const recorded = deployedSpec(world.deployment.status ?? {});
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
  const recorded = deployedSpec(deployment.status ?? {});
  if (recorded === undefined) return undefined;
  const runningOptions = policy.configurationOf({ ...deployment, spec: recorded.spec });
  return keepsState({ wanted: deployment, runningOptions }) ? servingProcess(world) : undefined;
}
