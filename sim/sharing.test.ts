import { FlinkDeployments, FlinkStateSnapshots } from '@drey/api';
import type { Lease } from '@drey/kube';
import { expect, test } from 'vitest';
import { type Candidate, candidate, LEASE } from './candidate.ts';
import { type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';

const SHARDS = 4;
const APPS = ['red', 'green', 'blue', 'white', 'black', 'grey'];

const join = (sim: OperatorWorld, identity: string, shards = SHARDS): Candidate => candidate(sim, identity, shards);

const lease = (sim: OperatorWorld): Lease | undefined =>
  sim.world.server.server.reader.get('coordination.k8s.io', 'leases', 'default', LEASE) as Lease | undefined;

const holders = (sim: OperatorWorld): string[] =>
  (JSON.parse(lease(sim)?.metadata.annotations?.['flink.apache.org/shards'] ?? '{}') as { holders?: string[] })
    .holders ?? [];

const isShared = (sim: OperatorWorld, ...among: Candidate[]): boolean => {
  const counts = among.map(({ identity }) => holders(sim).filter((holder) => holder === identity).length);
  return counts.reduce((a, b) => a + b, 0) === SHARDS && Math.max(...counts) - Math.min(...counts) <= 1;
};

const object = (sim: OperatorWorld, name: string) =>
  sim.world.server.server.reader.get('flink.apache.org', 'flinkdeployments', 'default', name) as
    | { status?: { jobStatus?: { state?: string }; operation?: { phase?: string } | null; lifecycleState?: string } }
    | undefined;

const startsOf = (sim: OperatorWorld, name: string): number =>
  sim.world.fabric.storage.history.filter(
    ({ type, clusterId }) => type === 'started' && clusterId === `default/${name}`,
  ).length;

const allRun = (sim: OperatorWorld, starts: number): boolean =>
  APPS.every((name) => startsOf(sim, name) === starts && object(sim, name)?.status?.lifecycleState === 'STABLE');

async function createAll(sim: OperatorWorld): Promise<void> {
  for (const name of APPS) await sim.drive(sim.admin.create(FlinkDeployments, statefulDeployment('default', name)));
}

async function upgradeAll(sim: OperatorWorld, parallelism: number): Promise<void> {
  const patch = { spec: { job: { parallelism } } };
  for (const name of APPS) await sim.drive(sim.admin.patch(FlinkDeployments, 'default', name, 'merge', patch));
}

/** Who wrote the status of a deployment after `at`. */
const writersOf = (name: string, at: number, ...among: Candidate[]): string[] =>
  among
    .filter(({ writes }) => writes.some((w) => w.at > at && w.path.endsWith(`/flinkdeployments/${name}/status`)))
    .map(({ identity }) => identity);

async function stopAll(sim: OperatorWorld, ...sharers: Candidate[]): Promise<void> {
  for (const { stop } of sharers) stop.abort();
  for (const { ended } of sharers) expect(await sim.drive(ended)).toBe('stopped');
  expect(lease(sim)?.spec?.holderIdentity).toBe('');
  sim.world.stop();
}

test('12.1 item 30: three active operators share the work, each object is worked on by exactly one of them', async () => {
  const sim = await operatorWorld();
  const sharers = ['one', 'two', 'three'].map((identity) => join(sim, identity));
  expect(await sim.until(() => isShared(sim, ...sharers), 60_000)).toBe(true);
  const before = sim.clock.monotonic();
  await createAll(sim);
  expect(await sim.until(() => allRun(sim, 1), 180_000)).toBe(true);
  const writers = APPS.map((name) => writersOf(name, before, ...sharers));
  for (const [i, of] of writers.entries()) expect([APPS[i], of.length]).toEqual([APPS[i], 1]);
  expect(new Set(writers.flat()).size).toBeGreaterThan(1);
  // Each counts its own in its metrics: together they count everything once.
  const counted = await Promise.all(
    sharers.map(async ({ operator }) => {
      const text = await operator?.metrics.registry.getSingleMetricAsString('flink_operator_resources');
      return [...(text ?? '').matchAll(/^flink_operator_resources\{.*\} (\d+)$/gm)].map(([, n]) => Number(n));
    }),
  );
  expect(counted.flat().reduce((a, b) => a + b, 0)).toBe(APPS.length);
  await stopAll(sim, ...sharers);
});

test('When one of several active operators dies in the middle of upgrades, the others finish them, each with one restart', async () => {
  const sim = await operatorWorld();
  const [one, two] = [join(sim, 'one'), join(sim, 'two')];
  expect(await sim.until(() => isShared(sim, one, two), 60_000)).toBe(true);
  await createAll(sim);
  expect(await sim.until(() => allRun(sim, 1), 180_000)).toBe(true);
  await upgradeAll(sim, 1);
  expect(await sim.until(() => APPS.some((name) => object(sim, name)?.status?.operation != null), 10_000)).toBe(true);
  two.cut = true;
  expect(await sim.drive(two.ended)).toBe('lost');
  const lost = sim.clock.monotonic();
  expect(await sim.until(() => isShared(sim, one), 30_000)).toBe(true);
  expect(await sim.until(() => allRun(sim, 2), 180_000)).toBe(true);
  expect(two.writes.filter(({ at }) => at > lost)).toEqual([]);
  await stopAll(sim, one);
});

test('Work that is handed over to a newcomer in the middle of upgrades goes on there, each with one restart', async () => {
  const sim = await operatorWorld();
  const one = join(sim, 'one');
  expect(await sim.until(() => isShared(sim, one), 60_000)).toBe(true);
  await createAll(sim);
  expect(await sim.until(() => allRun(sim, 1), 180_000)).toBe(true);
  const two = join(sim, 'two');
  await sim.clock.advance(1_000);
  await upgradeAll(sim, 1);
  expect(await sim.until(() => isShared(sim, one, two), 60_000)).toBe(true);
  const shared = sim.clock.monotonic();
  expect(await sim.until(() => allRun(sim, 2), 180_000)).toBe(true);
  // From then on nobody writes what the other one works on.
  for (const name of APPS) expect([name, writersOf(name, shared, one, two).length <= 1]).toEqual([name, true]);
  await stopAll(sim, one, two);
});

test('From one leader to several and back: operations go on under later terms, and never under two at once', async () => {
  const sim = await operatorWorld();
  const single = join(sim, 'single', 1);
  expect(await sim.until(() => lease(sim)?.spec?.holderIdentity === 'single', 10_000)).toBe(true);
  await createAll(sim);
  expect(await sim.until(() => allRun(sim, 1), 180_000)).toBe(true);
  // As a rolling update does it: the new ones are there before the old one goes.
  const sharers = [join(sim, 'one'), join(sim, 'two')];
  await sim.clock.advance(30_000);
  expect(lease(sim)?.spec?.holderIdentity).toBe('single');
  expect(sharers.flatMap(({ writes }) => writes)).toEqual([]);
  await upgradeAll(sim, 1);
  expect(await sim.until(() => APPS.some((name) => object(sim, name)?.status?.operation != null), 10_000)).toBe(true);
  single.stop.abort();
  expect(await sim.drive(single.ended)).toBe('stopped');
  expect(await sim.until(() => isShared(sim, ...sharers), 60_000)).toBe(true);
  expect(await sim.until(() => allRun(sim, 2), 180_000)).toBe(true);

  const next = join(sim, 'next', 1);
  await sim.clock.advance(5_000);
  await upgradeAll(sim, 2);
  expect(await sim.until(() => APPS.some((name) => object(sim, name)?.status?.operation != null), 10_000)).toBe(true);
  for (const { stop } of sharers) stop.abort();
  for (const { ended } of sharers) expect(await sim.drive(ended)).toBe('stopped');
  expect(await sim.until(() => allRun(sim, 3), 180_000)).toBe(true);
  await stopAll(sim, next);
});

test('A snapshot and its job may be looked after by different operators', async () => {
  const sim = await operatorWorld();
  const sharers = ['one', 'two'].map((identity) => join(sim, identity));
  expect(await sim.until(() => isShared(sim, ...sharers), 60_000)).toBe(true);
  await createAll(sim);
  expect(await sim.until(() => allRun(sim, 1), 180_000)).toBe(true);
  const names = Array.from({ length: 8 }, (_, i) => `snapshot-${i}`);
  for (const name of names) {
    const spec = { savepoint: {}, jobReference: { kind: 'FlinkDeployment', name: APPS[0] as string } } as const;
    const metadata = { name, namespace: 'default' };
    await sim.drive(
      sim.admin.create(FlinkStateSnapshots, {
        apiVersion: 'flink.apache.org/v1beta1',
        kind: 'FlinkStateSnapshot',
        ...{ metadata, spec },
      }),
    );
  }
  const stateOf = (name: string): unknown =>
    (
      sim.world.server.server.reader.get('flink.apache.org', 'flinkstatesnapshots', 'default', name) as
        | { status?: { state?: string } }
        | undefined
    )?.status?.state;
  expect(await sim.until(() => names.every((name) => stateOf(name) === 'COMPLETED'), 180_000)).toBe(true);
  const [first = [], second = []] = sharers.map(({ writes }) =>
    names.filter((name) => writes.some(({ path }) => path.endsWith(`/flinkstatesnapshots/${name}/status`))),
  );
  expect(first.length * second.length).toBeGreaterThan(0);
  expect([...first, ...second].sort()).toEqual(names);
  await stopAll(sim, ...sharers);
});
