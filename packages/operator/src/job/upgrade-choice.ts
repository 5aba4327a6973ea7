import type { JobManagerDeploymentStatus, JobState, UpgradeMode } from '@drey/api';

/**
 * How a running job is brought down so that its state can be taken up again. The names are those of the Apache operator.
 * - NOOP: the job is over already, only the cluster is removed;
 * - STATELESS: the job is cancelled and its state forgotten;
 * - SAVEPOINT: stop-with-savepoint; CANCEL: cancel, then start from the newest retained checkpoint;
 * - LAST_STATE: the cluster is removed and the HA metadata kept.
 */
export type SuspendMode = 'NOOP' | 'STATELESS' | 'SAVEPOINT' | 'CANCEL' | 'LAST_STATE';

/** Facts that the choice is made from; everything is known, or said to be unknown. */
export interface UpgradeFacts {
  readonly upgradeMode: UpgradeMode;
  readonly jobState: JobState | undefined;
  /** Whether it is sure by now what a job that ended has left. */
  readonly endSettled: boolean;
  /** Not all tasks of a running job run yet, so that a savepoint would be refused. */
  readonly tasksStarting: boolean;
  readonly jobManager: JobManagerDeploymentStatus;
  /** The JobManager's Deployment has never been available. */
  readonly jobManagerNeverStarted: boolean;
  /** Mode in which the running cluster was started. */
  readonly recordedMode: UpgradeMode;
  readonly flinkVersionChanged: boolean;
  readonly savepointDirectoryConfigured: boolean;
  readonly lastStateFallback: boolean;
  readonly jobCancelEnabled: boolean;
  /** HA metadata of the running cluster; `off` when HA is not configured in both the running and the wanted configuration. */
  readonly ha: 'off' | 'available' | 'absent' | 'unknown';
  /** What the status records as state to start from. */
  readonly recordedState: 'none' | 'path' | 'in-ha-metadata';
  /** Age of the newest checkpoint against the allowed age. */
  readonly checkpointAge: 'allowed' | 'one-is-due' | 'too-old' | 'unknown';
  /** The job was never seen running since it was launched, and nothing is known that it completed. */
  readonly neverRan?: boolean;
  /** The user wants the job suspended. */
  readonly suspends?: boolean;
  /** Whether the running job has a checkpoint that it could be started from. */
  readonly checkpoint: 'none' | 'exists' | 'unknown';
}

export type UpgradeChoice =
  | { readonly kind: 'upgrade'; readonly suspend: SuspendMode; readonly restore: UpgradeMode }
  /** Nothing may be done yet. `reason` is shown to users. */
  | { readonly kind: 'wait'; readonly reason: string; readonly otherActionsAllowed: boolean }
  | { readonly kind: 'failed'; readonly message: string };

/** One rule: the first whose condition holds decides. */
export interface UpgradeRule {
  readonly name: string;
  readonly when: (facts: UpgradeFacts) => boolean;
  readonly choice: UpgradeChoice;
}

const upgrade = (suspend: SuspendMode, restore: UpgradeMode): UpgradeChoice => ({ kind: 'upgrade', suspend, restore });
const wait = (reason: string, otherActionsAllowed: boolean): UpgradeChoice => ({
  kind: 'wait',
  reason,
  otherActionsAllowed,
});

/** Text that marks an error which only a person can resolve; the Apache operator's tools look for it. */
export const MANUAL_RESTORE = 'Manual restore required.';

/** FINISHED, CANCELED and FAILED: the job is over for good. */
export function isTerminal(state: JobState | undefined): boolean {
  return state === 'FINISHED' || state === 'CANCELED' || state === 'FAILED';
}

function isCancellable(facts: UpgradeFacts): boolean {
  return (
    facts.jobManager === 'READY' &&
    facts.jobState !== undefined &&
    facts.jobState !== 'RECONCILING' &&
    !isTerminal(facts.jobState)
  );
}

/** Cancelling is wanted only where HA metadata cannot carry the state, or where the user prefers it. */
function isCancelAllowed(facts: UpgradeFacts): boolean {
  return isCancellable(facts) && (facts.ha === 'off' || facts.ha === 'absent' || facts.jobCancelEnabled);
}

/** A job that ended is continued from what was recorded at its end, unless only HA metadata can tell what that was. */
function isOver(facts: UpgradeFacts): boolean {
  return (
    isTerminal(facts.jobState) &&
    (facts.jobState === 'CANCELED' || facts.ha !== 'available' || facts.jobManager === 'READY')
  );
}

