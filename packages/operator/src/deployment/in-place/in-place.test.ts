import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { known } from '../../job/reading.ts';
import { lastReconciled } from '../../job/recorded-spec.ts';
import type { VertexRequirements } from '../../runtime/ports.ts';
import { kinds } from '../../testing/plans.ts';
import { aJob, anOldJobManager, aRunning, aWorld, NOW, POLICY, runningWorld, upgraded } from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import type { Plan } from '../plan.ts';
import type { World } from '../world.ts';

const OVERRIDES = 'pipeline.jobvertex-parallelism-overrides';
const ADAPTIVE = { 'jobmanager.scheduler': 'adaptive' };
const JOB = 'b'.repeat(32);
const reasons = (plan: Plan): string[] => plan.events.map((event) => event.reason);

/** A running adaptive job. */
function running(): FlinkDeployment {
  return aRunning({ configuration: ADAPTIVE }).deployment;
}

function withSpec(deployment: FlinkDeployment, change: Partial<FlinkDeployment['spec']>): FlinkDeployment {
  const generation = (deployment.metadata.generation ?? 1) + 1;
  return {
    ...deployment,
    metadata: { ...deployment.metadata, generation },
    spec: { ...deployment.spec, ...change },
  };
}

function withOverrides(deployment: FlinkDeployment, overrides: string): FlinkDeployment {
  const flinkConfiguration = { ...deployment.spec.flinkConfiguration, [OVERRIDES]: overrides };
  return withSpec(deployment, { flinkConfiguration });
}

function bounds(one: number, two: number): VertexRequirements {
  return { v1: { lowerBound: 1, upperBound: one }, v2: { lowerBound: 1, upperBound: two } };
}

type Requirements = NonNullable<World['flink']['requirements']>;

function world(deployment: FlinkDeployment, requirements?: Requirements): World {
  const seen = runningWorld(deployment);
  return { ...seen, flink: { ...seen.flink, requirements } };
}

const says = (value: VertexRequirements): Requirements => ({ kind: 'ok', value });

