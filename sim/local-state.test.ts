import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import {
  ClusterRole,
  Deployment,
  type KubeObject,
  PersistentVolumeClaim,
  Pod,
  type Resource,
  Role,
  Service,
  StatefulSet,
} from '@drey/kube';
import { createOperator } from '@drey/operator';
import { describe, expect, test } from 'vitest';
import { type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';

const NS = 'default';
const TM = 'app-taskmanager';
const RBAC = 'rbac.authorization.k8s.io';
const STATEFUL = {
  'kubernetes.taskmanager.stateful-set.enabled': 'true',
  'kubernetes.taskmanager.stateful-set.volume.size': '1Gi',
};

/** A standalone cluster of two TaskManagers. */
function standalone(configuration: Record<string, string> = STATEFUL, name = 'app'): FlinkDeployment {
  const object = statefulDeployment(NS, name);
  const { spec } = object;
  return {
    ...object,
    spec: {
      ...spec,
      mode: 'standalone',
      taskManager: { ...spec.taskManager, replicas: 2 },
      flinkConfiguration: { ...spec.flinkConfiguration, ...configuration },
    },
  };
}

interface Cluster {
  readonly sim: OperatorWorld;
  get<T extends KubeObject>(r: Resource<T>, name: string): T | undefined;
  list<T extends KubeObject>(r: Resource<T>): readonly T[];
  change(spec: object, name?: string): Promise<unknown>;
  status(name?: string): FlinkDeployment['status'];
  runs(name?: string): boolean;
  /** How many times a job was started. */
  starts(): number;
  end(): Promise<void>;
}

/** A world with an operator of some account in it; `groups` gives it the rights of all. */
async function started(
  { user = 'drey', groups }: { readonly user?: string; readonly groups?: readonly string[] } = {},
  namespaces: readonly string[] = [],
  prepare: (sim: OperatorWorld) => Promise<void> = async () => undefined,
): Promise<Cluster> {
  const sim = await operatorWorld();
  await prepare(sim);
  const operator = createOperator(sim.env(user, groups), { namespaces });
  await sim.drive(operator.start());
  const { reader } = sim.world.server.server;
  const get = <T extends KubeObject>(r: Resource<T>, name: string): T | undefined =>
    reader.get(r.group, r.plural, NS, name) as T | undefined;
  const status = (name = 'app') => get(FlinkDeployments, name)?.status;
  return {
    ...{ sim, get, status },
    list: <T extends KubeObject>(r: Resource<T>) => reader.list(r.group, r.plural, NS) as never as T[],
    change: (spec, name = 'app') => sim.drive(sim.admin.patch(FlinkDeployments, NS, name, 'merge', { spec })),
    runs: (name = 'app') => {
      const { observedGeneration, lifecycleState, jobStatus } = status(name) ?? {};
      const isNewest = observedGeneration === get(FlinkDeployments, name)?.metadata.generation;
      return isNewest && lifecycleState === 'STABLE' && jobStatus?.state === 'RUNNING';
    },
    starts: () => sim.world.fabric.storage.history.filter((one) => one.type === 'started').length,
    end: async () => {
      await sim.drive(operator.stop());
      sim.world.stop();
    },
  };
}

async function running(object: FlinkDeployment = standalone()): Promise<Cluster> {
  const cluster = await started();
  await cluster.sim.drive(cluster.sim.admin.create(FlinkDeployments, object));
  expect(await cluster.sim.until(() => cluster.runs(), 120_000)).toBe(true);
  return cluster;
}

const uidsOf = (objects: readonly KubeObject[]): (string | undefined)[] => objects.map(({ metadata }) => metadata.uid);
const namesOf = (objects: readonly KubeObject[]): (string | undefined)[] =>
  objects.map(({ metadata }) => metadata.name).sort();

describe('12.1 item 17: TaskManagers as a StatefulSet', () => {
  test('have claims that outlive an upgrade and go with the FlinkDeployment, like everything else', async () => {
    const { sim, get, list, change, runs, starts, end } = await running();
    expect(get(Deployment, TM)).toBeUndefined();
    expect(get(StatefulSet, TM)?.spec).toMatchObject({ replicas: 2, serviceName: TM });
    expect(get(Service, TM)?.spec?.clusterIP).toBe('None');
    const claims = list(PersistentVolumeClaim);
    expect(namesOf(claims)).toEqual([`flink-local-state-${TM}-0`, `flink-local-state-${TM}-1`]);
    const before = get(StatefulSet, TM)?.metadata.uid;

    await change({ restartNonce: 1 });
    expect(await sim.until(() => starts() === 2 && runs(), 120_000)).toBe(true);
    expect(get(StatefulSet, TM)?.metadata.uid).not.toBe(before);
    expect(uidsOf(list(PersistentVolumeClaim))).toEqual(uidsOf(claims));

    await sim.drive(sim.admin.delete(FlinkDeployments, NS, 'app'));
    const kinds = [
      FlinkDeployments,
      Deployment,
      StatefulSet,
      Pod,
      Service,
      PersistentVolumeClaim,
    ] as Resource<KubeObject>[];
    const left = (): readonly KubeObject[] => kinds.flatMap((one) => list(one));
    expect(await sim.until(() => left().length === 0, 120_000)).toBe(true);
    await end();
  });

  test('come back when their StatefulSet is deleted, on the same claims; the job is not started anew by the operator', async () => {
    const { sim, get, list, runs, starts, end } = await running();
    const claims = uidsOf(list(PersistentVolumeClaim));
    const before = get(StatefulSet, TM)?.metadata.uid;
    await sim.drive(sim.admin.delete(StatefulSet, NS, TM));
    const isBack = (): boolean => {
      const now = get(StatefulSet, TM)?.metadata;
      return now !== undefined && now.uid !== before;
    };
    expect(await sim.until(isBack, 20_000)).toBe(true);
    expect(await sim.until(runs, 120_000)).toBe(true);
    expect(uidsOf(list(PersistentVolumeClaim))).toEqual(claims);
    expect(starts()).toBe(1);
    await end();
  });

  test('are as many as the spec says, whoever scales their StatefulSet; another template is told of and left', async () => {
    const { sim, get, status, starts, end } = await running();
    await sim.drive(
      sim.admin.patch(StatefulSet, NS, TM, 'merge', { spec: { replicas: 5 } }, { fieldManager: 'kubectl-scale' }),
    );
    expect(await sim.until(() => get(StatefulSet, TM)?.spec?.replicas === 2, 10_000)).toBe(true);
    const containers = [{ name: 'flink-main-container', image: 'flink:other' }];
    // Pods of such a set stay as they are until somebody deletes them.
    const patch = {
      spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null }, template: { spec: { containers } } },
    };
    await sim.drive(sim.admin.patch(StatefulSet, NS, TM, 'strategic', patch, { fieldManager: 'kubectl-edit' }));
    const drifted = () => status()?.conditions?.find(({ type }) => type === 'Drifted');
    expect(await sim.until(() => drifted()?.status === 'True', 10_000)).toBe(true);
    expect(drifted()).toMatchObject({
      reason: 'PodTemplateChanged',
      message: expect.stringContaining(`StatefulSet ${TM}: spec.template.spec.containers`),
    });
    expect(starts()).toBe(1);
    await end();
  });

  test('are scaled in place where a Deployment of theirs would be', async () => {
    const { job: _, ...spec } = standalone().spec;
    const { sim, get, list, change, status, end } = await started();
    await sim.drive(sim.admin.create(FlinkDeployments, { ...standalone(), spec }));
    expect(await sim.until(() => status()?.lifecycleState === 'STABLE', 120_000)).toBe(true);
    const before = get(StatefulSet, TM)?.metadata.uid;
    await change({ taskManager: { replicas: 4 } });
    expect(await sim.until(() => list(PersistentVolumeClaim).length === 4, 60_000)).toBe(true);
    expect(get(StatefulSet, TM)).toMatchObject({ metadata: { uid: before }, spec: { replicas: 4 } });
    await change({ taskManager: { replicas: 1 } });
    expect(await sim.until(() => list(Pod).length === 2, 60_000)).toBe(true);
    expect(get(StatefulSet, TM)?.metadata.uid).toBe(before);
    // Those that were scaled away are used again.
    expect(list(PersistentVolumeClaim)).toHaveLength(4);
    await end();
  });

  test('take the place of a Deployment, and give it back, by an upgrade each; never are there both', async () => {
    const cluster = await running(standalone({}));
    const { sim, get, change, runs, starts, end } = cluster;
    let both = false;
    const switched = async (isOn: boolean, start: number): Promise<void> => {
      await change({ flinkConfiguration: { 'kubernetes.taskmanager.stateful-set.enabled': String(isOn) } });
      const holds = (): boolean => {
        both ||= get(StatefulSet, TM) !== undefined && get(Deployment, TM) !== undefined;
        return starts() === start && runs();
      };
      expect(await sim.until(holds, 120_000)).toBe(true);
      expect([get(StatefulSet, TM) !== undefined, get(Deployment, TM) !== undefined]).toEqual([isOn, !isOn]);
    };
    expect(get(StatefulSet, TM)).toBeUndefined();
    await switched(true, 2);
    await switched(false, 3);
    expect(both).toBe(false);
    expect(get(Service, TM)).toBeUndefined();
    const [first, ...later] = sim.world.fabric.storage.history.filter((one) => one.type === 'started');
    expect(first).toMatchObject({ restoredFrom: undefined });
    for (const one of later) expect(one).toMatchObject({ restoredFrom: expect.stringContaining('/state/') });
    await end();
  });
});

