import { type FlinkSessionJob, FlinkSessionJobs } from '@drey/api';
import { highAvailabilityKind, highAvailabilityOptions } from '@drey/flink';
import type { Outcome, Pass } from '@drey/kube';
import { processOf } from '../deployment/observation/job-manager-process.ts';
import { endForcedDeletion } from '../job/forced-deletion.ts';
import { recordedCheckpoint } from '../job/known-checkpoint.ts';
import { noteDecision } from '../job/note-decision.ts';
import { failPass, outcomeOf, tellPass } from '../job/pass.ts';
import type { JobPulse } from '../runtime/job-pulse.ts';
import type { KindScope } from '../runtime/kind-controller.ts';
import { act } from './act.ts';
import { type SessionJobConfig, wantedMode } from './context.ts';
import { decideSessionJob } from './decide.ts';
import { FINALIZER } from './deletion.ts';
import { type Observation, observe } from './observe.ts';
import type { SessionJobPlan } from './plan.ts';
import { sessionJobPolicy } from './policy.ts';
import type { Submissions } from './submissions.ts';

/** What passes over session jobs share. */
export interface ReconcileScope extends Pick<KindScope, 'env' | 'policy' | 'epoch'> {
  readonly pulse: JobPulse;
  readonly submissions: Submissions;
}

/** One pass: observe, decide, act. */
export async function reconcile(scope: ReconcileScope, pass: Pass): Promise<Outcome> {
  const { env, policy, pulse, submissions } = scope;
  const cached = env.caches.sessionJobs.getByKey(pass.key);
  if (cached === undefined) {
    pulse.forget(pass.key);
    submissions.forget(pass.key);
    return { type: 'gone' };
  }
  // The cache is shared and never changed; every write starts from a copy of what changes.
  const sessionJob = cached as FlinkSessionJob;
  const config = sessionJobPolicy(policy);
  const { signal } = pass;
  const finalized = { resource: FlinkSessionJobs, finalizer: FINALIZER };
  if (await endForcedDeletion(env, finalized, sessionJob, signal)) return { type: 'done' };
  // How far a submission is has to be known before Flink is asked: what it has started by then shows in Flink's list.
  const submission = submissions.of(pass.key);
  const options = {
    epoch: scope.epoch(),
    signal,
    config,
    submission,
    seen: pulse.seen(pass.key) ?? recordedCheckpoint(sessionJob),
  };
  const observation = await observe(env, sessionJob, options);
  const { world, flink } = observation;
  const plan = decideSessionJob(world, config);
  try {
    await act(env, sessionJob, plan, { signal, flink, submissions });
  } catch (error) {
    noteDecision(env, { object: sessionJob, world, plan, error });
    const { errorLimits } = config;
    return failPass(env, { resource: FlinkSessionJobs, object: sessionJob, plan, error, errorLimits, signal });
  }
  noteDecision(env, { object: sessionJob, world, plan });
  tellPass(env, sessionJob, plan, pass);
  if (!isSubmitting(plan)) submissions.forget(pass.key);
  follow(scope, pass.key, { observation, plan, config });
  return outcomeOf(env.random, plan.wakeUp);
}

function isSubmitting({ status, settled }: SessionJobPlan): boolean {
  const phase = (settled ?? status).operation?.phase;
  return phase === 'deploying' || phase === 'submitting';
}

/** A running job is followed, so that a change of its state is seen although nothing is polled here. */
function follow(
  { pulse }: ReconcileScope,
  key: string,
  { observation, plan, config }: { observation: Observation; plan: SessionJobPlan; config: SessionJobConfig },
): void {
  const { world, flink } = observation;
  const { jobStatus, operation } = plan.settled ?? plan.status;
  const { jobId, state } = jobStatus ?? {};
  const process = keepingProcess(observation, config);
  const { checkpoints } = world.flink;
  if (state !== 'RUNNING' || operation !== undefined || flink === undefined || typeof jobId !== 'string') {
    pulse.follow(key, undefined);
    return;
  }
  if (process !== undefined && checkpoints?.kind === 'ok') pulse.remember(key, jobId, process, checkpoints.value);
  pulse.follow(key, { flink, jobId, state, process });
}

/** The process whose checkpoints have to be remembered, because nobody else would know them after its death. */
function keepingProcess({ world, jobManagerPods }: Observation, config: SessionJobConfig): string | undefined {
  const { sessionJob, cluster } = world;
  const deployment = cluster.known ? cluster.value?.deployment : undefined;
  const type = config.configurationOf(sessionJob, deployment).get(highAvailabilityOptions.type);
  if (wantedMode(sessionJob.spec) === 'stateless' || highAvailabilityKind(type) !== 'none') return undefined;
  const [only, ...others] = jobManagerPods;
  return only === undefined || others.length > 0 ? undefined : processOf(only);
}
