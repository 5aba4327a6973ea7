import type { JobState, UpgradeMode } from '@drey/api';
import type { UpgradeFacts } from '../../job/upgrade-choice.ts';

/** Facts from which is decided whether the last stable spec is put back. */
export interface RollbackFacts {
  /** The user wants rollbacks, and the job to run. */
  readonly enabled: boolean;
  /** The deployed spec has yet to show that it is a stable one. */
  readonly onTrial: boolean;
  /** The spec to go back to. */
  readonly stableSpec: 'none' | 'running' | 'suspended';
  readonly flinkVersionChanged: boolean;
  /** The time in which the job had to become ready is over. */
  readonly overdue: boolean;
  /** The job runs, and has not run long enough yet to be called stable. */
  readonly runsWithoutBreak: boolean;
  readonly stateless: boolean;
  readonly jobState: JobState | undefined;
  /** Whether it is sure by now what a job that ended has left. */
  readonly endSettled: boolean;
  readonly ha: UpgradeFacts['ha'];
  /** The JobManager of the spec that failed has never been available. */
  readonly neverStarted: boolean;
  /** How the spec that failed was to get its state. */
  readonly recordedMode: UpgradeMode;
  /** A path is recorded to start from. */
  readonly path: boolean;
}

export type RollbackChoice =
  | { readonly kind: 'none' }
  | { readonly kind: 'wait'; readonly reason: string }
  | { readonly kind: 'roll-back'; readonly restore: UpgradeMode };

/** One rule: the first whose condition holds decides. */
export interface RollbackRule {
  readonly name: string;
  readonly when: (facts: RollbackFacts) => boolean;
  readonly choice: RollbackChoice;
}

const none: RollbackChoice = { kind: 'none' };
const rollBackTo = (restore: UpgradeMode): RollbackChoice => ({ kind: 'roll-back', restore });

/**
 * When the last stable spec is put back, and where its job starts from. The Apache operator's conditions (reference:
 * apache-operator.md 3.10), with two differences: a job on trial that runs is given the time of the stability window, and a
 * job that failed for good is put back from the state its end left, which has no HA metadata any more.
 */
export const ROLLBACK_RULES: readonly RollbackRule[] = [
  { name: 'rollback is not wanted: nothing', when: (f) => !f.enabled, choice: none },
  { name: 'the deployed spec is stable, or not deployed yet: nothing', when: (f) => !f.onTrial, choice: none },
  { name: 'no spec was stable before: nothing', when: (f) => f.stableSpec === 'none', choice: none },
  { name: 'the stable spec was a suspended one: nothing', when: (f) => f.stableSpec === 'suspended', choice: none },
  { name: 'the stable spec has another Flink version: nothing', when: (f) => f.flinkVersionChanged, choice: none },
  { name: 'the job may still become ready in time: nothing', when: (f) => !f.overdue, choice: none },
  { name: 'the job runs and is on its way to be stable: nothing', when: (f) => f.runsWithoutBreak, choice: none },
  { name: 'a stateless job is put back from empty state', when: (f) => f.stateless, choice: rollBackTo('stateless') },
  {
    name: 'the job has only just ended, and a last checkpoint may not show yet: wait',
    when: (f) => f.jobState === 'FAILED' && !f.endSettled,
    choice: { kind: 'wait', reason: 'what the job left at its end is being read' },
  },
  {
    name: 'a job that failed for good is put back from the state its end left',
    when: (f) => f.jobState === 'FAILED' && f.path,
    choice: rollBackTo('savepoint'),
  },
  {
    name: 'whether HA metadata exists could not be read: wait',
    when: (f) => f.ha === 'unknown',
    choice: { kind: 'wait', reason: 'the high-availability metadata could not be read' },
  },
  {
    name: 'a job with HA metadata is put back from it',
    when: (f) => f.ha === 'available',
    choice: rollBackTo('last-state'),
  },
  {
    name: 'a JobManager that never started has not touched the state it was given: put back from that',
    when: (f) => f.neverStarted && f.recordedMode === 'savepoint' && f.path,
    choice: rollBackTo('savepoint'),
  },
  { name: 'no state is known to put the job back from: nothing', when: () => true, choice: none },
];

/** The rule that applies. */
export function rollbackRule(facts: RollbackFacts): RollbackRule {
  const rule = ROLLBACK_RULES.find((candidate) => candidate.when(facts));
  if (rule === undefined) throw new Error('E_OPERATOR_INVARIANT: the rollback rules end with one that always applies');
  return rule;
}
