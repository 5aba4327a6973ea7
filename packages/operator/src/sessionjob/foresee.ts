import {
  askedMode,
  changeOf,
  expectedDowntime,
  type ForeseenJob,
  jobAsTheStatusSays,
  jobWarnings,
  snapshotAt,
  stateOf,
  upgradeBy,
  whySilent,
} from '../job/foreseen-job.ts';
import type { ForeseenChange, ForeseenUpgrade, Foresight } from '../job/foresight.ts';
import { currentOperation } from '../job/operation.ts';
import { recordedStatePath } from '../job/status.ts';
import { upgradeRule } from '../job/upgrade-choice.ts';
import { jobOf, type SessionJobConfig, type SessionJobContext } from './context.ts';
import { contextOf, decideSessionJob } from './decide.ts';
import { classificationOf } from './in-place.ts';
import type { SessionJobPlan } from './plan.ts';
import { missingForFlink, missingForStart } from './readiness.ts';
import { upgradeFacts } from './upgrade.ts';
import type { SessionJobWorld } from './world.ts';

/**
 * What the operator would do about a world in which the session job has the spec in question: the production decision itself,
 * with the reasons it was made for. Pure.
 */
export function foreseeSessionJob(seen: SessionJobWorld, config: SessionJobConfig): Foresight {
  const { world, assumption } = sessionJobAsItsStatusSays(seen);
  const context = contextOf(world, config);
  const plan = decideSessionJob(world, config);
  const job = foreseenJob(context, plan);
  const change = changeOf(job);
  const isReplaced = change === 'upgrade' || change === 'suspend';
  const upgrade = isReplaced ? upgradeOf(context, job) : undefined;
  const isStarted = isReplaced || change === 'create' || change === 'resume' || change === 'redeploy';
  return {
    change,
    differences: change === 'invalid' || change === 'nothing' ? [] : job.classification.differences,
    upgrade,
    state: isReplaced && isRecovery(job) ? snapshotAt(recordedStatePath(plan.status)) : stateOf(job, change, upgrade),
    restarts: { jobManager: false, taskManagers: false, job: isStarted },
    downtime: change === 'upgrade' || change === 'redeploy' ? expectedDowntime(context.status) : undefined,
    firstSteps: plan.steps.map((step) => step.kind),
    warnings: [
      ...(change === 'nothing' || change === 'invalid' ? [] : assumption),
      ...jobWarnings(job, change, upgrade),
      ...(upgrade?.kind === 'waits' ? [] : clusterWarnings(context, change)),
    ],
  };
}

function foreseenJob(context: SessionJobContext, plan: SessionJobPlan): ForeseenJob {
  const { world, wanted, recorded } = context;
  return {
    ...context,
    before: world.sessionJob.status ?? {},
    isDeleting: wanted.metadata.deletionTimestamp !== undefined,
    recorded: recorded === undefined ? undefined : jobOf(recorded.spec),
    wanted: jobOf(wanted.spec),
    classification: classificationOf(context),
    checkpoints: world.flink.checkpoints,
    plan,
  };
}

/** The world with the job, or the cluster that is to get it, as the status says it is, where Flink cannot be asked. */
export function sessionJobAsItsStatusSays(world: SessionJobWorld): {
  readonly world: SessionJobWorld;
  readonly assumption: readonly string[];
} {
  const silent = jobAsTheStatusSays(world.flink.jobs, world.sessionJob.status ?? {});
  if (silent === undefined) return clusterAsItsStatusSays(world);
  const { jobs, unread, warning } = silent;
  const flink = { ...world.flink, jobs, checkpoints: unread, requirements: unread };
  return { world: { ...world, flink }, assumption: [warning] };
}

/** There is no job yet that Flink could tell of. */
function clusterAsItsStatusSays(world: SessionJobWorld): ReturnType<typeof sessionJobAsItsStatusSays> {
  const { jobs } = world.flink;
  const status = world.cluster.known ? world.cluster.value?.deployment.status : undefined;
  const isReady = status?.jobManagerDeploymentStatus === 'READY';
  const hasJob = typeof world.sessionJob.status?.jobStatus?.jobId === 'string';
  if (jobs === undefined || jobs.kind === 'ok' || !isReady || hasJob) return { world, assumption: [] };
  const warning = `Flink could not be asked from here (${whySilent(jobs)}): the session cluster is taken to be ready, as its status says.`;
  const flink = { ...world.flink, jobs: { kind: 'ok', value: [] } } as const;
  return { world: { ...world, flink }, assumption: [warning] };
}

function upgradeOf(context: SessionJobContext, job: ForeseenJob): ForeseenUpgrade {
  const asked = askedMode(job);
  const missing = missingForFlink(context);
  if (missing !== undefined) return { kind: 'waits', asked, because: missing.message };
  if (isRecovery(job)) {
    return { kind: 'now', mode: 'NOOP', asked, because: 'the session cluster lost the job: start from what is known' };
  }
  return upgradeBy(upgradeRule(upgradeFacts(context)), asked);
}

/** A job that its cluster lost is not brought down but started again, with the wanted spec. */
function isRecovery({ before, plan }: ForeseenJob): boolean {
  return before.operation === undefined && currentOperation(plan.status.operation)?.kind === 'recover';
}

/** What its cluster does not let happen yet. */
function clusterWarnings(context: SessionJobContext, change: ForeseenChange): readonly string[] {
  const isStarted = change === 'create' || change === 'resume' || change === 'upgrade' || change === 'redeploy';
  const acts = isStarted || change === 'suspend' || change === 'rescale';
  const missing = isStarted ? missingForStart(context) : acts ? missingForFlink(context) : undefined;
  return missing === undefined ? [] : [missing.message];
}
