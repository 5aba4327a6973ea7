import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { known } from '../job/reading.ts';
import {
  afterPlan,
  aRunningSessionJob,
  aSessionCluster,
  aSessionDeployment,
  aSessionWorld,
  SESSION_POLICY,
} from '../testing/session-worlds.ts';
import { aJob, NOW } from '../testing/worlds.ts';
import { decideSessionJob } from './decide.ts';

const JOB = 'b'.repeat(32);

/** A cluster that is to be replaced as soon as its jobs are down. */
function stopping(): FlinkDeployment {
  const cluster = aSessionDeployment();
  const operation = { id: 'f'.repeat(32), kind: 'upgrade', phase: 'stopping', epoch: 0 };
  return { ...cluster, status: { ...cluster.status, operation } };
}

describe('A job whose session cluster is to be replaced', () => {
  const cluster = known(aSessionCluster({ deployment: stopping() }), NOW);

  test('takes its savepoint, and starts from it when the cluster is there again', () => {
    const running = aRunningSessionJob();
    const begun = decideSessionJob(aSessionWorld(running, { cluster }, [aJob('RUNNING')]), SESSION_POLICY);
    expect(begun.steps).toMatchObject([{ kind: 'stop-with-savepoint', request: { jobId: JOB } }]);
    const world = aSessionWorld(afterPlan(running, begun), { cluster }, [aJob('FINISHED')]);
    const savepoint = { kind: 'ok', value: { kind: 'completed', location: 'file:///sp/1' } } as const;
    const stopped = decideSessionJob({ ...world, flink: { ...world.flink, savepoint } }, SESSION_POLICY);
    const down = afterPlan(running, stopped);
    expect(down.status?.jobStatus).toMatchObject({ upgradeSavepointPath: 'file:///sp/1' });
    // Nothing is submitted to a cluster that is about to go.
    expect(stopped.steps.map((step) => step.kind)).not.toContain('upload-jar');
    const back = decideSessionJob(aSessionWorld(down), SESSION_POLICY);
    expect(back.steps.map((step) => step.kind)).toEqual(['upload-jar']);
    expect(back.status.jobStatus?.upgradeSavepointPath).toBe('file:///sp/1');
  });

  test('is left alone when it carries no state', () => {
    const running = aRunningSessionJob({ job: { upgradeMode: 'stateless' } });
    const plan = decideSessionJob(aSessionWorld(running, { cluster }, [aJob('RUNNING')]), SESSION_POLICY);
    expect(plan.steps).toEqual([]);
  });
});
