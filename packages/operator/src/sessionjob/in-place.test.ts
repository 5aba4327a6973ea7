import type { FlinkSessionJob } from '@drey/api';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { describe, expect, test } from 'vitest';
import { known } from '../job/reading.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import { exportDecisions } from '../runtime/decision-export.ts';
import type { VertexRequirements } from '../runtime/ports.ts';
import { replayDecisions } from '../runtime/replay.ts';
import { decide, kinds } from '../testing/session-plans.ts';
import {
  afterPlan,
  aRunningSessionJob,
  aSessionCluster,
  aSessionDeployment,
  aSessionWorld,
} from '../testing/session-worlds.ts';
import { aJob, NOW } from '../testing/worlds.ts';
import type { SessionJobWorld } from './world.ts';

const JOB = 'b'.repeat(32);
const OVERRIDES = 'pipeline.jobvertex-parallelism-overrides';

function withConfiguration(sessionJob: FlinkSessionJob, flinkConfiguration: Record<string, string>): FlinkSessionJob {
  const generation = (sessionJob.metadata.generation ?? 1) + 1;
  return {
    ...sessionJob,
    metadata: { ...sessionJob.metadata, generation },
    spec: { ...sessionJob.spec, flinkConfiguration },
  };
}

function bounds(upperBound: number): VertexRequirements {
  return { v1: { lowerBound: 1, upperBound } };
}

/** On a cluster with the adaptive scheduler, or another one. */
function world(
  sessionJob: FlinkSessionJob,
  requirements?: VertexRequirements,
  scheduler = 'adaptive',
): SessionJobWorld {
  const deployment = aSessionDeployment({ 'jobmanager.scheduler': scheduler });
  const seen = aSessionWorld(sessionJob, { cluster: known(aSessionCluster({ deployment }), NOW) }, [aJob('RUNNING')]);
  return {
    ...seen,
    flink: { ...seen.flink, requirements: requirements && { kind: 'ok', value: requirements } },
  };
}

describe('Another parallelism of a vertex of a session job', () => {
  const wanted = withConfiguration(aRunningSessionJob(), { [OVERRIDES]: 'v1:4' });

  test('is asked of the running job, recorded before, and recorded as done when Flink says so', () => {
    const asking = decide(world(wanted, bounds(2)));
    expect(asking.steps).toEqual([{ kind: 'rescale-job', jobId: JOB, requirements: bounds(4) }]);
    expect(asking.status.operation).toMatchObject({ kind: 'rescale', phase: 'rescaling', target: JOB });
    expect(asking.events.map(({ reason }) => reason)).toEqual(['SpecChanged', 'Scaling']);
    const done = decide(world(afterPlan(wanted, asking), bounds(4)));
    expect(kinds(done)).toEqual([]);
    expect(done.status).toMatchObject({ observedGeneration: 2, jobStatus: { jobId: JOB, state: 'RUNNING' } });
    expect(done.status.operation).toBeUndefined();
    expect(lastReconciled<'FlinkSessionJob'>(done.status)?.spec.job?.upgradeMode).toBe('savepoint');
  });

  test('waits while Flink does not say what the job is asked to run with', () => {
    const plan = decide(world(wanted));
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.observedGeneration).toBe(1);
  });

  test('is an upgrade on a cluster with another scheduler', () => {
    expect(kinds(decide(world(wanted, bounds(2), 'default')))).toEqual(['stop-with-savepoint']);
  });

  test('goes back when the spec does', () => {
    const asked = afterPlan(wanted, decide(world(wanted, bounds(2))));
    const plan = decide(world(withConfiguration(asked, {}), bounds(4)));
    expect(plan.steps).toEqual([{ kind: 'rescale-job', jobId: JOB, requirements: bounds(2) }]);
  });

  test('comes out the same when it is decided again from its record', () => {
    const seen = world(wanted, bounds(2));
    const decision = {
      kind: 'FlinkSessionJob',
      key: 'default/job',
      at: NOW,
      world: seen,
      plan: decide(seen),
      quiet: false,
    };
    const file = exportDecisions([decision], { config: DEFAULT_OPERATOR_CONFIG });
    const [replayed] = replayDecisions(JSON.parse(JSON.stringify(file)));
    expect(replayed?.differences).toEqual([]);
  });
});