describe('Another parallelism of a vertex', () => {
  test('is asked of the running job, recorded before, with what was there', () => {
    const plan = decide(world(withOverrides(running(), 'v1:4'), says(bounds(2, 2))), POLICY);
    expect(plan.steps).toEqual([{ kind: 'rescale-job', jobId: JOB, requirements: bounds(4, 2) }]);
    expect(plan.status.operation).toMatchObject({
      kind: 'rescale',
      phase: 'rescaling',
      target: JOB,
      previous: '{"v1":[1,2],"v2":[1,2]}',
    });
    expect(plan.status.observedGeneration).toBe(1);
    expect(plan.settled).toBeUndefined();
    expect(reasons(plan)).toEqual(['SpecChanged', 'Scaling']);
    expect(plan.events[0]?.message).toContain('SCALE change(s) detected');
  });

  test('counts as done when Flink says so, and is recorded as the Apache operator would', () => {
    const wanted = withOverrides(running(), 'v1:4');
    const asked = upgraded(wanted, decide(world(wanted, says(bounds(2, 2))), POLICY));
    const plan = decide(world(asked, says(bounds(4, 2))), POLICY);
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.operation).toBeUndefined();
    expect(plan.status).toMatchObject({
      observedGeneration: 2,
      jobManagerDeploymentStatus: 'READY',
      jobStatus: { jobId: JOB, state: 'RUNNING' },
      reconciliationStatus: { state: 'DEPLOYED' },
    });
    const recorded = lastReconciled(plan.status);
    expect(recorded?.firstDeployment).toBe(true);
    expect(recorded?.spec.job).toMatchObject({ state: 'running', upgradeMode: 'savepoint' });
    expect(recorded?.spec.flinkConfiguration).toMatchObject({ [OVERRIDES]: 'v1:4' });
    const next = decide(world(upgraded(asked, plan)), POLICY);
    expect(kinds(next)).toEqual([]);
    expect(next.status.lifecycleState).toBe('STABLE');
  });

  test('is asked again when Flink has not taken it over', () => {
    const wanted = withOverrides(running(), 'v1:4');
    const first = decide(world(wanted, says(bounds(2, 2))), POLICY);
    const plan = decide(world(upgraded(wanted, first), says(bounds(2, 2))), POLICY);
    expect(plan.steps).toEqual(first.steps);
    expect(plan.status.operation?.id).toBe(first.status.operation?.id);
  });

  test('is asked for again when a restarted JobManager begins the job as its cluster was made', () => {
    const wanted = withOverrides(running(), 'v1:4');
    const asked = upgraded(wanted, decide(world(wanted, says(bounds(2, 2))), POLICY));
    const rescaled = upgraded(asked, decide(world(asked, says(bounds(4, 2))), POLICY));
    const plan = decide(world(rescaled, says(bounds(2, 2))), POLICY);
    expect(plan.steps).toEqual([{ kind: 'rescale-job', jobId: JOB, requirements: bounds(4, 2) }]);
    expect(plan.status).toMatchObject({ lifecycleState: 'STABLE', observedGeneration: 2 });
    expect(reasons(plan)).toEqual(['Scaling']);
    expect(kinds(decide(world(rescaled, says(bounds(4, 2))), POLICY))).toEqual([]);
    // One whose cluster was made from this very spec may have been rescaled by a person.
    const own = known(anOldJobManager({ generation: '2' }), NOW);
    expect(kinds(decide({ ...world(rescaled, says(bounds(2, 2))), jobManager: own }, POLICY))).toEqual([]);
  });

  test('that the job has already is recorded at once', () => {
    const plan = decide(world(withOverrides(running(), 'v1:2'), says(bounds(2, 2))), POLICY);
    expect(kinds(plan)).toEqual([]);
    expect(plan.status).toMatchObject({ observedGeneration: 2 });
    expect(reasons(plan)).toEqual(['SpecChanged']);
  });

  test('leaves the lower bound, or lowers it to the new upper one', () => {
    const current: VertexRequirements = { v1: { lowerBound: 3, upperBound: 4 } };
    const plan = decide(world(withOverrides(running(), 'v1:2'), says(current)), POLICY);
    expect(plan.steps).toMatchObject([{ requirements: { v1: { lowerBound: 2, upperBound: 2 } } }]);
  });

  test('waits while Flink does not say what the job is asked to run with', () => {
    const unknown: Requirements = { kind: 'unknown', reason: 'timeout', message: 'no answer', maybeDone: false };
    for (const requirements of [undefined, unknown]) {
      const plan = decide(world(withOverrides(running(), 'v1:4'), requirements), POLICY);
      expect(kinds(plan)).toEqual([]);
      expect(plan.status.operation).toBeUndefined();
      expect(plan.status.observedGeneration).toBe(1);
      expect(plan.status.conditions).toContainEqual(
        expect.objectContaining({ type: 'Reconciling', status: 'True', reason: 'RescalePending' }),
      );
    }
  });

  test('becomes an upgrade when Flink cannot rescale this job', () => {
    const refused: Requirements = { kind: 'rejected', status: 500, message: 'UnsupportedOperationException' };
    const plan = decide(world(withOverrides(running(), 'v1:4'), refused), POLICY);
    expect(kinds(plan)).toEqual(['stop-with-savepoint']);
  });

  test('together with an image is one upgrade', () => {
    const wanted = withSpec(withOverrides(running(), 'v1:4'), { image: 'flink:1.20.5' });
    expect(kinds(decide(world(wanted, says(bounds(2, 2))), POLICY))).toEqual(['stop-with-savepoint']);
  });

  test('of a job that is over starts the job again', () => {
    const finished = aJob('FINISHED');
    const wanted = withOverrides(running(), 'v1:4');
    const seen = runningWorld(wanted, finished);
    const none = { kind: 'not-found', message: 'no checkpoints' } as const;
    const plan = decide({ ...seen, flink: { ...seen.flink, checkpoints: none } }, POLICY);
    expect(kinds(plan)).not.toContain('rescale-job');
  });
});

