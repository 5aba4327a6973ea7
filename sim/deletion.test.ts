import { type FlinkDeployment, FlinkDeployments, type FlinkSessionJob, FlinkSessionJobs } from '@drey/api';
import { type FlinkTransport, TransportFailure } from '@drey/flink';
import { ConfigMap, CoreEvent, Deployment, type KubeObject, Namespace, type Resource } from '@drey/kube';
import { createOperator, type Operator } from '@drey/operator';
import { describe, expect, test } from 'vitest';
import { jobAccount, type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';

const NS = 'team';
const MINUTE = 60_000;

interface Scene {
  readonly sim: OperatorWorld;
  readonly operator: Operator;
  get<T extends KubeObject>(r: Resource<T>, name: string): T | undefined;
  deployment(): FlinkDeployment | undefined;
  edit(patch: unknown): Promise<unknown>;
  /** Cuts the way to Flink. */
  cut(): void;
  end(): Promise<void>;
}

function wanted(more: Record<string, string> = {}): FlinkDeployment {
  const made = statefulDeployment(NS, 'app');
  return { ...made, spec: { ...made.spec, flinkConfiguration: { ...made.spec.flinkConfiguration, ...more } } };
}

const WITH_SAVEPOINT = { 'kubernetes.operator.job.savepoint-on-deletion': 'true' };

async function running(object: FlinkDeployment): Promise<Scene> {
  const team = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NS } };
  const sim = await operatorWorld([team as never, jobAccount(NS)]);
  const env = sim.env('drey');
  let isCut = false;
  const flink = env.flink as FlinkTransport;
  const cuttable: FlinkTransport = (request) =>
    isCut ? Promise.reject(new TransportFailure('unreachable', 'no route to host', false)) : flink(request);
  const operator = createOperator({ ...env, flink: cuttable });
  await sim.drive(operator.start());
  await sim.drive(sim.admin.create(FlinkDeployments, object));
  const get = <T extends KubeObject>(r: Resource<T>, name: string): T | undefined =>
    sim.world.server.server.reader.get(r.group, r.plural, r.namespaced ? NS : undefined, name) as T | undefined;
  const scene: Scene = {
    ...{ sim, operator, get },
    deployment: () => get(FlinkDeployments, 'app'),
    cut: () => {
      isCut = true;
    },
    edit: (patch) => sim.drive(sim.admin.patch(FlinkDeployments, NS, 'app', 'merge', patch)),
    end: async () => {
      await sim.drive(operator.stop());
      sim.world.stop();
    },
  };
  expect(await sim.until(() => scene.deployment()?.status?.jobStatus?.state === 'RUNNING', 2 * MINUTE)).toBe(true);
  await sim.clock.advance(20_000, 200_000);
  return scene;
}

const gone = (scene: Scene, ms: number): Promise<boolean> =>
  scene.sim.until(() => scene.deployment() === undefined, ms);

async function eventsOf({ sim }: Scene, reason: string): Promise<string[]> {
  const list = await sim.drive(sim.admin.list(CoreEvent, { namespace: NS }));
  return list.items.filter((one) => one.reason === reason).map((one) => one.message ?? '');
}

const haMaps = ({ sim }: Scene): Promise<number> =>
  sim.drive(
    sim.admin
      .list(ConfigMap, { namespace: NS, labelSelector: 'configmap-type=high-availability' })
      .then((list) => list.items.length),
  );

const snapshots = ({ sim }: Scene): string[] => [...sim.world.fabric.storage.snapshots.keys()];

