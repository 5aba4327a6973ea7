import type { FlinkSessionJobStatus } from '@drey/api';
import { conditionsOf, summaryOf } from '../job/conditions.ts';
import { redactedStatus } from '../job/redaction.ts';
import { messageOf } from '../job/resource-error.ts';
import { snapshotFresh } from '../job/snapshot-freshness.ts';
import type { SessionJobContext, SessionJobOutcome } from './context.ts';

/** A complete status with the conditions and the summary that follow from it and from what was decided. */
export function withConditions(
  context: SessionJobContext,
  outcome: SessionJobOutcome,
  status: FlinkSessionJobStatus,
): FlinkSessionJobStatus {
  const conditions = conditionsOf(status, {
    generation: context.wanted.metadata.generation ?? 1,
    stalled: stalledReason(context, outcome, status),
    progress: outcome.progress,
    now: context.now,
    more: [...freshness(context, status), ...(outcome.conditions ?? [])],
  });
  return redactedStatus(context.world.sessionJob, { ...status, conditions, summary: summaryOf(conditions) });
}

function freshness(context: SessionJobContext, status: FlinkSessionJobStatus) {
  if (context.recorded === undefined) return [];
  const draft = snapshotFresh({
    state: status.jobStatus?.state ?? undefined,
    startTime: Number(status.jobStatus?.startTime ?? Number.NaN) || undefined,
    checkpoints: context.world.flink.checkpoints,
    options: context.options,
    recorded: status.conditions ?? [],
    now: context.now,
  });
  return draft === undefined ? [] : [draft];
}

function stalledReason(
  context: SessionJobContext,
  outcome: SessionJobOutcome,
  status: FlinkSessionJobStatus,
): SessionJobOutcome['stalled'] {
  if (outcome.stalled !== undefined) return outcome.stalled;
  if (context.invalid !== undefined) {
    return {
      reason: 'ValidationError',
      message: `${context.invalid} Correct the spec; the running job is not touched.`,
    };
  }
  if (status.lifecycleState !== 'FAILED') return undefined;
  return { reason: 'JobFailed', message: messageOf(status.error) ?? 'The job failed.' };
}
