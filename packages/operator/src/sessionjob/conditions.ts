import type { FlinkDeployment, FlinkSessionJobStatus } from '@drey/api';
import { type ConditionDraft, conditionsOf, stalledBecause, summaryOf } from '../job/conditions.ts';
import { CONFIGURATION_WARNING, configurationWarningDrafts } from '../job/configuration-warning.ts';
import { redactedStatus } from '../job/redaction.ts';
import { freshnessDrafts } from '../job/snapshot-freshness.ts';
import type { SessionJobContext, SessionJobOutcome } from './context.ts';

/** A complete status with the conditions and the summary that follow from it and from what was decided. */
export function withConditions(
  context: SessionJobContext,
  outcome: SessionJobOutcome,
  status: FlinkSessionJobStatus,
): FlinkSessionJobStatus {
  const conditions = conditionsOf(status, {
    generation: context.wanted.metadata.generation ?? 1,
    stalled: stalledBecause(status, {
      stalled: outcome.stalled,
      invalid: context.invalid,
      problem: () => context.config.problemOf?.(context.world.sessionJob, clusterOf(context)),
      runs: context.recorded !== undefined,
    }),
    progress: outcome.progress,
    now: context.now,
    more: [...freshness(context, status), ...(outcome.conditions ?? []), ...configurationWarning(context)],
  });
  return redactedStatus(context.world.sessionJob, { ...status, conditions, summary: summaryOf(conditions) });
}

/** What the configuration does not do; as it was told before while the cluster, and so its version, is not known. */
export function configurationWarning(context: SessionJobContext): ConditionDraft[] {
  const { config, world } = context;
  const cluster = clusterOf(context);
  if (cluster !== undefined) return configurationWarningDrafts(config.warningsOf?.(world.sessionJob, cluster) ?? []);
  const told = world.sessionJob.status?.conditions?.find(({ type }) => type === CONFIGURATION_WARNING);
  if (told === undefined) return [];
  return [{ type: told.type, status: told.status, reason: told.reason ?? '', message: told.message ?? '' }];
}

function clusterOf({ world }: SessionJobContext): FlinkDeployment | undefined {
  return world.cluster.known ? world.cluster.value?.deployment : undefined;
}

function freshness(context: SessionJobContext, status: FlinkSessionJobStatus): readonly ConditionDraft[] {
  if (context.recorded === undefined) return [];
  const { world, options, now } = context;
  return freshnessDrafts(status, { checkpoints: world.flink.checkpoints, options, now });
}
