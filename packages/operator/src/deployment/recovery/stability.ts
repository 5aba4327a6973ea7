import type { FlinkDeploymentStatus } from '@drey/api';
import { type FlinkConfig, resourceOptions } from '@drey/flink';

/** How long a job has to run without a break before its spec is stable: a question only where a rollback may follow. */
export function stabilityWindowMs(options: FlinkConfig): number {
  return options.get(resourceOptions.rollbackEnabled) ? options.get(resourceOptions.rollbackStabilityWindow) : 0;
}

/** True while a deployed spec has yet to show that it is a stable one. */
export function isOnTrial({ reconciliationStatus: record }: FlinkDeploymentStatus): boolean {
  return record?.state === 'DEPLOYED' && record.lastReconciledSpec !== record.lastStableSpec;
}

/** The time in which a deployed spec had to show that it is a stable one is over. */
export function isOverdue({ reconciliationStatus }: FlinkDeploymentStatus, options: FlinkConfig, now: number): boolean {
  const deployedAt = reconciliationStatus?.reconciliationTimestamp ?? now;
  return now - deployedAt > options.get(resourceOptions.readinessTimeout);
}
