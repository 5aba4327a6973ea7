import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { ConfigMap, Deployment } from '@drey/kube';
import { describe, expect, test } from 'vitest';
import { FlowWorld } from '../../testing/flow-world.ts';
import { changed } from '../../testing/plans.ts';
import { SmallCluster } from '../../testing/small-cluster.ts';
import { dyingAt, edgesUpTo } from '../../testing/small-life.ts';
import { type SmallWorld, smallWorld } from '../../testing/small-operator.ts';
import { aDeployment, aWorld, noRemains, POLICY } from '../../testing/worlds.ts';
import { decide } from '../decide.ts';
import { OPERATION_ANNOTATION } from '../observation/kube-readings.ts';

const CLEANUP = 'kubernetes.operator.job-result-store.cleanup.enabled';
const HA = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 'file:///ha' };
const CLEANED = { ...HA, [CLEANUP]: 'true' };
const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e';

/** Directories of results in what a cluster is configured with, as local paths. */
function storesOf(cluster: SmallCluster): string[] {
  const text = JSON.stringify(cluster.get(ConfigMap, 'flink-config-app')?.data ?? {});
  return [...text.matchAll(/storage-path: file:\/\/(\/ha\/[^"\\]+)/g)].map(([, path]) => path ?? '').sort();
}

/** Directories that the JobManager deletes. */
function deletedBy(cluster: SmallCluster): string[] {
  const [main] = cluster.get(Deployment, 'app')?.spec?.template?.spec?.containers ?? [];
  return [...(main?.lifecycle?.postStart?.exec?.command?.slice(4) ?? [])].sort();
}

function edit(cluster: SmallCluster, change: (object: FlinkDeployment) => FlinkDeployment): void {
  const object = cluster.get(FlinkDeployments, 'app');
  if (object !== undefined) cluster.put(FlinkDeployments, change(structuredClone(object)));
}

const upgrade = (cluster: SmallCluster, parallelism: number): void =>
  edit(cluster, (object) => changed(object, { parallelism }));

function created(configuration: Record<string, string>, crashAt?: number): SmallWorld {
  const world = smallWorld(new SmallCluster(), crashAt);
  const object = aDeployment({ configuration, metadata: { finalizers: [] } });
  world.cluster.put(FlinkDeployments, object);
  return world;
}

/** One upgrade, and what it deletes and keeps. */
async function upgraded(world: SmallWorld, parallelism: number) {
  upgrade(world.cluster, parallelism);
  await world.settle();
  return { own: storesOf(world.cluster), deleted: deletedBy(world.cluster) };
}

describe('Results of earlier starts', () => {
  test('are deleted by the next start: those of exactly the start before', async () => {
    const world = created(CLEANED);
    await world.settle();
    expect(deletedBy(world.cluster)).toEqual([]);
    const first = storesOf(world.cluster);
    expect(first).toHaveLength(1);
    const second = await upgraded(world, 4);
    expect(second.deleted).toEqual(first);
    const third = await upgraded(world, 6);
    expect(third.deleted).toEqual(second.own);
    expect(third.own).not.toEqual(second.own);
  });

  test('stay without the option, and nothing is recorded', async () => {
    const world = created(HA);
    await world.settle();
    expect((await upgraded(world, 4)).deleted).toEqual([]);
    expect(world.cluster.get(FlinkDeployments, 'app')?.status?.resultStores).toBeUndefined();
  });

  test('of a cluster that another operator made, or that was made before, are read from its configuration', async () => {
    const world = created(HA);
    await world.settle();
    const { cluster } = world;
    const live = structuredClone(cluster.get(Deployment, 'app') as Deployment);
    const { [OPERATION_ANNOTATION]: _, ...annotations } = live.metadata.annotations ?? {};
    cluster.put(Deployment, { ...live, metadata: { ...live.metadata, annotations } } as Deployment);
    const map = structuredClone(cluster.get(ConfigMap, 'flink-config-app') as ConfigMap);
    const data = JSON.parse(JSON.stringify(map.data).replaceAll(/(result-store\/app\/)[0-9a-f]{32}/g, `$1${UUID}`));
    cluster.put(ConfigMap, { ...map, data } as ConfigMap);
    const theirs = storesOf(cluster);
    expect(theirs).toEqual([`/ha/job-result-store/app/${UUID}`]);
    edit(cluster, (object) => ({
      ...object,
      spec: { ...object.spec, flinkConfiguration: { ...object.spec.flinkConfiguration, [CLEANUP]: 'true' } },
    }));
    await world.settle();
    expect((await upgraded(world, 4)).deleted).toEqual(theirs);
  });

  test('of another cluster that left its configuration behind are not taken for those of this one', async () => {
    const world = created(HA);
    await world.settle();
    const { cluster } = world;
    const map = structuredClone(cluster.get(ConfigMap, 'flink-config-app') as ConfigMap);
    const [owner] = map.metadata.ownerReferences ?? [];
    const ownerReferences = [{ ...owner, uid: 'another' }];
    cluster.put(ConfigMap, { ...map, metadata: { ...map.metadata, ownerReferences } } as ConfigMap);
    edit(cluster, (object) => ({
      ...object,
      spec: { ...object.spec, flinkConfiguration: { ...object.spec.flinkConfiguration, [CLEANUP]: 'true' } },
    }));
    await world.settle();
    expect(cluster.get(FlinkDeployments, 'app')?.status?.resultStores).toBeUndefined();
  });

  test('are deleted, and those in use never are, wherever the operator dies', async () => {
    const live = async (crashAt: number) => {
      const world = created(CLEANED, crashAt);
      await world.settle();
      const first = storesOf(world.cluster);
      const second = await upgraded(world, 4);
      return { cluster: world.cluster, calls: world.edges, first, second };
    };
    const { calls } = await live(Number.POSITIVE_INFINITY);
    await dyingAt(edgesUpTo(calls), live, ({ first, second }) => {
      expect(second.own).toHaveLength(1);
      expect(second.own.filter((path) => second.deleted.includes(path))).toEqual([]);
      expect(second.deleted).toEqual(expect.arrayContaining(first));
    });
  }, 120_000);
});

describe('A start that never came up', () => {
  const next = (world: FlowWorld, image: string): void => {
    const { metadata, spec } = world.deployment;
    world.apply({
      ...world.deployment,
      metadata: { ...metadata, generation: (metadata.generation ?? 1) + 1 },
      spec: { ...spec, image },
    });
    for (let pass = 0; pass < 5; pass += 1) world.pass();
  };
  const idsOf = (paths: readonly string[] | undefined): string[] =>
    (paths ?? []).map((one) => one.split('/').at(-1) ?? '');

  test('is remembered with the ones before it until one runs, but not without a bound', () => {
    const world = new FlowWorld(aDeployment({ configuration: CLEANED, job: { upgradeMode: 'stateless' } }), POLICY);
    world.pass();
    world.run('RUNNING');
    next(world, 'flink:broken-0');
    next(world, 'flink:broken-1');
    const starts = (): string[] => world.created.map(({ operationId }) => operationId);
    expect(idsOf(world.created.at(-1)?.formerResultStores)).toEqual(starts().slice(0, 2).reverse());
    world.run('RUNNING');
    expect(world.deployment.status?.resultStores?.map(({ start }) => start)).toEqual(starts().slice(-1));
    next(world, 'flink:broken-2');
    expect(idsOf(world.created.at(-1)?.formerResultStores)).toEqual(starts().slice(-2, -1));
    for (let attempt = 3; attempt < 15; attempt += 1) next(world, `flink:broken-${attempt}`);
    expect(world.created.at(-1)?.formerResultStores).toHaveLength(8);
    expect(idsOf(world.created.at(-1)?.formerResultStores)).toEqual(starts().slice(-9, -1).reverse());
  });

  test('that is tried again deletes the same, and has the same directory', () => {
    const resultStores = [{ start: 'c'.repeat(32), directories: ['file:///ha/job-result-store/app/c'] }];
    const object = aDeployment({ configuration: CLEANED, status: { resultStores } });
    const begun = decide(aWorld(object), POLICY);
    const fresh = { operationId: 'd'.repeat(32), jobId: 'e'.repeat(32) };
    const again = decide(aWorld({ ...object, status: begun.status }, { fresh, remains: noRemains }), POLICY);
    const started = [begun, again].map(({ steps }) => {
      const step = steps.find(({ kind }) => kind === 'create-cluster');
      return step?.kind === 'create-cluster' ? step.cluster : undefined;
    });
    for (const cluster of started) {
      const { operationId, formerResultStores } = cluster ?? {};
      expect({ operationId, formerResultStores }).toEqual({
        operationId: 'a'.repeat(32),
        formerResultStores: resultStores[0]?.directories,
      });
    }
  });
});

describe('The option without effect', () => {
  const warned = (configuration: Record<string, string>, spec = {}): string[] => {
    const plan = decide(aWorld(aDeployment({ configuration, spec })), POLICY);
    const condition = plan.status.conditions?.find(({ type }) => type === 'ConfigurationWarning');
    const events = plan.events.filter(({ reason }) => reason === 'ConfigurationWarning');
    expect(events.map(({ message }) => message)).toEqual(condition === undefined ? [] : [condition.message]);
    return events.map(({ message }) => message);
  };
  const resource = { memory: '1024m', cpu: 1 };
  const podTemplate = {
    spec: { containers: [{ name: 'flink-main-container', lifecycle: { postStart: { exec: { command: ['true'] } } } }] },
  };

  test('is told, in a condition and an event', () => {
    expect(warned(CLEANED)).toEqual([]);
    expect(warned({ ...CLEANED, 'high-availability.storageDir': 's3://ha' })).toMatchObject([
      expect.stringContaining('high-availability.storageDir'),
    ]);
    expect(warned(CLEANED, { podTemplate })).toMatchObject([expect.stringContaining('postStart')]);
    expect(warned(CLEANED, { jobManager: { resource, podTemplate } })).toMatchObject([
      expect.stringContaining('postStart'),
    ]);
    expect(warned(CLEANED, { taskManager: { resource, podTemplate } })).toEqual([]);
    expect(warned(HA, { podTemplate })).toEqual([]);
  });

  test('records nothing where nobody could delete', () => {
    const plan = decide(
      aWorld(aDeployment({ configuration: { ...CLEANED, 'high-availability.storageDir': 's3://ha' } })),
      POLICY,
    );
    expect(plan.status.resultStores).toBeUndefined();
    expect(decide(aWorld(aDeployment({ configuration: CLEANED })), POLICY).status.resultStores).toEqual([
      { start: 'a'.repeat(32), directories: [`file:///ha/job-result-store/app/${'a'.repeat(32)}`] },
    ]);
  });
});
