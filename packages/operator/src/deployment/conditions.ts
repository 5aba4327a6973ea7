import type { FlinkDeploymentStatus } from '@drey/api';
import {
  type ConditionDraft,
  type ConditionInput,
  conditionsOf,
  refusalMessage,
  sessionClusterConditions,
  summaryOf,
} from '../job/conditions.ts';
import { configurationWarningDrafts } from '../job/configuration-warning.ts';
import { redactedStatus } from '../job/redaction.ts';
import { messageOf } from '../job/resource-error.ts';
import { snapshotFresh } from '../job/snapshot-freshness.ts';
import type { Context, Outcome } from './context.ts';
import { healthConditions } from './recovery/health.ts';

/** A complete status with the conditions and the summary that follow from it and from what was decided. */
export function withConditions(
  context: Context,
  outcome: Outcome,
  status: FlinkDeploymentStatus,
): FlinkDeploymentStatus {
  const input: ConditionInput = {
    generation: context.wanted.metadata.generation ?? 1,
    stalled: stalledReason(context, outcome, status),
    progress: outcome.progress,
    now: context.now,
    more: [
      ...freshness(context, status),
      ...healthConditions(status),
      ...(outcome.conditions ?? []),
      ...configurationWarningDrafts(context.config.warningsOf?.(context.world.deployment) ?? []),
    ],
  };
  const conditions = runsJob(context) ? conditionsOf(status, input) : sessionClusterConditions(status, input);
  return redactedStatus(context.world.deployment, { ...status, conditions, summary: summaryOf(conditions) });
}

function runsJob({ wanted }: Context): boolean {
  return wanted.spec.job !== undefined && wanted.spec.job !== null;
}

function freshness(context: Context, status: FlinkDeploymentStatus): readonly ConditionDraft[] {
  if (!runsJob(context) || context.recorded === undefined) return [];
  const draft = snapshotFresh({
    state: status.jobStatus?.state ?? undefined,
    startTime: Number(status.jobStatus?.startTime ?? Number.NaN) || undefined,
    checkpoints: context.world.flink.checkpoints,
    options: context.runningOptions,
    recorded: status.conditions ?? [],
    now: context.now,
  });
  return draft === undefined ? [] : [draft];
}

function stalledReason(context: Context, outcome: Outcome, status: FlinkDeploymentStatus): Outcome['stalled'] {
  if (outcome.stalled !== undefined) return outcome.stalled;
  if (context.invalid !== undefined) {
    const problem = context.config.problemOf?.(context.world.deployment);
    return {
      reason: 'ValidationError',
      message: refusalMessage(context.invalid, problem, context.recorded !== undefined),
    };
  }
  if (status.lifecycleState !== 'FAILED') return undefined;
  return { reason: 'JobFailed', message: messageOf(status.error) ?? 'The job failed.' };
}