/** A JobManager that was never ready; one that wrote high-availability metadata came far enough to run its job. */
function neverStarted(facts: UpgradeFacts): boolean {
  const isUntouched = facts.ha === 'off' || facts.ha === 'absent';
  return (
    facts.jobManager !== 'MISSING' && facts.recordedMode !== 'last-state' && facts.jobManagerNeverStarted && isUntouched
  );
}

function neverRan(facts: UpgradeFacts): boolean {
  return facts.neverRan === true && facts.recordedMode !== 'last-state';
}

/** No JobManager, and nothing from which it could find its state again. */
function isLost(facts: UpgradeFacts): boolean {
  return (
    (facts.jobManager === 'MISSING' || facts.jobManager === 'ERROR') && (facts.ha === 'off' || facts.ha === 'absent')
  );
}

const stateful = (facts: UpgradeFacts): boolean => facts.upgradeMode !== 'stateless';
const running = (facts: UpgradeFacts): boolean => facts.jobState === 'RUNNING';
const savepointMode = (facts: UpgradeFacts): boolean => facts.upgradeMode === 'savepoint';

/**
 * How to replace a job that was started, in the order of the Apache operator's own choice. It differs in three places,
 * each on the safe side: nothing is decided while HA metadata or checkpoints could not be read; a job without any
 * checkpoint is not cancelled while it runs (it is stopped with a savepoint, or given time for its first checkpoint).
 */
