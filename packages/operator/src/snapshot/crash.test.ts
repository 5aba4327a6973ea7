import { type FlinkDeployment, FlinkDeployments, type FlinkStateSnapshot, FlinkStateSnapshots } from '@drey/api';
import { expect, test } from 'vitest';
import { SmallCluster } from '../testing/small-cluster.ts';
import { dyingAt } from '../testing/small-life.ts';
import { smallWorld } from '../testing/small-operator.ts';
import { aSnapshot } from '../testing/snapshot-worlds.ts';
import { aDeployment } from '../testing/worlds.ts';

interface Life {
  readonly log: readonly string[];
  /** The edges of calls that change something, after the job has started. */
  readonly edges: readonly number[];
  readonly cluster: SmallCluster;
  readonly snapshots: () => FlinkStateSnapshot[];
}

/** What a call that changes something is called; dying around one that only reads is dying around its neighbours. */
const CHANGES = /^(?:create|replace|patch|delete|apply) |^flink (?:stop|trigger|dispose)/;

/** Notes at which edges of a world something changes. */
function noteEdges(cluster: SmallCluster): { readonly edges: number[]; begin(): void } {
  const gate = cluster.gate;
  const edges: number[] = [];
  let edge = 0;
  let begun = false;
  cluster.gate = (name, when) => {
    edge += 1;
    if (begun && CHANGES.test(name)) edges.push(edge);
    gate(name, when);
  };
  return {
    edges,
    begin: () => {
      begun = true;
    },
  };
}

/**
 * A job runs; a person asks for a savepoint by an object, then by a nonce, then changes the job, and deletes the first
 * savepoint with its data. The process dies at the `crashAt`-th edge of a call and is started again.
 */
async function live(crashAt: number): Promise<Life> {
  const cluster = new SmallCluster();
  const world = smallWorld(cluster, crashAt, { snapshots: true });
  const noted = noteEdges(cluster);
  const edit = (change: (object: FlinkDeployment) => FlinkDeployment): void => {
    const current = cluster.get(FlinkDeployments, 'app');
    if (current !== undefined) cluster.put(FlinkDeployments, change(structuredClone(current)));
  };
  const withJob = (generation: number, job: object) =>
    edit((object) => ({
      ...object,
      metadata: { ...object.metadata, generation },
      spec: { ...object.spec, job: { ...object.spec.job, ...job } },
    }));
  cluster.put(FlinkDeployments, aDeployment({ metadata: { finalizers: [] } }));
  await world.settle();
  noted.begin();
  cluster.put(FlinkStateSnapshots, aSnapshot({ metadata: { name: 'mine', finalizers: [] } }));
  await world.settle();
  withJob(2, { savepointTriggerNonce: 7 });
  await world.settle();
  withJob(3, { parallelism: 4 });
  await world.settle();
  const mine = cluster.get(FlinkStateSnapshots, 'mine') as FlinkStateSnapshot;
  const metadata = { ...mine.metadata, deletionTimestamp: '2026-01-01T01:00:00Z' };
  cluster.put(FlinkStateSnapshots, { ...mine, metadata });
  await world.settle();
  const snapshots = () =>
    [...cluster.objects]
      .filter(([key]) => key.startsWith(`${FlinkStateSnapshots.plural}/`))
      .map(([, object]) => object as unknown as FlinkStateSnapshot);
  return { log: cluster.log, edges: noted.edges, cluster, snapshots };
}

function claims({ log, cluster, snapshots }: Life): void {
  const savepoints = log.filter((line) => line.startsWith('savepoint ')).map((line) => line.slice('savepoint '.length));
  // One for the object, one for the nonce, one for the change: each once.
  expect(savepoints).toHaveLength(3);
  const [first, second, third] = savepoints;
  const kept = snapshots().map(({ metadata, status }) => ({
    trigger: metadata.labels?.['snapshot.trigger-type'],
    labelled: metadata.labels?.['snapshot.state'],
    state: status?.state,
    path: status?.path,
  }));
  expect(kept.sort((a, b) => ((a.trigger ?? '') < (b.trigger ?? '') ? -1 : 1))).toEqual([
    { trigger: 'MANUAL', labelled: 'COMPLETED', state: 'COMPLETED', path: `file:///sp/${second}` },
    { trigger: 'UPGRADE', labelled: 'COMPLETED', state: 'COMPLETED', path: `file:///sp/${third}` },
  ]);
  expect(log.filter((line) => line.startsWith('start '))[1]).toMatch(new RegExp(`from file:///sp/${third}$`));
  // Only what its owner deleted is disposed of; asking twice finds nothing the second time.
  const disposed = new Set(log.filter((line) => line.startsWith('dispose ')));
  expect([...disposed]).toEqual([`dispose file:///sp/${first}`]);
  const app = cluster.get(FlinkDeployments, 'app');
  expect(app?.status?.observedGeneration).toBe(3);
  expect(app?.status?.reconciliationStatus?.lastReconciledSpec).toContain('"savepointTriggerNonce":7');
  expect(app?.status?.operation).toBeUndefined();
}

/** The same without objects: a nonce, and a change that has to wait for its savepoint. */
async function liveWithoutObjects(crashAt: number): Promise<Omit<Life, 'snapshots'>> {
  const cluster = new SmallCluster();
  const world = smallWorld(cluster, crashAt);
  const noted = noteEdges(cluster);
  cluster.put(FlinkDeployments, aDeployment({ metadata: { finalizers: [] } }));
  await world.settle();
  noted.begin();
  const current = structuredClone(cluster.get(FlinkDeployments, 'app')) as FlinkDeployment;
  const job = { ...current.spec.job, savepointTriggerNonce: 7 };
  const metadata = { ...current.metadata, generation: 2 };
  const asked: FlinkDeployment = { ...current, metadata, spec: { ...current.spec, job } };
  cluster.put(FlinkDeployments, asked);
  await world.settle();
  return { log: cluster.log, edges: noted.edges, cluster };
}

test('A savepoint that only the status knows is taken once, and remembered, wherever the operator dies', async () => {
  const { edges } = await liveWithoutObjects(Number.POSITIVE_INFINITY);
  expect(edges.length).toBeGreaterThan(4);
  for (const crashAt of edges) {
    const { log, cluster } = await liveWithoutObjects(crashAt);
    const savepoints = log.filter((line) => line.startsWith('savepoint '));
    expect(savepoints, `dying at edge ${crashAt}`).toHaveLength(1);
    const info = cluster.get(FlinkDeployments, 'app')?.status?.jobStatus?.savepointInfo;
    const location = `file:///sp/${savepoints[0]?.slice('savepoint '.length)}`;
    expect(info).toMatchObject({ lastSavepoint: { location, triggerNonce: 7 }, savepointHistory: [{ location }] });
    expect(info?.triggerId).toBeUndefined();
  }
}, 120_000);

test('Snapshots by object, by nonce and for a change are each taken once', async () => {
  claims(await live(Number.POSITIVE_INFINITY));
});

test('They are each taken once wherever the operator dies after the job has started', async () => {
  const { edges } = await live(Number.POSITIVE_INFINITY);
  expect(edges.length).toBeGreaterThan(40);
  await dyingAt(edges, live, claims);
}, 240_000);
