import { type FlinkDeployment, FlinkDeployments, type FlinkStateSnapshot, FlinkStateSnapshots } from '@drey/api';
import { usualTimings } from '@drey/devcluster/testing';
import type { KubeObject, Resource } from '@drey/kube';
import { createOperator, type Operator } from '@drey/operator';
import { describe, expect, test } from 'vitest';
import { type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';
import { flinkStateSnapshot } from './specs.ts';

const NS = 'default';
const MINUTE = 60_000;

interface Scene {
  readonly sim: OperatorWorld;
  operator: Operator;
  get<T extends KubeObject>(r: Resource<T>, name: string): T | undefined;
  all(): FlinkStateSnapshot[];
  create(name: string, more?: Record<string, string>): Promise<void>;
  snapshot(name: string, of: string): Promise<unknown>;
  edit(name: string, spec: object): Promise<unknown>;
  running(name: string): boolean;
  end(): Promise<void>;
}

async function scene(savepointMs: readonly [number, number] = usualTimings.savepointMs): Promise<Scene> {
  const sim = await operatorWorld([], { timings: { ...usualTimings, savepointMs } });
  const operator = createOperator(sim.env('drey'));
  await sim.drive(operator.start());
  const { reader } = sim.world.server.server;
  const get = <T extends KubeObject>(r: Resource<T>, name: string): T | undefined =>
    reader.get(r.group, r.plural, NS, name) as T | undefined;
  const made: Scene = {
    ...{ sim, operator, get },
    all: () => reader.list('flink.apache.org', 'flinkstatesnapshots', NS) as unknown as FlinkStateSnapshot[],
    async create(name, more = {}) {
      const object = statefulDeployment(NS, name);
      const flinkConfiguration = { ...object.spec.flinkConfiguration, ...more };
      await sim.drive(sim.admin.create(FlinkDeployments, { ...object, spec: { ...object.spec, flinkConfiguration } }));
    },
    snapshot: (name, of) =>
      sim.drive(
        sim.admin.create(
          FlinkStateSnapshots,
          flinkStateSnapshot({ namespace: NS, name }, { kind: 'FlinkDeployment', name: of }, 'savepoint'),
        ),
      ),
    edit: (name, spec) => sim.drive(sim.admin.patch(FlinkDeployments, NS, name, 'merge', { spec })),
    running: (name) => isRunning(get(FlinkDeployments, name)),
    async end() {
      await sim.drive(made.operator.stop());
      sim.world.stop();
    },
  };
  return made;
}

function isRunning(object: FlinkDeployment | undefined): boolean {
  const { status, metadata } = object ?? {};
  return (
    status?.lifecycleState === 'STABLE' &&
    status.jobStatus?.state === 'RUNNING' &&
    status.observedGeneration === metadata?.generation
  );
}

const SLOW = 50;

/** Upgrades one job while as many others as told have savepoints taken that last ten minutes; how long that took. */
async function upgradeBeside(savepoints: number): Promise<number> {
  const { sim, ...here } = await scene([10 * MINUTE, 10 * MINUTE]);
  const others = Array.from({ length: savepoints }, (_, index) => `other-${index}`);
  for (const name of [...others, 'mine']) await here.create(name);
  expect(await sim.until(() => [...others, 'mine'].every(here.running), 5 * MINUTE)).toBe(true);
  for (const name of others) await here.snapshot(`of-${name}`, name);
  const taking = () => here.all().filter((one) => one.status?.state === 'IN_PROGRESS').length;
  expect(await sim.until(() => taking() === savepoints, MINUTE)).toBe(true);
  const started = sim.clock.monotonic();
  await here.edit('mine', { job: { upgradeMode: 'stateless', parallelism: 1 } });
  for (let left = 10_000; left > 0 && !here.running('mine'); left -= 1) await sim.clock.advance(10, 200_000);
  expect(taking()).toBe(savepoints);
  const took = sim.clock.monotonic() - started;
  await here.end();
  return took;
}

describe('Savepoints that take long', () => {
  test('do not delay the upgrade of another job by more than a second, however many they are', async () => {
    const alone = await upgradeBeside(0);
    const beside = await upgradeBeside(SLOW);
    // The same upgrade draws other times for its processes: what Flink itself takes varies by less than this.
    const drawn = 4_000;
    expect(beside - alone).toBeLessThan(1_000 + drawn);
  }, 120_000);
});

describe('An operator that is restarted', () => {
  test('goes on with the schedule, and triggers nothing twice', async () => {
    const here = await scene();
    const { sim } = here;
    await here.create('app', { 'kubernetes.operator.periodic.savepoint.interval': '60 s' });
    const periodic = () => here.all().filter((one) => one.metadata.name?.includes('-periodic-'));
    expect(await sim.until(() => periodic().length === 1, 3 * MINUTE)).toBe(true);
    const triggered = () => sim.world.fabric.storage.history.filter((one) => one.type === 'triggered').length;
    expect(await sim.until(() => triggered() === 1, 10_000)).toBe(true);
    const at = sim.clock.monotonic();
    await sim.drive(here.operator.stop());
    here.operator = createOperator(sim.env('drey'));
    await sim.drive(here.operator.start());
    await sim.until(() => false, 50_000 - (sim.clock.monotonic() - at));
    expect(triggered()).toBe(1);
    expect(await sim.until(() => triggered() === 2, 15_000)).toBe(true);
    expect(await sim.until(() => periodic().every((one) => one.status?.state === 'COMPLETED'), 10_000)).toBe(true);
    await here.end();
  });
});

describe('A cluster without the kinds FlinkStateSnapshot and FlinkSessionJob', () => {
  test('has an operator that becomes ready, and snapshots that the status knows', async () => {
    const sim = await operatorWorld();
    for (const kind of ['flinkstatesnapshots', 'flinksessionjobs']) {
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${kind}.flink.apache.org`;
      await sim.drive(sim.admin.raw('DELETE', path));
    }
    await sim.until(() => false, 2_000);
    const operator = createOperator(sim.env('drey'));
    await sim.drive(operator.start());
    expect(operator.ready).toBe(true);
    await sim.drive(sim.admin.create(FlinkDeployments, statefulDeployment(NS, 'app')));
    const { reader } = sim.world.server.server;
    const app = () => reader.get('flink.apache.org', 'flinkdeployments', NS, 'app') as FlinkDeployment | undefined;
    expect(await sim.until(() => isRunning(app()), 2 * MINUTE)).toBe(true);
    const spec = { job: { savepointTriggerNonce: 1 } };
    await sim.drive(sim.admin.patch(FlinkDeployments, NS, 'app', 'merge', { spec }));
    const info = () => app()?.status?.jobStatus?.savepointInfo;
    expect(await sim.until(() => info()?.lastSavepoint?.triggerNonce === 1, MINUTE)).toBe(true);
    expect(info()?.savepointHistory).toHaveLength(1);
    expect(info()?.triggerId).toBeUndefined();
    await sim.drive(operator.stop());
    sim.world.stop();
  });
});