describe('A deletion ends', () => {
  test('with everything of the cluster gone, and the state of the job left where it is', async () => {
    const scene = await running(wanted());
    await scene.sim.drive(scene.sim.admin.delete(FlinkDeployments, NS, 'app'));
    expect(await gone(scene, MINUTE)).toBe(true);
    expect(scene.get(Deployment, 'app')).toBeUndefined();
    expect(await haMaps(scene)).toBe(0);
    expect(snapshots(scene).length).toBeGreaterThan(0);
    await scene.end();
  });

  test('after the savepoint that the user wants', async () => {
    const scene = await running(wanted(WITH_SAVEPOINT));
    await scene.sim.drive(scene.sim.admin.delete(FlinkDeployments, NS, 'app'));
    expect(await gone(scene, 2 * MINUTE)).toBe(true);
    const [told = ''] = await eventsOf(scene, 'SavepointTaken');
    expect(told).toContain('/savepoints/');
    expect(snapshots(scene).some((path) => told.includes(path))).toBe(true);
    await scene.end();
  });

  test('when the whole namespace is deleted', async () => {
    for (const object of [wanted(), wanted(WITH_SAVEPOINT)]) {
      const scene = await running(object);
      await scene.sim.drive(scene.sim.admin.delete(Namespace, undefined, NS));
      expect(await scene.sim.until(() => scene.get(Namespace, NS) === undefined, 20 * MINUTE)).toBe(true);
      expect(scene.deployment()).toBeUndefined();
      await scene.end();
    }
  });

  test('when the operator was uninstalled first and is installed again', async () => {
    const scene = await running(wanted());
    const { sim } = scene;
    await sim.drive(scene.operator.stop());
    await sim.drive(sim.admin.delete(FlinkDeployments, NS, 'app'));
    await sim.clock.advance(5 * MINUTE, 500_000);
    expect(scene.deployment()?.metadata.deletionTimestamp).toBeDefined();
    const next = createOperator(sim.env('drey-2'));
    await sim.drive(next.start());
    expect(await gone(scene, 2 * MINUTE)).toBe(true);
    await sim.drive(next.stop());
    sim.world.stop();
  });

  test('when its cluster cannot be reached: without the savepoint, its newest state and HA metadata left and named', async () => {
    const scene = await running(wanted({ ...WITH_SAVEPOINT, 'execution.checkpointing.timeout': '90 s' }));
    const { sim } = scene;
    // From here on Flink's REST API answers nothing.
    scene.cut();
    await sim.drive(sim.admin.delete(FlinkDeployments, NS, 'app'));
    expect(await gone(scene, 20 * MINUTE)).toBe(true);
    const [told = ''] = await eventsOf(scene, 'SavepointError');
    expect(told).toMatch(/removed without one/);
    expect(await haMaps(scene)).toBeGreaterThan(0);
    expect(snapshots(scene).length).toBeGreaterThan(0);
    await scene.end();
  });

  test('at once and without touching Flink when a person forces it, also when the record cannot be read', async () => {
    const scene = await running(wanted(WITH_SAVEPOINT));
    const { sim } = scene;
    const before = scene.sim.world.fabric.storage.history.length;
    const status = { reconciliationStatus: { lastReconciledSpec: 'not JSON' } };
    await sim.drive(sim.admin.patch(FlinkDeployments, NS, 'app', 'merge', { status }, { subresource: 'status' }));
    await sim.drive(sim.admin.delete(FlinkDeployments, NS, 'app'));
    await sim.clock.advance(MINUTE, 200_000);
    expect(scene.deployment()?.status?.error).toContain('cannot be read');
    await scene.edit({ metadata: { annotations: { 'flink.apache.org/force-deletion': 'true' } } });
    expect(await gone(scene, 10_000)).toBe(true);
    expect(await eventsOf(scene, 'ForcedDeletion')).toHaveLength(1);
    const triggered = scene.sim.world.fabric.storage.history.slice(before).filter((one) => one.type === 'triggered');
    expect(triggered).toEqual([]);
    await scene.end();
  });

  test('also for an object whose spec was made wrong before', async () => {
    const scene = await running(wanted());
    await scene.edit({ spec: { flinkConfiguration: { 'taskmanager.memory.process.size': 'nonsense' } } });
    await scene.sim.clock.advance(5_000, 200_000);
    await scene.sim.drive(scene.sim.admin.delete(FlinkDeployments, NS, 'app'));
    expect(await gone(scene, MINUTE)).toBe(true);
    await scene.end();
  });

  test('also for an object that was never deployed, whatever its spec says', async () => {
    const scene = await running(wanted());
    const { sim } = scene;
    const finalizers = ['flinkdeployments.flink.apache.org/finalizer'];
    const spec = { ...wanted().spec, flinkConfiguration: { 'taskmanager.memory.process.size': 'nonsense' } };
    const wrong = { ...wanted(), metadata: { name: 'wrong', namespace: NS, finalizers }, spec };
    await sim.drive(sim.admin.create(FlinkDeployments, wrong));
    await sim.clock.advance(5_000, 200_000);
    await sim.drive(sim.admin.delete(FlinkDeployments, NS, 'wrong'));
    expect(await sim.until(() => scene.get(FlinkDeployments, 'wrong') === undefined, MINUTE)).toBe(true);
    await scene.end();
  });
});

