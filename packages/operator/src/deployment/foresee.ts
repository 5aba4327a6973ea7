import { isInPlace } from '../job/change-class.ts';
import {
  askedMode,
  changeOf,
  expectedDowntime,
  type ForeseenJob,
  jobAsTheStatusSays,
  jobWarnings,
  stateOf,
  upgradeBy,
} from '../job/foreseen-job.ts';
import type { ForeseenChange, ForeseenUpgrade, Foresight } from '../job/foresight.ts';
import { upgradeRule } from '../job/upgrade-choice.ts';
import { type Context, type DecideConfig, isSessionCluster, jobOf } from './context.ts';
import { contextOf, decide } from './decide.ts';
import { upgradeFacts } from './upgrade/upgrade-facts.ts';
import type { World } from './world.ts';

/**
 * What the operator would do about a world in which the deployment has the spec in question: the production decision itself,
 * with the reasons it was made for. Pure. Of the jobs of a session cluster `foreseeSessionCluster` tells.
 */
export function foresee(seen: World, config: DecideConfig): Foresight {
  const { world, assumption } = asTheStatusSays(seen);
  const context = contextOf(world, config);
  const plan = decide(world, config);
  const job = foreseenJob(context, plan);
  const change = changeOf(job);
  const runsJob = !isSessionCluster(context.wanted.spec);
  const isReplaced = runsJob && (change === 'upgrade' || change === 'suspend');
  const upgrade = isReplaced
    ? upgradeBy(upgradeRule(upgradeFacts(context, context.runningOptions)), askedMode(job))
    : undefined;
  const restarts = restartsOf(context, change);
  const interrupts = restarts.job && change !== 'create' && change !== 'resume' && change !== 'suspend';
  return {
    change,
    differences: change === 'invalid' || change === 'nothing' ? [] : context.classification.differences,
    upgrade,
    state: stateOf(job, change, upgrade),
    restarts,
    downtime: interrupts ? expectedDowntime(context.status) : undefined,
    firstSteps: plan.steps.map((step) => step.kind),
    warnings: [
      ...(change === 'nothing' || change === 'invalid' ? [] : assumption),
      ...warningsOf(context, job, { change, upgrade }),
    ],
  };
}

function foreseenJob(context: Context, plan: ForeseenJob['plan']): ForeseenJob {
  const { world, wanted, recorded } = context;
  return {
    ...context,
    before: world.deployment.status ?? {},
    isDeleting: wanted.metadata.deletionTimestamp !== undefined,
    recorded: recorded === undefined ? undefined : jobOf(recorded.spec),
    wanted: isSessionCluster(wanted.spec) ? undefined : jobOf(wanted.spec),
    checkpoints: world.flink.checkpoints,
    plan,
  };
}

function asTheStatusSays(world: World): { readonly world: World; readonly assumption: readonly string[] } {
  const silent = jobAsTheStatusSays(world.flink.jobs, world.deployment.status ?? {});
  if (silent === undefined) return { world, assumption: [] };
  const { jobs, unread, warning } = silent;
  const flink = { ...world.flink, jobs, checkpoints: unread, requirements: unread };
  return { world: { ...world, flink }, assumption: [warning] };
}

function restartsOf({ wanted }: Context, change: ForeseenChange): Foresight['restarts'] {
  const all =
    change === 'create' || change === 'resume' || change === 'upgrade' || change === 'redeploy' || change === 'suspend';
  return { jobManager: all, taskManagers: all, job: all && !isSessionCluster(wanted.spec) };
}

function warningsOf(
  context: Context,
  job: ForeseenJob,
  { change, upgrade }: { readonly change: ForeseenChange; readonly upgrade: ForeseenUpgrade | undefined },
): readonly string[] {
  const { jobManager, jobManagerPods } = context.world;
  const unread = [jobManager, jobManagerPods].flatMap((one) => (one.known ? [] : [one.reason]));
  return [
    ...unread.map((reason) => `Not everything could be read: ${reason}.`),
    ...jobWarnings(job, change, upgrade),
    ...loggingWarnings(context, change),
  ];
}

function loggingWarnings({ classification }: Context, change: ForeseenChange): readonly string[] {
  const isChanged = classification.differences.some((one) => one.class === 'logging');
  const acts = change !== 'nothing' && change !== 'invalid' && change !== 'create';
  if (!isChanged || !acts || change === 'resume' || change === 'suspend' || !isInPlace(change)) return [];
  return [
    'Logging takes effect when the kubelet has brought the file and log4j has looked again: up to about 90 s plus monitorInterval.',
  ];
}
