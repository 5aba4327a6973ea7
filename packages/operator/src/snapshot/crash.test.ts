import { type FlinkDeployment, FlinkDeployments, type FlinkStateSnapshot, FlinkStateSnapshots } from '@drey/api';
import { expect, test } from 'vitest';
import { SmallCluster } from '../testing/small-cluster.ts';
import { smallWorld } from '../testing/small-operator.ts';
import { aSnapshot } from '../testing/snapshot-worlds.ts';
import { aDeployment } from '../testing/worlds.ts';

interface Life {
  readonly log: readonly string[];
  /** Edges of calls until the job runs, and in all. */
  readonly started: number;
  readonly calls: number;
  readonly cluster: SmallCluster;
  readonly snapshots: () => FlinkStateSnapshot[];
}

/**
 * A job runs; a person asks for a savepoint by an object, then by a nonce, then changes the job, and deletes the first
 * savepoint with its data. The process dies at the `crashAt`-th edge of a call and is started again.
 */
async function live(crashAt: number): Promise<Life> {
  const cluster = new SmallCluster();
  const world = smallWorld(cluster, crashAt, { snapshots: true });
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
  const started = world.edges;
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
  return { log: cluster.log, started, calls: world.edges, cluster, snapshots };
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

test('Snapshots by object, by nonce and for a change are each taken once', async () => {
  claims(await live(Number.POSITIVE_INFINITY));
});

test('They are each taken once wherever the operator dies after the job has started', async () => {
  const { started, calls } = await live(Number.POSITIVE_INFINITY);
  expect(calls - started).toBeGreaterThan(100);
  // Every second edge: dying after one call is dying before the next.
  for (let crashAt = started + 1; crashAt <= calls; crashAt += 2) {
    const life = await live(crashAt);
    try {
      claims(life);
    } catch (error) {
      throw new Error(`dying at edge ${crashAt}:\n${life.log.join('\n')}`, { cause: error });
    }
  }
}, 240_000);
