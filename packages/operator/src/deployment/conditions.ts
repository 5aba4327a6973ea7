import type { FlinkDeploymentStatus } from '@drey/api';
import {
  type ConditionDraft,
  type ConditionInput,
  conditionsOf,
  sessionClusterConditions,
  stalledBecause,
  summaryOf,
} from '../job/conditions.ts';
import { configurationWarningDrafts } from '../job/configuration-warning.ts';
import { redactedStatus } from '../job/redaction.ts';
import { freshnessDrafts } from '../job/snapshot-freshness.ts';
import type { Context, Outcome } from './context.ts';
import { healthConditions } from './recovery/health.ts';
import { missingRight } from './start/missing-right.ts';
import { resultStoreWarnings } from './start/result-stores.ts';
import { claimWarnings } from './task-managers.ts';

/** A complete status with the conditions and the summary that follow from it and from what was decided. */
export function withConditions(
  context: Context,
  outcome: Outcome,
  status: FlinkDeploymentStatus,
): FlinkDeploymentStatus {
  const input: ConditionInput = {
    generation: context.wanted.metadata.generation ?? 1,
    stalled: stalledBecause(status, {
      stalled: outcome.stalled,
      invalid: context.invalid,
      problem: () => context.config.problemOf?.(context.world.deployment) ?? missingRight(context.world),
      runs: context.recorded !== undefined,
    }),
    progress: outcome.progress,
    now: context.now,
    more: [
      ...freshness(context, status),
      ...healthConditions(status),
      ...(outcome.conditions ?? []),
      ...warningDrafts(context),
    ],
  };
  const conditions = runsJob(context) ? conditionsOf(status, input) : sessionClusterConditions(status, input);
  return redactedStatus(context.world.deployment, { ...status, conditions, summary: summaryOf(conditions) });
}

/** The condition about what in the configuration does not do what it looks like. */
export function warningDrafts({ config, world, wanted, options, invalid }: Context): readonly ConditionDraft[] {
  const ofSpec =
    invalid === undefined ? [...resultStoreWarnings(wanted, options), ...claimWarnings(wanted, options)] : [];
  return configurationWarningDrafts([...(config.warningsOf?.(world.deployment) ?? []), ...ofSpec]);
}

function runsJob({ wanted }: Context): boolean {
  return wanted.spec.job !== undefined && wanted.spec.job !== null;
}

function freshness(context: Context, status: FlinkDeploymentStatus): readonly ConditionDraft[] {
  if (!runsJob(context) || context.recorded === undefined) return [];
  const { world, runningOptions: options, now } = context;
  return freshnessDrafts(status, { checkpoints: world.flink.checkpoints, options, now });
}
