import type { FlinkDeployment } from '@drey/api';
import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import { foresee } from '../deployment/foresee.ts';
import type { TaskManagersKind, TaskManagerWorkload, World } from '../deployment/world.ts';
import { known, unknown } from '../job/reading.ts';
import { kinds } from '../testing/plans.ts';
import { aDeployment, aRunning, aWorld, haWith, NOW, noRemains, POLICY, upgraded } from '../testing/worlds.ts';

const STATEFUL = { 'kubernetes.taskmanager.stateful-set.enabled': 'true' };
const standalone = { configuration: STATEFUL, spec: { mode: 'standalone' as const } };

function taskManagers(kind: TaskManagersKind, changes: Partial<TaskManagerWorkload> = {}): TaskManagerWorkload {
  const ownerUid = aDeployment().metadata.uid;
  return { kind, uid: 'tm', deleting: false, ownerUid, operationId: 'c'.repeat(32), replicas: 1, ...changes };
}

/** A standalone cluster that runs, and its user's next spec. */
function running(configuration: Record<string, string> = STATEFUL): { deployment: FlinkDeployment; world: World } {
  return aRunning({ ...standalone, configuration });
}

function changed(deployment: FlinkDeployment, configuration: Record<string, string>): FlinkDeployment {
  const { metadata, spec } = deployment;
  const flinkConfiguration = { ...spec.flinkConfiguration, ...configuration };
  return { ...deployment, metadata: { ...metadata, generation: 2 }, spec: { ...spec, flinkConfiguration } };
}

const stalled = ({ status }: { readonly status: World['deployment']['status'] }) =>
  status?.conditions?.find(({ type }) => type === 'Stalled');

describe('12.1 item 17: TaskManagers as a StatefulSet, when their operator', () => {
  test('does not know whether they are there, are not made again', () => {
    const { world } = running();
    const make = (reading: World['taskManagers']): string[] =>
      kinds(decide({ ...world, taskManagers: reading }, POLICY));
    expect(make(known(undefined, NOW))).toContain('create-task-managers');
    expect(make(unknown('StatefulSets may not be read', NOW))).not.toContain('create-task-managers');
    expect(make(known(taskManagers('StatefulSet'), NOW))).not.toContain('create-task-managers');
  });

  test.each(['Deployment', 'StatefulSet'] as const)(
    'takes them away, go as the %s that they are, after their JobManager',
    (kind) => {
      const { deployment, world } = running();
      const deletionTimestamp = new Date(NOW - 1_000).toISOString();
      const deleted = { ...deployment, metadata: { ...deployment.metadata, deletionTimestamp } };
      const removing = upgraded(deleted, decide({ ...world, deployment: deleted }, POLICY));
      const left = (more: object): World =>
        aWorld(removing, { remains: known({ deployment: false, pods: [], services: [], ...more }, NOW) });
      const both = left({ taskManagers: taskManagers(kind), jobManagerPods: ['app-1'] });
      expect(kinds(decide(both, POLICY))).toEqual([]);
      const plan = decide(left({ taskManagers: taskManagers(kind) }), POLICY);
      expect(plan.steps).toEqual([{ kind: 'delete-task-managers', uid: 'tm', workload: kind }]);
      // Somebody else's is never touched.
      expect(kinds(decide(left({ taskManagers: taskManagers(kind, { ownerUid: 'other' }) }), POLICY))).not.toContain(
        'delete-task-managers',
      );
    },
  );

  test('may not read StatefulSets, are not begun with, and the object says which right is missing', () => {
    const created = aDeployment(standalone);
    const plan = decide(aWorld(created, { refusedStatefulSets: 'wanted' }), POLICY);
    expect(kinds(plan)).toEqual([]);
    expect(plan.wakeUp.kind).toBe('after');
    expect(stalled(plan)?.message).toContain('E_OPERATOR_STATEFUL_SET_RIGHTS');
    expect(kinds(decide(aWorld(created), POLICY))).toContain('create-cluster');
  });

  test('may not read StatefulSets, do not take the place of what runs', () => {
    const { deployment, world } = running({});
    const wanted = changed(deployment, STATEFUL);
    const refused: World = { ...world, deployment: wanted, refusedStatefulSets: 'wanted' };
    const plan = decide({ ...refused, taskManagers: known(taskManagers('Deployment'), NOW) }, POLICY);
    expect(kinds(plan)).toEqual([]);
    expect(plan.status.operation).toBeUndefined();
    expect(stalled(plan)?.message).toContain('E_OPERATOR_STATEFUL_SET_RIGHTS');
    expect(foresee(refused, POLICY).change).toBe('invalid');
  });

  test.each<[string, 'native' | 'standalone', Record<string, string>, string]>([
    ['a size', 'standalone', { 'volume.size': '1Gi' }, 'the TaskManagers are a Deployment'],
    ['a class', 'standalone', { 'volume.storage-class': 'fast' }, 'the TaskManagers are a Deployment'],
    ['a class', 'standalone', { 'volume.storage-class': 'fast', enabled: 'true' }, 'there are no claims'],
    ['a size', 'native', { 'volume.size': '1Gi' }, 'in native mode Flink itself'],
  ])('is given %s that no claim has, are begun with in %s mode, and that is told', (_, mode, keys, why) => {
    const named = Object.entries(keys).map(([key, value]) => [`kubernetes.taskmanager.stateful-set.${key}`, value]);
    const created = aDeployment({ configuration: Object.fromEntries(named), spec: { mode } });
    const plan = decide(aWorld(created), POLICY);
    expect(kinds(plan)).toContain('create-cluster');
    const warning = plan.status.conditions?.find(({ type }) => type === 'ConfigurationWarning');
    expect(warning?.message).toContain(why);
  });

  test('lost that right, are waited for when they are to go, and that is told', () => {
    const { deployment, world } = running();
    const deletionTimestamp = new Date(NOW - 1_000).toISOString();
    const deleted = { ...deployment, metadata: { ...deployment.metadata, deletionTimestamp } };
    const removing = upgraded(deleted, decide({ ...world, deployment: deleted }, POLICY));
    const remains = unknown('the API server did not answer (E_KUBE_FORBIDDEN)', NOW);
    const plan = decide(aWorld(removing, { remains, refusedStatefulSets: 'wanted' }), POLICY);
    expect(kinds(plan)).toEqual([]);
    expect(JSON.stringify(plan.status.conditions)).toContain('may not list and watch StatefulSets');
    const gone = aWorld(removing, { remains: noRemains, ha: haWith({ available: false, hasCheckpoint: false }) });
    expect(kinds(decide(gone, POLICY))).toEqual(['remove-finalizer']);
  });

  test('is told another size of their claims, are made anew, and the plan says for which claims it counts', () => {
    const { deployment, world } = running();
    const wanted = changed(deployment, { 'kubernetes.taskmanager.stateful-set.volume.size': '2Gi' });
    const { change, differences } = foresee({ ...world, deployment: wanted }, POLICY);
    expect(change).toBe('upgrade');
    expect(differences.find(({ field }) => field.endsWith('volume.size'))?.because).toContain(
      'claims that are made from then on',
    );
  });
});
