import { type FlinkDeployment, FlinkDeployments, type FlinkStateSnapshot, FlinkStateSnapshots } from '@drey/api';
import { type Timings, usualTimings } from '@drey/devcluster/testing';
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

/** Everything in Flink takes always the same time, so that times can be compared. */
const STEADY = Object.fromEntries(
  Object.entries(usualTimings).map(([name, [low]]) => [name, [low, low]]),
) as unknown as Timings;

async function scene(savepointMs: readonly [number, number] = STEADY.savepointMs): Promise<Scene> {
  const sim = await operatorWorld([], { timings: { ...STEADY, savepointMs } });
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

const OTHERS = Array.from({ length: 50 }, (_, index) => `other-${index}`);
/** Without high availability no JobManager waits for the lease of the one before it, which takes more or less time. */
const ALONE = { 'high-availability.type': 'NONE' };
const LOOK_MS = 25;

/** What all other jobs are at meanwhile: nothing, a savepoint that was asked for, or the savepoint of an upgrade. */
type Meanwhile = 'nothing' | 'savepoints' | 'upgrades';

/** Upgrades one job among many; how long that takes while savepoints of all others, if any, last ten minutes. */
async function upgradeAmongOthers(meanwhile: Meanwhile): Promise<number> {
  const { sim, ...here } = await scene([10 * MINUTE, 10 * MINUTE]);
  for (const name of [...OTHERS, 'mine']) await here.create(name, ALONE);
  expect(await sim.until(() => [...OTHERS, 'mine'].every(here.running), 5 * MINUTE)).toBe(true);
  for (const name of OTHERS) {
    if (meanwhile === 'savepoints') await here.snapshot(`of-${name}`, name);
    if (meanwhile === 'upgrades') await here.edit(name, { job: { parallelism: 1 } });
  }
  const stopping = (name: string) => here.get(FlinkDeployments, name)?.status?.operation?.phase === 'stopping';
  const taking = (): number =>
    meanwhile === 'upgrades'
      ? OTHERS.filter(stopping).length
      : here.all().filter((one) => one.status?.state === 'IN_PROGRESS').length;
  const expected = meanwhile === 'nothing' ? 0 : OTHERS.length;
  expect(await sim.until(() => taking() === expected, MINUTE)).toBe(true);
  const started = sim.clock.monotonic();
  await here.edit('mine', { job: { upgradeMode: 'stateless', parallelism: 1 } });
  for (let passed = 0; passed < MINUTE && !here.running('mine'); passed += LOOK_MS) {
    await sim.clock.advance(LOOK_MS, 200_000);
  }
  const took = sim.clock.monotonic() - started;
  expect(here.running('mine')).toBe(true);
  expect(taking()).toBe(expected);
  await here.end();
  return took;
}

describe('12.1 item 31: fifty savepoints that last ten minutes', () => {
  test('do not delay the upgrade of another job by more than a second', async () => {
    const quiet = await upgradeAmongOthers('nothing');
    const busy = await upgradeAmongOthers('savepoints');
    expect(busy - quiet).toBeLessThan(1_000);
    const upgrading = await upgradeAmongOthers('upgrades');
    expect(upgrading - quiet).toBeLessThan(1_000);
  }, 300_000);
});

describe('12.1 item 24: an operator that is restarted', () => {
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
