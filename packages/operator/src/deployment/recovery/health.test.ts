import type { FlinkDeploymentStatus } from '@drey/api';
import { FlinkConfig } from '@drey/flink';
import { describe, expect, test } from 'vitest';
import { aJob, aRunning, haWith, POLICY, runningWorld } from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import { healthRecord, withHealth } from './health.ts';

const K = 'kubernetes.operator.cluster.health-check';
const MINUTE = 60_000;
const RUNNING: FlinkDeploymentStatus = { jobStatus: { state: 'RUNNING' } };

function check(
  status: FlinkDeploymentStatus,
  health: readonly [restarts: number, checkpoints: number],
  now: number,
  more: Record<string, string> = {},
): FlinkDeploymentStatus {
  const options = FlinkConfig.of({ [`${K}.enabled`]: 'true', ...more });
  const [restarts, completedCheckpoints] = health;
  return withHealth({ status, health: { restarts, completedCheckpoints }, options, now });
}

describe('The health check', () => {
  test('is off unless it is wanted', () => {
    expect(check(RUNNING, [100, 0], 0, { [`${K}.enabled`]: 'false' })).toEqual(RUNNING);
  });

  test('finds a job unhealthy that restarts more often than it may in a window', () => {
    const begun = check(RUNNING, [10, 0], 0);
    expect(healthRecord(check(begun, [74, 0], MINUTE))?.healthResult.healthy).toBe(true);
    expect(healthRecord(check(begun, [75, 0], MINUTE))?.healthResult).toEqual({
      healthy: false,
      error: 'Restart count hit the threshold of 64 in 120 s.',
    });
  });

  test('scales the restarts down to the window when nobody looked for longer', () => {
    const begun = check(RUNNING, [0, 0], 0);
    expect(healthRecord(check(begun, [200, 0], 20 * MINUTE))?.healthResult.healthy).toBe(true);
    expect(healthRecord(check(begun, [200, 0], 4 * MINUTE))?.healthResult.healthy).toBe(false);
  });

  test('begins anew with another run of the job', () => {
    const begun = check(RUNNING, [60, 9], 0);
    const record = healthRecord(check(begun, [1, 0], MINUTE));
    expect(record).toMatchObject({ numRestarts: 1, numCompletedCheckpoints: 0, healthResult: { healthy: true } });
  });

  test('finds a job unhealthy that completes no checkpoint for longer than its checkpoints may take', () => {
    const more = { 'execution.checkpointing.interval': '1 min', 'execution.checkpointing.timeout': '5 min' };
    const begun = check(RUNNING, [0, 1], 0, more);
    expect(healthRecord(check(begun, [0, 1], 10 * MINUTE, more))?.healthResult.healthy).toBe(true);
    expect(healthRecord(check(begun, [0, 1], 11 * MINUTE, more))?.healthResult.error).toBe(
      'No checkpoint was completed for 660 s.',
    );
    expect(healthRecord(check(begun, [0, 2], 11 * MINUTE, more))?.healthResult.healthy).toBe(true);
    const off = { ...more, [`${K}.checkpoint-progress.enabled`]: 'false' };
    expect(healthRecord(check(begun, [0, 1], 11 * MINUTE, off))?.healthResult.healthy).toBe(true);
  });

  test('does not ask for checkpoints of a job that makes none', () => {
    expect(healthRecord(check(check(RUNNING, [0, 0], 0), [0, 0], 600 * MINUTE))?.healthResult.healthy).toBe(true);
  });

  test('writes nothing while all is well, but for the beginning of a window', () => {
    const begun = check(RUNNING, [0, 1], 0);
    expect(check(begun, [0, 30], MINUTE)).toBe(begun);
    expect(check(begun, [0, 60], 3 * MINUTE)).not.toBe(begun);
  });
});

describe('A job that is not well', () => {
  const HA = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 'file:///ha' };
  const ill = (configuration: Record<string, string>, job = {}) => {
    const { deployment } = aRunning({ job, configuration: { ...configuration, [`${K}.enabled`]: 'true' } });
    const record = {
      ...{ timeStamp: 0, numRestarts: 0, numCompletedCheckpoints: 0, numCompletedCheckpointsIncreasedTimeStamp: 0 },
      numRestartsEvaluationTimeStamp: 0,
      healthResult: { healthy: false, error: 'Restart count hit the threshold of 64 in 120 s.' },
    };
    const clusterInfo = { ...deployment.status?.clusterInfo, ClusterHealthInfo: JSON.stringify(record) };
    return { ...deployment, status: { ...deployment.status, clusterInfo } };
  };

  test('is restarted from its HA metadata', () => {
    const plan = decide({ ...runningWorld(ill(HA), aJob('RESTARTING')), ha: haWith() }, POLICY);
    expect(plan.status.operation).toMatchObject({ kind: 'recover', phase: 'removing' });
    expect(plan.events.at(-1)).toMatchObject({
      reason: 'RestartUnhealthyJob',
      message: 'Restart count hit the threshold of 64 in 120 s.',
    });
  });

  test('is restarted when it is stateless', () => {
    const plan = decide(runningWorld(ill({}, { upgradeMode: 'stateless' })), POLICY);
    expect(plan.status.operation).toMatchObject({ kind: 'recover' });
  });

  test('is left alone, and told of, when its state would be lost', () => {
    const plan = decide(runningWorld(ill({})), POLICY);
    expect(plan.steps).toEqual([]);
    expect(plan.status.conditions?.find((one) => one.type === 'Healthy')).toMatchObject({
      status: 'False',
      reason: 'Unhealthy',
    });
  });

  test('is left alone while its HA metadata could not be read', () => {
    expect(decide(runningWorld(ill(HA)), POLICY).steps).toEqual([]);
  });
});