export const UPGRADE_RULES: readonly UpgradeRule[] = [
  {
    name: 'stateless, and the job is over: only the cluster is removed',
    when: (f) => f.upgradeMode === 'stateless' && isTerminal(f.jobState),
    choice: upgrade('NOOP', 'stateless'),
  },
  {
    name: 'stateless: cancel and start anew',
    when: (f) => f.upgradeMode === 'stateless',
    choice: upgrade('STATELESS', 'stateless'),
  },
  {
    name: 'the job is over, but whether HA metadata is left could not be read: wait',
    when: (f) => isTerminal(f.jobState) && f.jobState !== 'CANCELED' && f.ha === 'unknown' && f.jobManager !== 'READY',
    choice: wait('the high-availability metadata could not be read', false),
  },
  {
    name: 'the job has only just ended, and a last checkpoint may not show yet: wait',
    when: (f) => isTerminal(f.jobState) && f.jobManager === 'READY' && !f.endSettled,
    choice: wait('what the job left at its end is being read', false),
  },
  {
    name: 'the job is over and is to be suspended: nothing has to be brought down, and nothing restored yet',
    when: (f) => isOver(f) && f.suspends === true,
    choice: upgrade('NOOP', 'savepoint'),
  },
  {
    name: 'the job is over and its state is only in HA metadata that nobody can read: manual restore',
    when: (f) => isOver(f) && f.recordedState === 'in-ha-metadata',
    choice: {
      kind: 'failed',
      message: `The job ended and the state it was started from is no longer known. ${MANUAL_RESTORE}`,
    },
  },
  {
    name: 'the job is over: continue from the state recorded at its end',
    when: isOver,
    choice: upgrade('NOOP', 'savepoint'),
  },
  {
    name: 'the job is being cancelled: wait',
    when: (f) => f.jobState === 'CANCELLING',
    choice: wait('the job is being cancelled', false),
  },
  {
    name: 'savepoint, and the tasks of the job are still starting: wait',
    when: (f) => savepointMode(f) && running(f) && f.tasksStarting,
    choice: wait('the tasks of the job are starting', true),
  },
  {
    name: 'savepoint, and the job runs: stop with savepoint',
    when: (f) => savepointMode(f) && running(f),
    choice: upgrade('SAVEPOINT', 'savepoint'),
  },
  {
    name: 'savepoint, the job does not run, last-state is not allowed: wait',
    when: (f) => savepointMode(f) && !f.flinkVersionChanged && !f.lastStateFallback,
    choice: wait('a savepoint needs a running job', true),
  },
  {
    name: 'new Flink version, the job runs and a savepoint directory is known: stop with savepoint',
    when: (f) => f.flinkVersionChanged && running(f) && f.savepointDirectoryConfigured,
    choice: upgrade('SAVEPOINT', 'savepoint'),
  },
  {
    name: 'new Flink version, the job can be cancelled: cancel and start from the newest checkpoint',
    when: (f) => f.flinkVersionChanged && isCancellable(f) && (!running(f) || f.checkpoint === 'exists'),
    choice: upgrade('CANCEL', 'savepoint'),
  },
  {
    name: 'new Flink version, otherwise: wait',
    when: (f) => f.flinkVersionChanged && !neverStarted(f) && !isLost(f),
    choice: wait('a change of the Flink version needs a job that runs and has a checkpoint', true),
  },
  {
    name: 'last-state, the job runs, a checkpoint that is young enough is being taken: wait',
    when: (f) => running(f) && f.checkpointAge === 'one-is-due',
    choice: wait('a checkpoint is being taken', true),
  },
  {
    name: 'last-state, the job runs, the age of its checkpoint could not be read: wait',
    when: (f) => running(f) && f.checkpointAge === 'unknown',
    choice: wait('the checkpoints of the job could not be read', true),
  },
  {
    name: 'last-state, the job runs, its newest checkpoint is too old: stop with savepoint',
    when: (f) => running(f) && f.checkpointAge === 'too-old',
    choice: upgrade('SAVEPOINT', 'savepoint'),
  },
  {
    name: 'last-state, whether HA metadata exists could not be read: wait',
    when: (f) => stateful(f) && f.ha === 'unknown',
    choice: wait('the high-availability metadata could not be read', true),
  },
  {
    name: 'last-state without HA metadata, the job runs and has a checkpoint: cancel and start from it',
    when: (f) => running(f) && isCancelAllowed(f) && f.checkpoint === 'exists',
    choice: upgrade('CANCEL', 'savepoint'),
  },
  {
    name: 'last-state without HA metadata, the job runs without any checkpoint: stop with savepoint',
    when: (f) => running(f) && isCancelAllowed(f) && f.checkpoint === 'none' && f.savepointDirectoryConfigured,
    choice: upgrade('SAVEPOINT', 'savepoint'),
  },
  {
    name: 'last-state without HA metadata, the job runs and nothing is known to start from: wait',
    when: (f) => running(f) && isCancelAllowed(f),
    choice: wait('the job has no completed checkpoint yet', true),
  },
  {
    name: 'last-state, the job runs with HA metadata: remove the cluster and keep the metadata',
    when: (f) => running(f) && f.ha === 'available',
    choice: upgrade('LAST_STATE', 'last-state'),
  },
  {
    name: 'last-state without HA metadata, the job does not run but can be cancelled: cancel it',
    when: (f) => isCancelAllowed(f) && f.checkpoint !== 'unknown',
    choice: upgrade('CANCEL', 'savepoint'),
  },
  {
    name: 'HA metadata is there: remove the cluster and keep the metadata',
    when: (f) => f.ha === 'available' && !f.flinkVersionChanged,
    choice: upgrade('LAST_STATE', 'last-state'),
  },
  {
    name: 'the JobManager never started: start again from the state it was given',
    when: neverStarted,
    choice: upgrade('NOOP', 'savepoint'),
  },
  {
    name: 'the job never ran and left nothing in HA metadata: start again from the state it was given',
    when: (f) => neverRan(f) && f.ha === 'absent' && !running(f),
    choice: upgrade('NOOP', 'savepoint'),
  },
  {
    name: 'the job never ran before its JobManager failed: start again from the state it was given',
    when: (f) => neverRan(f) && f.ha === 'off' && f.jobManager === 'ERROR' && !running(f),
    choice: upgrade('NOOP', 'savepoint'),
  },
  {
    name: 'the JobManager is lost and there is no HA metadata: manual restore',
    when: isLost,
    choice: {
      kind: 'failed',
      message: `JobManager deployment is missing and HA metadata is not available to make stateful upgrades. ${MANUAL_RESTORE}`,
    },
  },
  {
    name: 'otherwise: wait until the job runs',
    when: () => true,
    choice: wait('the job has to run before it can be upgraded with its state', true),
  },
];

/** The rule that applies. */
export function upgradeRule(facts: UpgradeFacts): UpgradeRule {
  const rule = UPGRADE_RULES.find((candidate) => candidate.when(facts));
  if (rule === undefined) throw new Error('E_OPERATOR_INVARIANT: the upgrade rules end with one that always applies');
  return rule;
}
