import { describe, expect, test } from 'vitest';
import { known } from '../../job/reading.ts';
import { lastReconciled } from '../../job/recorded-spec.ts';
import { kinds } from '../../testing/plans.ts';
import {
  aDeployment,
  aJob,
  anOldJobManager,
  aWorld,
  NOW,
  noRemains,
  POLICY,
  runningWorld,
  upgraded,
} from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import type { Plan } from '../plan.ts';

describe('The first deployment', () => {
  test('records job id, spec and operation before the cluster is created, and says deployed only afterwards', () => {
    const plan = decide(aWorld(aDeployment()), POLICY);
    expect(kinds(plan)).toEqual(['add-finalizer', 'create-cluster']);
    expect(plan.status).toMatchObject({
      lifecycleState: 'UPGRADING',
      jobManagerDeploymentStatus: 'MISSING',
      jobStatus: { jobId: 'b'.repeat(32) },
      observedGeneration: 1,
      operation: { id: 'a'.repeat(32), kind: 'deploy', phase: 'deploying', target: 'b'.repeat(32) },
      reconciliationStatus: { state: 'UPGRADING' },
    });
    expect(plan.settled).toMatchObject({
      lifecycleState: 'DEPLOYED',
      jobManagerDeploymentStatus: 'DEPLOYING',
      jobStatus: { state: 'RECONCILING' },
      reconciliationStatus: { state: 'DEPLOYED' },
      taskManager: { labelSelector: 'component=taskmanager,app=app', replicas: 1 },
    });
    expect(plan.settled?.operation).toBeUndefined();
  });

  test('is recorded as the next look will see it, which then writes nothing', () => {
    const created = aDeployment({ configuration: { 'execution.checkpointing.interval': '1 min' } });
    const deployed = upgraded(created, decide(aWorld(created), POLICY));
    const jobManager = known(anOldJobManager({ operationId: 'a'.repeat(32) }), NOW + 50);
    const next = decide(aWorld(deployed, { now: NOW + 50, jobManager }), POLICY);
    expect(next.status).toEqual(deployed.status);
    expect(next.steps).toEqual([]);
  });

  test('does not tell of the first states of the job when they last a moment', () => {
    const created = aDeployment();
    const deployed = upgraded(created, decide(aWorld(created), POLICY));
    const at = (now: number, state: string): Plan =>
      decide(
        {
          ...runningWorld(deployed, aJob(state, { startTime: NOW + 3_000 })),
          now,
          jobManager: known(anOldJobManager({ operationId: 'a'.repeat(32) }), now),
        },
        POLICY,
      );
    for (const state of ['INITIALIZING', 'CREATED']) {
      const moment = at(NOW + 3_400, state);
      expect(moment.status).toEqual(deployed.status);
      expect([moment.events, moment.wakeUp]).toEqual([[], { kind: 'after', ms: 100, jitter: false }]);
      const longer = at(NOW + 4_000, state);
      expect(longer.status).toMatchObject({ jobManagerDeploymentStatus: 'READY', jobStatus: { state } });
      expect(longer.events).toMatchObject([{ reason: 'JobStatusChanged' }]);
      // A clock of Flink's that is ahead hides nothing.
      expect(at(NOW + 2_000, state).status.jobStatus?.state).toBe(state);
    }
    expect(at(NOW + 3_400, 'RUNNING').status).toMatchObject({
      jobStatus: { state: 'RUNNING' },
      lifecycleState: 'STABLE',
    });
  });

  test('starts from empty state whatever the upgrade mode is, and is recorded as the first one', () => {
    const plan = decide(aWorld(aDeployment()), POLICY);
    const recorded = lastReconciled(plan.settled ?? {});
    expect(recorded).toMatchObject({
      firstDeployment: true,
      spec: { job: { upgradeMode: 'stateless', state: 'running' } },
    });
    expect(plan.steps[1]).toMatchObject({ cluster: { savepointPath: undefined } });
  });

  test('starts from initialSavepointPath where there is one', () => {
    const plan = decide(aWorld(aDeployment({ job: { initialSavepointPath: 'file:///sp' } })), POLICY);
    expect(plan.steps[1]).toMatchObject({ cluster: { savepointPath: 'file:///sp' } });
    expect(plan.status.jobStatus?.upgradeSavepointPath).toBe('file:///sp');
  });

  test('of a suspended job does nothing', () => {
    const plan = decide(aWorld(aDeployment({ job: { state: 'suspended' } })), POLICY);
    expect(kinds(plan)).toEqual([]);
  });

  test('of an invalid spec only tells why', () => {
    const plan = decide(aWorld(aDeployment({ job: { parallelism: 0 } })), POLICY);
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.error).toBe(
      '{"type":"org.apache.flink.kubernetes.operator.exception.ValidationException","message":"Job parallelism must be larger than 0","additionalMetadata":{},"throwableList":[]}',
    );
    expect(plan.status.lifecycleState).toBe('FAILED');
    expect(plan.events).toMatchObject([{ reason: 'ValidationError', component: 'Operator' }]);
  });

  test('leaves a Deployment of somebody else alone', () => {
    const plan = decide(
      aWorld(aDeployment(), { jobManager: known(anOldJobManager({ ownerUid: 'other' }), 0) }),
      POLICY,
    );
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.error).toContain('does not belong to this FlinkDeployment');
  });

  test('that was interrupted is completed under the same ids', () => {
    const created = aDeployment();
    const intent = { ...created, status: decide(aWorld(created), POLICY).status };
    const later = aWorld(intent, {
      fresh: { operationId: 'd'.repeat(32), jobId: 'e'.repeat(32) },
      jobManager: known(anOldJobManager({ operationId: 'a'.repeat(32) }), 0),
    });
    const plan = decide(later, POLICY);
    expect(plan.steps).toMatchObject([
      { kind: 'create-cluster', cluster: { operationId: 'a'.repeat(32), jobId: 'b'.repeat(32) } },
    ]);
    expect(plan.status).toEqual(intent.status);
  });

  test('is not repeated on the word of a cache alone', () => {
    const created = aDeployment();
    const intent = { ...created, status: decide(aWorld(created), POLICY).status };
    expect(kinds(decide(aWorld(intent), POLICY))).toEqual([]);
    expect(kinds(decide(aWorld(intent, { remains: noRemains }), POLICY))).toEqual(['create-cluster']);
  });
});
