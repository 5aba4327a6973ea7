import type { FlinkDeploymentStatus, UpgradeMode } from '@drey/api';
import { resourceOptions } from '@drey/flink';
import { stabilityLeftMs } from '../../job/observed-job.ts';
import { beginOperation, type CurrentOperation } from '../../job/operation.ts';
import type { PlannedEvent } from '../../job/planned.ts';
import { withRecord, withRollbackRecord } from '../../job/record.ts';
import { lastReconciled, type RecordedSpec } from '../../job/recorded-spec.ts';
import { LAST_STATE_MARKER, recordedStatePath } from '../../job/status.ts';
import { after } from '../../job/wake-up.ts';
import { type Context, isSuspended, jobOf, type Outcome } from '../context.ts';
import { NO_TASK_MANAGERS } from '../observation/task-manager-info.ts';
import { specChange } from '../upgrade/spec-change.ts';
import { continueRemoving, removeRecorded } from '../upgrade/upgrade.ts';
import { upgradeFacts } from '../upgrade/upgrade-facts.ts';
import { type RollbackFacts, rollbackRule } from './rollback-choice.ts';
import { isOnTrial, isOverdue, stabilityWindowMs } from './stability.ts';

/**
 * Puts the last stable spec back when the one that was deployed has not become stable in time. undefined: there is no reason
 * to, or nothing to go back to.
 */
export function rollBack(context: Context): Outcome | undefined {
  const choice = rollbackRule(rollbackFacts(context)).choice;
  switch (choice.kind) {
    case 'none':
      return undefined;
    case 'wait':
      return {
        status: context.status,
        progress: { reason: 'RollbackPending', message: `The rollback waits: ${choice.reason}.` },
        wakeUp: after(WAIT_MS),
      };
    case 'roll-back':
      return beginRollback(context, choice.restore, [ROLLBACK]);
  }
}

const WAIT_MS = 500;
const ROLLBACK: PlannedEvent = {
  type: 'Normal',
  reason: 'Rollback',
  message: 'Rolling back failed deployment.',
  component: 'JobManagerDeployment',
};

function rollbackFacts(context: Context): RollbackFacts {
  const { status, wanted, runningOptions, now } = context;
  const stable = lastStable(status);
  const { ha, jobManagerNeverStarted, jobState, endSettled, recordedMode } = upgradeFacts(context, runningOptions);
  const path = recordedStatePath(status);
  return {
    enabled: runningOptions.get(resourceOptions.rollbackEnabled) && !isSuspended(wanted.spec),
    onTrial: isOnTrial(status),
    stableSpec: stable === undefined ? 'none' : stable.spec.job?.state === 'suspended' ? 'suspended' : 'running',
    flinkVersionChanged: stable?.spec.flinkVersion !== wanted.spec.flinkVersion,
    overdue: isOverdue(status, runningOptions, now),
    runsWithoutBreak: jobState === 'RUNNING' && stabilityLeftMs(status, stabilityWindowMs(runningOptions), now) > 0,
    stateless: (jobOf(wanted.spec).upgradeMode ?? 'stateless') === 'stateless',
    jobState,
    endSettled,
    ha,
    neverStarted: jobManagerNeverStarted,
    recordedMode,
    path: path !== undefined && path !== LAST_STATE_MARKER,
  };
}

function lastStable({ reconciliationStatus }: FlinkDeploymentStatus): RecordedSpec | undefined {
  return lastReconciled({ reconciliationStatus: { lastReconciledSpec: reconciliationStatus?.lastStableSpec ?? null } });
}

/** Records the rollback, and begins to remove the cluster of the spec that failed. */
export function beginRollback(context: Context, restore: UpgradeMode, events: readonly PlannedEvent[]): Outcome {
  const operation = beginOperation(context, 'rollback', 'removing', context.status.jobStatus?.jobId);
  const record = { kind: 'FlinkDeployment', upgradeMode: restore, state: 'ROLLING_BACK', now: context.now } as const;
  const status = { ...withRollbackRecord(context.status, record), operation, taskManager: NO_TASK_MANAGERS };
  const outcome = continueRemoving({ ...context, status, recorded: lastStable(status) }, operation, restore);
  return { ...outcome, events: [...events, ...(outcome.events ?? [])] };
}

/** A spec that is changed during a rollback is carried out instead, from the state that the rollback was to start from. */
export function abandonRollback(context: Context): Outcome {
  const restore = lastReconciled(context.status)?.spec.job?.upgradeMode ?? 'stateless';
  const operation: CurrentOperation = beginOperation(
    context,
    isSuspended(context.wanted.spec) ? 'suspend' : 'upgrade',
    'removing',
    context.status.jobStatus?.jobId,
  );
  return removeRecorded(context, operation, restore);
}

/** After a rollback the user has gone back to the spec that runs. */
export function returnsToDeployed({ status, wanted, recorded }: Context): boolean {
  if (status.reconciliationStatus?.state !== 'ROLLED_BACK' || recorded === undefined) return false;
  const change = specChange(recorded.spec, wanted.spec);
  return change === undefined || change.type === 'IGNORE';
}

/** Only records that what runs is what is wanted. */
export function takeBack(context: Context): Outcome {
  const { status, wanted, generation, now } = context;
  const recorded = withRecord(status, {
    kind: 'FlinkDeployment',
    spec: wanted.spec,
    generation,
    jobState: 'running',
    upgradeMode: lastReconciled(status)?.spec.job?.upgradeMode ?? 'stateless',
    firstDeployment: false,
    state: 'DEPLOYED',
    now,
  });
  return { status: recorded, wakeUp: after(0) };
}