describe('A change of mind while Flink is asked', () => {
  const before = running();
  const wanted = withOverrides(before, 'v1:4');
  const asked = upgraded(wanted, decide(world(wanted, says(bounds(2, 2))), POLICY));

  test('back to the old spec brings the old bounds back', () => {
    const back = withSpec(asked, { flinkConfiguration: before.spec.flinkConfiguration ?? {} });
    const plan = decide(world(back, says(bounds(4, 2))), POLICY);
    expect(plan.steps).toEqual([{ kind: 'rescale-job', jobId: JOB, requirements: bounds(2, 2) }]);
    const done = decide(world(upgraded(back, plan), says(bounds(2, 2))), POLICY);
    expect(kinds(done)).toEqual([]);
    expect(done.status.operation).toBeUndefined();
    expect(done.status.observedGeneration).toBe(3);
  });

  test('to yet another parallelism asks for that', () => {
    const plan = decide(world(withOverrides(asked, 'v1:3'), says(bounds(4, 2))), POLICY);
    expect(plan.steps).toEqual([{ kind: 'rescale-job', jobId: JOB, requirements: bounds(3, 2) }]);
  });

  test('to another image is an upgrade', () => {
    const plan = decide(world(withSpec(asked, { image: 'flink:1.20.5' }), says(bounds(2, 2))), POLICY);
    expect(kinds(plan)).toEqual(['stop-with-savepoint']);
    expect(plan.status.operation?.kind).toBe('upgrade');
  });

  test('to deletion deletes', () => {
    const deleted = { ...asked, metadata: { ...asked.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(kinds(decide(world(deleted, says(bounds(2, 2))), POLICY))).toContain('delete-job-manager');
  });
});

test('A JobManager that is lost while Flink is asked is recovered as ever, and nothing is asked', () => {
  const wanted = withOverrides(running(), 'v1:4');
  const asked = upgraded(wanted, decide(world(wanted, says(bounds(2, 2))), POLICY));
  const plan = decide(aWorld(asked), POLICY);
  expect(kinds(plan)).not.toContain('rescale-job');
});

test('What only the next start reads is recorded without touching anything', () => {
  const flinkConfiguration = { ...running().spec.flinkConfiguration, 'execution.savepoint.path': 'file:///sp' };
  const plan = decide(world(withSpec(running(), { flinkConfiguration })), POLICY);
  expect(kinds(plan)).toEqual([]);
  expect(plan.status.observedGeneration).toBe(2);
  expect(lastReconciled(plan.status)?.spec.flinkConfiguration).toEqual(flinkConfiguration);
  expect(reasons(plan)).toEqual(['SpecChanged']);
});

const REST_ANNOTATIONS = 'kubernetes.rest-service.annotations';
const LOUD = { 'log4j-console.properties': 'monitorInterval = 5\nrootLogger.level = DEBUG\n' };

describe('What concerns no process', () => {
  test('an ingress is applied, and the spec is recorded once that is done', () => {
    const before = running();
    const plan = decide(world(withSpec(before, { ingress: { template: '{{name}}.example.com' } })), POLICY);
    expect(plan.steps).toMatchObject([
      {
        kind: 'change-objects',
        from: { deployment: { spec: { ingress: null } } },
        to: { deployment: { spec: { ingress: { template: '{{name}}.example.com' } } } },
      },
    ]);
    expect(plan.status.observedGeneration).toBe(1);
    expect(plan.settled).toMatchObject({
      observedGeneration: 2,
      jobStatus: { jobId: JOB, state: 'RUNNING' },
      reconciliationStatus: { state: 'DEPLOYED' },
    });
    expect(lastReconciled(plan.settled ?? {})?.spec.ingress).toMatchObject({ template: '{{name}}.example.com' });
    expect(reasons(plan)).toEqual(['SpecChanged']);
  });

  test('annotations of a Service and a log level are changed the same way', () => {
    const flinkConfiguration = { ...running().spec.flinkConfiguration, [REST_ANNOTATIONS]: 'a:b' };
    for (const change of [{ flinkConfiguration }, { logConfiguration: LOUD }]) {
      const plan = decide(world(withSpec(running(), change)), POLICY);
      expect(kinds(plan)).toEqual(['change-objects']);
    }
  });

  test('waits for a rescale that comes with it, and is done together with its record', () => {
    const wanted = withSpec(withOverrides(running(), 'v1:4'), { logConfiguration: LOUD });
    const asking = decide(world(wanted, says(bounds(2, 2))), POLICY);
    expect(kinds(asking)).toEqual(['rescale-job']);
    const done = decide(world(upgraded(wanted, asking), says(bounds(4, 2))), POLICY);
    expect(kinds(done)).toEqual(['change-objects']);
    expect(done.settled?.operation).toBeUndefined();
    expect(done.settled?.observedGeneration).toBe(3);
    expect(done.status.operation?.phase).toBe('rescaling');
  });

  test('of a job that is over leaves the job over', () => {
    const { deployment } = aRunning({ job: { upgradeMode: 'stateless' } });
    const none = { kind: 'not-found', message: 'no checkpoints' } as const;
    const ended = runningWorld(deployment, aJob('FINISHED'));
    const finished = upgraded(deployment, decide({ ...ended, flink: { ...ended.flink, checkpoints: none } }, POLICY));
    const wanted = withSpec(finished, { ingress: { template: 'a.example.com' } });
    const seen = runningWorld(wanted, aJob('FINISHED'));
    const plan = decide({ ...seen, flink: { ...seen.flink, checkpoints: none } }, POLICY);
    expect(kinds(plan)).toEqual(['change-objects']);
    expect(plan.settled?.jobStatus?.state).toBe('FINISHED');
  });

  test('is not done while an upgrade is recorded, which brings it along', () => {
    const { deployment } = aRunning();
    const upgrading = {
      ...deployment,
      status: {
        ...deployment.status,
        reconciliationStatus: { ...deployment.status?.reconciliationStatus, state: 'ROLLED_BACK' as const },
      },
    };
    const plan = decide(world(withSpec(upgrading, { ingress: { template: 'a.example.com' } })), POLICY);
    expect(kinds(plan)).not.toContain('change-objects');
  });
});

describe('TaskManagers of a standalone cluster', () => {
  /** The world of a standalone cluster with all its parts. */
  function standalone(deployment: FlinkDeployment): World {
    const ownerUid = deployment.metadata.uid;
    const one = {
      kind: 'Deployment' as const,
      uid: 'tm',
      deleting: false,
      ownerUid,
      operationId: 'c'.repeat(32),
      replicas: 1,
    };
    return { ...world(deployment), taskManagers: known(one, 0) };
  }

  const REACTIVE = { 'scheduler-mode': 'reactive', 'jobmanager.scheduler': 'adaptive' };

  test('are scaled while a reactive job runs, and the status says how many', () => {
    const { deployment } = aRunning({ configuration: REACTIVE, spec: { mode: 'standalone' } });
    const taskManager = { ...deployment.spec.taskManager, replicas: 3 };
    const plan = decide(standalone(withSpec(deployment, { taskManager })), POLICY);
    expect(plan.steps).toEqual([{ kind: 'scale-task-managers', replicas: 3, workload: 'Deployment' }]);
    expect(plan.settled).toMatchObject({
      observedGeneration: 2,
      taskManager: { labelSelector: 'component=taskmanager,app=app', replicas: 3 },
    });
    expect(plan.events[0]?.message).toContain('SCALE change(s) detected');
  });

  test('follow the parallelism of a reactive job', () => {
    const { deployment } = aRunning({ configuration: REACTIVE, spec: { mode: 'standalone' } });
    const plan = decide(standalone(withSpec(deployment, { job: { ...deployment.spec.job, parallelism: 6 } })), POLICY);
    expect(plan.steps).toEqual([{ kind: 'scale-task-managers', replicas: 3, workload: 'Deployment' }]);
  });

  test('are a new deployment of a job that is not reactive', () => {
    const { deployment } = aRunning({ spec: { mode: 'standalone' } });
    const taskManager = { ...deployment.spec.taskManager, replicas: 3 };
    expect(kinds(decide(standalone(withSpec(deployment, { taskManager })), POLICY))).toEqual(['stop-with-savepoint']);
  });
});

test('A savepoint that is asked for together with a change in place is still asked for afterwards', () => {
  const job = { ...running().spec.job, savepointTriggerNonce: 7 };
  const plan = decide(world(withSpec(running(), { job, ingress: { template: 'a.example.com' } })), POLICY);
  const done = plan.settled ?? {};
  expect(lastReconciled(done)?.spec.job?.savepointTriggerNonce).toBeNull();
  expect(lastReconciled(done)?.spec.ingress).toMatchObject({ template: 'a.example.com' });
});
