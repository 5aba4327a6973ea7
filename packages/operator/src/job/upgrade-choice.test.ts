import { describe, expect, test } from 'vitest';
import { UPGRADE_RULES, type UpgradeFacts, upgradeRule } from './upgrade-choice.ts';

const RUNNING: UpgradeFacts = {
  upgradeMode: 'savepoint',
  jobState: 'RUNNING',
  endSettled: true,
  tasksStarting: false,
  jobManager: 'READY',
  jobManagerNeverStarted: false,
  recordedMode: 'savepoint',
  flinkVersionChanged: false,
  savepointDirectoryConfigured: true,
  lastStateFallback: true,
  jobCancelEnabled: false,
  ha: 'off',
  recordedState: 'none',
  checkpointAge: 'allowed',
  checkpoint: 'exists',
};
const LAST_STATE: UpgradeFacts = { ...RUNNING, upgradeMode: 'last-state', ha: 'available' };

/** One example for each rule, in the order of the rules. */
const EXAMPLES: readonly [rule: string, facts: UpgradeFacts][] = [
  [
    'stateless, and the job is over: only the cluster is removed',
    { ...RUNNING, upgradeMode: 'stateless', jobState: 'FAILED' },
  ],
  ['stateless: cancel and start anew', { ...RUNNING, upgradeMode: 'stateless' }],
  [
    'the job is over, but whether HA metadata is left could not be read: wait',
    { ...RUNNING, jobState: 'FAILED', ha: 'unknown', jobManager: 'MISSING' },
  ],
  [
    'the job has only just ended, and a last checkpoint may not show yet: wait',
    { ...RUNNING, jobState: 'FINISHED', endSettled: false },
  ],
  [
    'the job is over and is to be suspended: nothing has to be brought down, and nothing restored yet',
    { ...RUNNING, jobState: 'FINISHED', recordedState: 'in-ha-metadata', suspends: true },
  ],
  [
    'the job is over and its state is only in HA metadata that nobody can read: manual restore',
    { ...RUNNING, jobState: 'FAILED', recordedState: 'in-ha-metadata' },
  ],
  [
    'the job is over: continue from the state recorded at its end',
    { ...RUNNING, jobState: 'FINISHED', recordedState: 'path' },
  ],
  ['the job is being cancelled: wait', { ...RUNNING, jobState: 'CANCELLING' }],
  ['savepoint, and the tasks of the job are still starting: wait', { ...RUNNING, tasksStarting: true }],
  ['savepoint, and the job runs: stop with savepoint', RUNNING],
  [
    'savepoint, the job does not run, last-state is not allowed: wait',
    { ...RUNNING, jobState: 'RESTARTING', lastStateFallback: false },
  ],
  [
    'new Flink version, the job runs and a savepoint directory is known: stop with savepoint',
    { ...LAST_STATE, flinkVersionChanged: true },
  ],
  [
    'new Flink version, the job can be cancelled: cancel and start from the newest checkpoint',
    { ...LAST_STATE, flinkVersionChanged: true, savepointDirectoryConfigured: false },
  ],
  ['new Flink version, otherwise: wait', { ...LAST_STATE, flinkVersionChanged: true, jobState: 'RECONCILING' }],
  [
    'last-state, the job runs, a checkpoint that is young enough is being taken: wait',
    { ...LAST_STATE, checkpointAge: 'one-is-due' },
  ],
  [
    'last-state, the job runs, the age of its checkpoint could not be read: wait',
    { ...LAST_STATE, checkpointAge: 'unknown' },
  ],
  [
    'last-state, the job runs, its newest checkpoint is too old: stop with savepoint',
    { ...LAST_STATE, checkpointAge: 'too-old' },
  ],
  ['last-state, whether HA metadata exists could not be read: wait', { ...LAST_STATE, ha: 'unknown' }],
  [
    'last-state without HA metadata, the job runs and has a checkpoint: cancel and start from it',
    { ...LAST_STATE, ha: 'absent' },
  ],
  [
    'last-state without HA metadata, the job runs without any checkpoint: stop with savepoint',
    { ...LAST_STATE, ha: 'absent', checkpoint: 'none' },
  ],
  [
    'last-state without HA metadata, the job runs and nothing is known to start from: wait',
    { ...LAST_STATE, ha: 'absent', checkpoint: 'none', savepointDirectoryConfigured: false },
  ],
  ['last-state, the job runs with HA metadata: remove the cluster and keep the metadata', LAST_STATE],
  [
    'last-state without HA metadata, the job does not run but can be cancelled: cancel it',
    { ...LAST_STATE, ha: 'absent', jobState: 'RESTARTING' },
  ],
  ['HA metadata is there: remove the cluster and keep the metadata', { ...LAST_STATE, jobState: 'RECONCILING' }],
  [
    'the JobManager never started: start again from the state it was given',
    { ...RUNNING, jobState: 'RECONCILING', jobManager: 'ERROR', jobManagerNeverStarted: true },
  ],
  [
    'the job never ran and left nothing in HA metadata: start again from the state it was given',
    { ...RUNNING, jobState: 'RECONCILING', jobManager: 'MISSING', ha: 'absent', neverRan: true },
  ],
  [
    'the job never ran before its JobManager failed: start again from the state it was given',
    { ...RUNNING, jobState: 'RECONCILING', jobManager: 'ERROR', neverRan: true },
  ],
  [
    'the JobManager is lost and there is no HA metadata: manual restore',
    { ...RUNNING, jobState: 'RECONCILING', jobManager: 'MISSING' },
  ],
  ['otherwise: wait until the job runs', { ...RUNNING, jobState: 'RECONCILING' }],
];