describe('12.1 item 10: a session cluster and its jobs', () => {
  const sessionCluster = (): FlinkDeployment => {
    const { job: _, ...spec } = wanted().spec;
    return { ...wanted(), metadata: { name: 'cluster', namespace: NS }, spec };
  };
  const sessionJob: FlinkSessionJob = {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkSessionJob',
    metadata: { name: 'job', namespace: NS },
    spec: {
      deploymentName: 'cluster',
      job: { jarURI: 'https://example.com/job.jar', parallelism: 1, upgradeMode: 'savepoint' },
      flinkConfiguration: WITH_SAVEPOINT,
    },
  };

  async function both(): Promise<{ sim: OperatorWorld; operator: Operator; job: () => FlinkSessionJob | undefined }> {
    const team = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NS } };
    const sim = await operatorWorld([team as never, jobAccount(NS)]);
    const jar = async function* (): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('a jar');
    };
    const operator = createOperator({ ...sim.env('drey'), artifacts: async () => jar() });
    await sim.drive(operator.start());
    await sim.drive(sim.admin.create(FlinkDeployments, sessionCluster()));
    await sim.drive(sim.admin.create(FlinkSessionJobs, sessionJob));
    const job = (): FlinkSessionJob | undefined =>
      sim.world.server.server.reader.get(FlinkSessionJobs.group, FlinkSessionJobs.plural, NS, 'job') as never;
    expect(await sim.until(() => job()?.status?.jobStatus?.state === 'RUNNING', 3 * MINUTE)).toBe(true);
    return { sim, operator, job };
  }

  const isThere = (sim: OperatorWorld, r: Resource<KubeObject>, name: string): boolean =>
    sim.world.server.server.reader.get(r.group, r.plural, r.namespaced ? NS : undefined, name) !== undefined;

  test('do not wait for each other when their namespace is deleted', async () => {
    const { sim, operator } = await both();
    await sim.drive(sim.admin.delete(Namespace, undefined, NS));
    const isGone = (): boolean => !isThere(sim, Namespace as Resource<KubeObject>, NS);
    expect(await sim.until(isGone, 20 * MINUTE)).toBe(true);
    await sim.drive(operator.stop());
    sim.world.stop();
  });

  test('both go, the jobs first, when everything is deleted at once as helm uninstall does', async () => {
    const { sim, operator, job } = await both();
    await sim.drive(sim.admin.delete(FlinkDeployments, NS, 'cluster'));
    await sim.clock.advance(5_000, 200_000);
    expect(job()).toBeDefined();
    expect(isThere(sim, FlinkDeployments as Resource<KubeObject>, 'cluster')).toBe(true);
    await sim.drive(sim.admin.delete(FlinkSessionJobs, NS, 'job'));
    expect(await sim.until(() => job() === undefined, 2 * MINUTE)).toBe(true);
    const isGone = (): boolean => !isThere(sim, FlinkDeployments as Resource<KubeObject>, 'cluster');
    expect(await sim.until(isGone, 2 * MINUTE)).toBe(true);
    await sim.drive(operator.stop());
    sim.world.stop();
  });
});