describe('12.1 item 17: an operator that may not read StatefulSets', () => {
  const USER = 'system:serviceaccount:drey:operator';
  /** What the Apache operator's Role gives, as far as it matters here. */
  const RULES = [
    { apiGroups: ['', 'flink.apache.org', 'networking.k8s.io'], resources: ['*'], verbs: ['*'] },
    { apiGroups: ['apps'], resources: ['deployments', 'replicasets'], verbs: ['*'] },
  ];
  const ALL = [...RULES, { apiGroups: ['apps'], resources: ['statefulsets'], verbs: ['*'] }];

  const granting = (kind: 'Role' | 'ClusterRole') => async (sim: OperatorWorld) => {
    const isOfAll = kind === 'ClusterRole';
    const base = `/apis/${RBAC}/v1${isOfAll ? '' : `/namespaces/${NS}`}`;
    const metadata = { name: 'drey', ...(isOfAll ? {} : { namespace: NS }) };
    const of = (one: string, more: object): object => ({ apiVersion: `${RBAC}/v1`, kind: one, metadata, ...more });
    const path = `${base}/${kind.toLowerCase()}`;
    await sim.drive(sim.admin.raw('POST', `${path}s`, of(kind, { rules: RULES })));
    const roleRef = { apiGroup: RBAC, kind, name: 'drey' };
    const subjects = [{ apiGroup: RBAC, kind: 'User', name: USER }];
    await sim.drive(sim.admin.raw('POST', `${path}bindings`, of(`${kind}Binding`, { roleRef, subjects })));
  };

  test.each(['Role', 'ClusterRole'] as const)(
    'works for all who ask for none, and tells the others what is missing, until it is given: %s',
    async (kind) => {
      const namespaces = kind === 'Role' ? [NS] : [];
      const cluster = await started({ user: USER, groups: [] }, namespaces, granting(kind));
      const { sim, get, change, status, runs, starts, end } = cluster;
      await sim.drive(sim.admin.create(FlinkDeployments, standalone({})));
      expect(await sim.until(() => runs(), 120_000)).toBe(true);
      const told = sim.log.filter(({ resource }) => resource === 'statefulsets');
      expect(told).toHaveLength(1);
      expect(sim.log.some(({ msg }) => msg === 'a watched namespace refuses to be read')).toBe(false);

      // A Deployment of TaskManagers is missed and made again as ever.
      const before = get(Deployment, TM)?.metadata.uid;
      await sim.drive(sim.admin.delete(Deployment, NS, TM));
      const isBack = (): boolean => ![undefined, before].includes(get(Deployment, TM)?.metadata.uid);
      expect(await sim.until(() => isBack() && runs(), 120_000)).toBe(true);

      // Who asks for a StatefulSet is told; what runs goes on.
      const stalled = (name: string) => status(name)?.conditions?.find(({ type }) => type === 'Stalled');
      await sim.drive(sim.admin.create(FlinkDeployments, standalone(STATEFUL, 'other')));
      await change({ flinkConfiguration: STATEFUL });
      for (const name of ['app', 'other']) {
        expect(await sim.until(() => stalled(name) !== undefined, 60_000), name).toBe(true);
        expect(stalled(name)).toMatchObject({
          status: 'True',
          message: expect.stringMatching(/may not list and watch StatefulSets.*E_OPERATOR_STATEFUL_SET_RIGHTS/s),
        });
      }
      await sim.clock.advance(5 * 60_000, 500_000);
      expect(starts()).toBe(1);
      expect(get(Deployment, TM)).toBeDefined();
      expect(get(Deployment, 'other')).toBeUndefined();

      const role = kind === 'Role' ? Role : ClusterRole;
      const namespace = kind === 'Role' ? NS : undefined;
      await sim.drive(sim.admin.patch(role as Resource<KubeObject>, namespace, 'drey', 'merge', { rules: ALL }));
      expect(await sim.until(() => get(StatefulSet, TM) !== undefined && runs(), 600_000)).toBe(true);
      expect(await sim.until(() => runs('other'), 600_000)).toBe(true);
      expect(get(StatefulSet, 'other-taskmanager')).toBeDefined();
      await end();
    },
  );
});
