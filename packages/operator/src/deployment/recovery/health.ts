import type { FlinkDeploymentStatus } from '@drey/api';
import { checkpointingOptions, type FlinkConfig, resourceOptions } from '@drey/flink';
import type { ConditionDraft } from '../../job/conditions.ts';
import { isTerminal } from '../../job/upgrade-choice.ts';
import type { FlinkJobHealth } from '../../runtime/ports.ts';

/** Member of `clusterInfo` with the record of the health check. */
const RECORD = 'ClusterHealthInfo';

/**
 * What is recorded of a job's health, in the members and spelling of the Apache operator: either operator goes on from what
 * the other one wrote. Times are epoch milliseconds.
 */
export interface HealthRecord {
  readonly timeStamp: number;
  /** Restarts at the beginning of the window, and when that was. */
  readonly numRestarts: number;
  readonly numRestartsEvaluationTimeStamp: number;
  /** Completed checkpoints, and when that number last grew. */
  readonly numCompletedCheckpoints: number;
  readonly numCompletedCheckpointsIncreasedTimeStamp: number;
  readonly healthResult: { readonly healthy: boolean; readonly error: string | null };
}

/** The record in a status; undefined: there is none that can be read. */
export function healthRecord({ clusterInfo }: FlinkDeploymentStatus): HealthRecord | undefined {
  try {
    const record: unknown = JSON.parse(clusterInfo?.[RECORD] ?? 'null');
    return typeof record === 'object' && record !== null && 'healthResult' in record
      ? (record as HealthRecord)
      : undefined;
  } catch {
    return undefined; // written by nobody we know: the check begins anew
  }
}

/** A status without the record: the job is started anew. */
export function withoutHealth(status: FlinkDeploymentStatus): FlinkDeploymentStatus {
  if (status.clusterInfo?.[RECORD] === undefined) return status;
  const { [RECORD]: _, ...clusterInfo } = status.clusterInfo;
  return { ...status, clusterInfo };
}

/** What the counters are judged by. */
export interface HealthInput {
  readonly status: FlinkDeploymentStatus;
  readonly health: FlinkJobHealth | undefined;
  readonly options: FlinkConfig;
  readonly now: number;
}

/**
 * A status with the outcome of the health check. It is written when the outcome changes and once in a window, not with every
 * checkpoint.
 */
export function withHealth(input: HealthInput): FlinkDeploymentStatus {
  const { status, health, options } = input;
  if (!options.get(resourceOptions.clusterHealthCheckEnabled)) return withoutHealth(status);
  if (health === undefined || isTerminal(status.jobStatus?.state ?? undefined)) return status;
  const before = healthRecord(status);
  const after = judged(before, health, input);
  if (before !== undefined && !isNews(before, after, input)) return status;
  return { ...status, clusterInfo: { ...status.clusterInfo, [RECORD]: JSON.stringify(after) } };
}

function isNews(before: HealthRecord, after: HealthRecord, { options }: HealthInput): boolean {
  if (before.healthResult.healthy !== after.healthResult.healthy) return true;
  if (before.numRestartsEvaluationTimeStamp !== after.numRestartsEvaluationTimeStamp) return true;
  if (after.numCompletedCheckpoints < before.numCompletedCheckpoints) return true;
  const age = after.numCompletedCheckpointsIncreasedTimeStamp - before.numCompletedCheckpointsIncreasedTimeStamp;
  return age >= (progressWindowMs(options) ?? Number.POSITIVE_INFINITY) / 4;
}

function judged(
  before: HealthRecord | undefined,
  { restarts = 0, completedCheckpoints = 0 }: FlinkJobHealth,
  { options, now }: HealthInput,
): HealthRecord {
  const healthy = { healthy: true, error: null };
  const fresh: HealthRecord = {
    timeStamp: now,
    numRestarts: restarts,
    numRestartsEvaluationTimeStamp: now,
    numCompletedCheckpoints: completedCheckpoints,
    numCompletedCheckpointsIncreasedTimeStamp: now,
    healthResult: healthy,
  };
  // Counters that go backwards are those of another run.
  if (before === undefined || restarts < before.numRestarts) return fresh;
  const windowMs = options.get(resourceOptions.clusterHealthCheckRestartsWindow);
  const elapsed = now - before.numRestartsEvaluationTimeStamp;
  const threshold = options.get(resourceOptions.clusterHealthCheckRestartsThreshold);
  const inWindow = ((restarts - before.numRestarts) * windowMs) / Math.max(windowMs, elapsed);
  const progressed = completedCheckpoints !== before.numCompletedCheckpoints;
  const progressAt = progressed ? now : before.numCompletedCheckpointsIncreasedTimeStamp;
  const progressMs = progressWindowMs(options);
  const error =
    inWindow > threshold
      ? `Restart count hit the threshold of ${threshold} in ${windowMs / 1000} s.`
      : progressMs !== undefined && now - progressAt > progressMs
        ? `No checkpoint was completed for ${Math.round((now - progressAt) / 1000)} s.`
        : undefined;
  return {
    ...fresh,
    ...(elapsed > windowMs
      ? {}
      : { numRestarts: before.numRestarts, numRestartsEvaluationTimeStamp: before.numRestartsEvaluationTimeStamp }),
    numCompletedCheckpointsIncreasedTimeStamp: progressAt,
    healthResult: error === undefined ? healthy : { healthy: false, error },
  };
}

/** How long a job may go on without completing a checkpoint; undefined: that is not checked. */
function progressWindowMs(options: FlinkConfig): number | undefined {
  if (!options.get(resourceOptions.clusterHealthCheckCheckpointProgressEnabled)) return undefined;
  const configured = options.get(resourceOptions.clusterHealthCheckCheckpointProgressWindow);
  const interval = options.get(checkpointingOptions.interval);
  if (interval === undefined) return configured;
  const longest = Math.max(interval, options.get(checkpointingOptions.timeout));
  const least = longest * (options.get(checkpointingOptions.tolerableFailedCheckpoints) + 2);
  return Math.max(least, configured ?? 0);
}

/** The condition that tells of the check, where it is on. */
export function healthConditions(status: FlinkDeploymentStatus): readonly ConditionDraft[] {
  const record = healthRecord(status);
  if (record === undefined) return [];
  const { healthy, error } = record.healthResult;
  return healthy
    ? [{ type: 'Healthy', status: 'True', reason: 'Healthy', message: 'The health check passed.' }]
    : [{ type: 'Healthy', status: 'False', reason: 'Unhealthy', message: error ?? 'The health check failed.' }];
}