describe('The choice of upgrade', () => {
  test.each(EXAMPLES)('%s', (rule, facts) => {
    expect(upgradeRule(facts).name).toBe(rule);
  });

  test('has one example for each of its rules', () => {
    expect(EXAMPLES.map(([rule]) => rule)).toEqual(UPGRADE_RULES.map((rule) => rule.name));
  });

  test('never lets a stateful job start from empty state while it runs', () => {
    for (const facts of everyCombination()) {
      const { choice } = upgradeRule(facts);
      if (facts.upgradeMode === 'stateless' || facts.jobState !== 'RUNNING' || choice.kind !== 'upgrade') continue;
      expect(choice.restore).not.toBe('stateless');
      if (choice.suspend === 'CANCEL') expect(facts.checkpoint).toBe('exists');
      if (choice.suspend === 'LAST_STATE') expect(facts.ha).toBe('available');
    }
  });

  test('never takes a job that is not over for one that never ran while there is HA metadata', () => {
    for (const facts of everyCombination()) {
      const { choice } = upgradeRule({ ...facts, jobManagerNeverStarted: true });
      if (facts.upgradeMode === 'stateless' || choice.kind !== 'upgrade' || choice.suspend !== 'NOOP') continue;
      if (['FINISHED', 'CANCELED', 'FAILED'].includes(facts.jobState ?? '')) continue;
      expect(['off', 'absent']).toContain(facts.ha);
    }
  });

  test('does nothing about state it could not read', () => {
    for (const facts of everyCombination()) {
      const { choice } = upgradeRule(facts);
      if (choice.kind === 'upgrade' && choice.suspend === 'LAST_STATE') expect(facts.ha).toBe('available');
      if (choice.kind === 'failed')
        expect(facts.ha === 'unknown' && facts.recordedState !== 'in-ha-metadata').toBe(false);
    }
  });
});

function* everyCombination(): Generator<UpgradeFacts> {
  for (const upgradeMode of ['stateless', 'savepoint', 'last-state'] as const)
    for (const jobState of ['RUNNING', 'RESTARTING', 'RECONCILING', 'FAILED', 'CANCELED', undefined] as const)
      for (const jobManager of ['READY', 'DEPLOYING', 'ERROR', 'MISSING'] as const)
        for (const ha of ['off', 'available', 'absent', 'unknown'] as const)
          for (const checkpoint of ['none', 'exists', 'unknown'] as const)
            for (const flinkVersionChanged of [true, false])
              for (const jobCancelEnabled of [true, false])
                for (const recordedState of ['none', 'path', 'in-ha-metadata'] as const)
                  yield {
                    ...RUNNING,
                    ...{
                      upgradeMode,
                      jobState,
                      jobManager,
                      ha,
                      checkpoint,
                      flinkVersionChanged,
                      jobCancelEnabled,
                      recordedState,
                    },
                  };
}
