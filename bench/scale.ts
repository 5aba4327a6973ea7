import { createHistogram, monitorEventLoopDelay, type RecordableHistogram } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { compareWithBudgets, line, median } from './report.ts';
import { type ScaleWorld, scaleWorld } from './scale-world.ts';

/**
 * `npm run scale [-- --objects 1000]`: one operator with many simulated deployments on a simulated node, all in this
 * process. Times are virtual, except for those that say CPU or lag, which include the simulated cluster. Exit code 1 when a
 * budget of bench/budgets.json ("scale") is not kept.
 */
const { values } = parseArgs({ options: { objects: { type: 'string', default: '1000' } } });
const objects = Number(values.objects);
const few = Math.max(10, Math.floor(objects / 10));
const savepoints = 50;
const upgrades = 20;
const restMinutes = 3;
const longSavepointMs = 600_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What cannot be collected. What finalizers and weak references let go of takes another round. */
async function usedHeap(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    collectGarbage();
    await new Promise<void>((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

/** CPU of each turn of the event loop in µs, which a busy machine does not lengthen as it does the lag. */
function watchTurns(): { readonly turns: RecordableHistogram; stop(): void } {
  const turns = createHistogram();
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage();
    return user + system;
  };
  let last = spent();
  let next: NodeJS.Immediate;
  const tick = (): void => {
    const now = spent();
    turns.record(Math.max(1, now - last));
    last = now;
    next = setImmediate(tick);
  };
  next = setImmediate(tick);
  return { turns, stop: () => clearImmediate(next) };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `job-${i}`);
const isStable = (world: ScaleWorld, name: string): boolean => {
  const { metadata, status } = world.stored(name) ?? {};
  return status?.lifecycleState === 'STABLE' && status.observedGeneration === metadata?.generation;
};

interface Creation {
  /** Virtual. */
  readonly allStableMs: number;
  readonly cpuMsPerObject: number;
  readonly requestsPerObject: number;
}

async function createAll(world: ScaleWorld, count: number): Promise<Creation> {
  const cpu = process.cpuUsage();
  world.requests.kube = 0;
  const start = world.clock.monotonic();
  await world.create(names(count));
  await world.until('all STABLE', () => names(count).every((name) => isStable(world, name)));
  const used = process.cpuUsage(cpu);
  return {
    allStableMs: world.clock.monotonic() - start,
    cpuMsPerObject: (used.user + used.system) / 1000 / count,
    requestsPerObject: world.requests.kube / count,
  };
}

/** Requests for one object whose cluster is created and gets no pods, as on an API server that stands alone. */
async function requestsWithoutPods(count: number): Promise<number> {
  const world = await scaleWorld({ seed: 4, objects: count, workloads: false });
  world.requests.kube = 0;
  await world.create(names(count));
  await world.pass(30_000);
  await world.close();
  return world.requests.kube / count;
}

/** How long some deployments take from the change of their specs to STABLE, and to the trigger of their savepoint. */
async function upgradeSome(
  world: ScaleWorld,
  some: readonly string[],
): Promise<{ stable: number[]; trigger: number[] }> {
  const start = world.clock.monotonic();
  const wall = world.clock.now();
  const jobs = new Map(some.map((name) => [world.stored(name)?.status?.jobStatus?.jobId ?? '', name]));
  for (const name of some) await world.change(name, { restartNonce: Math.floor(start) });
  const stable = new Map<string, number>();
  await world.until('the upgrades', () => {
    for (const name of some) {
      if (!stable.has(name) && isStable(world, name)) stable.set(name, world.clock.monotonic() - start);
    }
    return stable.size === some.length;
  });
  const triggers = world.world.fabric.storage.history.flatMap((event) =>
    event.type === 'triggered' && event.what === 'stop' && event.at >= wall && jobs.has(event.jobId)
      ? [event.at - wall]
      : [],
  );
  return { stable: [...stable.values()], trigger: triggers };
}

/** What upgrades of some deployments cost beside many long savepoints of others, in virtual milliseconds. */
async function besideSavepoints(world: ScaleWorld): Promise<{ delayMs: number; triggerDelayMs: number }> {
  const all = names(savepoints + upgrades);
  await createAll(world, all.length);
  const others = all.slice(savepoints);
  await world.pass(20_000);
  const alone = await upgradeSome(world, others);
  await world.pass(20_000);
  world.savepointMs = [longSavepointMs, longSavepointMs];
  const before = world.world.fabric.storage.history.length;
  for (const name of all.slice(0, savepoints)) await world.change(name, { job: { savepointTriggerNonce: 1 } });
  await world.until('the savepoints', () => {
    const { history } = world.world.fabric.storage;
    return (
      history.slice(before).filter((one) => one.type === 'triggered' && one.what === 'savepoint').length >= savepoints
    );
  });
  world.savepointMs = [500, 500];
  const beside = await upgradeSome(world, others);
  return {
    delayMs: median(beside.stable) - median(alone.stable),
    triggerDelayMs: Math.max(...beside.trigger) - Math.max(...alone.trigger),
  };
}

/** `services` of /api/v1/namespaces/default/services, `flinkdeployments/status` of …/flinkdeployments/job-1/status. */
function collectionOf(path: string): string {
  const [, collection = path, subresource = ''] =
    /\/namespaces\/[^/]+\/([^/?]+)(?:\/[^/?]+)?(\/[^/?]+)?/.exec(path) ?? [];
  return collection + subresource;
}

/** In a function, so that nothing of its world is left when the memory of the next one is looked at. */
async function createFew(): Promise<Creation> {
  const world = await scaleWorld({ seed: 1, objects: few });
  const creation = await createAll(world, few);
  await world.close();
  return creation;
}

const fewObjects = await createFew();
const withoutPods = await requestsWithoutPods(few);

/** The operator's requests since the last reset, by method and collection. */
let kinds = new Map<string, number>();
const large = await scaleWorld({
  ...{ seed: 2, objects },
  onRequest: ({ method, path }) => {
    const what = `${method} ${collectionOf(path)}`;
    kinds.set(what, (kinds.get(what) ?? 0) + 1);
  },
});
kinds.clear();
const lag = monitorEventLoopDelay({ resolution: 5 });
lag.enable();
const watched = watchTurns();
const manyObjects = await createAll(large, objects);
lag.disable();
watched.stop();
const created = new Map(kinds);
await large.pass(60_000);
kinds = new Map();

const cpu = process.cpuUsage();
large.requests.kube = 0;
large.requests.flink = 0;
await large.pass(restMinutes * 60_000);
const restCpu = process.cpuUsage(cpu);
const rest = { kube: large.requests.kube, flink: large.requests.flink };
const perHour = (count: number): number => (count / objects / restMinutes) * 60;
// What goes with the operator was its own.
const withOperator = await usedHeap();
await large.stopOperator();
const operatorHeap = withOperator - (await usedHeap());
await large.close();

const long = await scaleWorld({ seed: 3, objects: savepoints + upgrades });
const beside = await besideSavepoints(long);
await long.close();

process.stdout.write(`${objects} simulated deployments, one operator, one process\n`);
line('create → all STABLE', manyObjects.allStableMs / 1000, 's (virtual)');
line(`create → all STABLE with ${few}`, fewObjects.allStableMs / 1000, 's (virtual)');
line('CPU for one object, cluster included', manyObjects.cpuMsPerObject, 'ms');
line(`CPU for one object with ${few}`, fewObjects.cpuMsPerObject, 'ms');
line('event loop lag, p99', lag.percentile(99) / 1e6, 'ms');
line('event loop lag, longest', lag.max / 1e6, 'ms');
line('CPU of one turn of the event loop, longest', watched.turns.max / 1000, 'ms');
line('API requests for one object whose cluster gets no pods, 30 s', withoutPods);
line('API requests for one object until STABLE', manyObjects.requestsPerObject);
for (const [what, count] of created) line(`  ${what}`, count / objects);
line('API requests for one object and hour at rest', perHour(rest.kube));
for (const [what, count] of kinds) line(`  ${what}`, perHour(count));
line('requests to Flink for one object and hour at rest', perHour(rest.flink));
line(
  'CPU for one object and hour at rest, cluster included',
  ((restCpu.user + restCpu.system) / 1000 / objects / restMinutes) * 60,
  'ms',
);
line('heap of the operator for one object', operatorHeap / objects / 1024, 'KiB');
line(
  `${upgrades} upgrades beside ${savepoints} savepoints of ten minutes, delay of the median`,
  beside.delayMs,
  'ms (virtual)',
);
line('  delay until the last of them was asked for its savepoint', beside.triggerDelayMs, 'ms (virtual)');

compareWithBudgets('scale', {
  allStableGrowth: manyObjects.allStableMs / fewObjects.allStableMs,
  cpuGrowthPerObject: manyObjects.cpuMsPerObject / fewObjects.cpuMsPerObject,
  requestsPerObjectWithoutPods: withoutPods,
  requestsPerObject: manyObjects.requestsPerObject,
  requestsPerObjectHourAtRest: perHour(rest.kube),
  heapKiBPerObject: operatorHeap / objects / 1024,
  upgradeDelayMs: Math.max(beside.delayMs, beside.triggerDelayMs),
});
