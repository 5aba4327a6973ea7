import { FlinkDeployments } from '@drey/api';
import { expect, test } from 'vitest';
import { SmallCluster } from '../testing/small-cluster.ts';
import { smallWorld } from '../testing/small-operator.ts';
import { aDeployment } from '../testing/worlds.ts';

/** Every so many writes of the status somebody else was faster. */
const EVERY = 2;

test('12.1 item 23: conflicts between writes of the status and other writes cost a pass each, and never an act', async () => {
  const cluster = new SmallCluster();
  const world = smallWorld(cluster);
  let writes = 0;
  let others = 0;
  const { gate } = cluster;
  cluster.gate = (name, when) => {
    if (name === 'replace flinkdeployments' && when === 'before' && ++writes % EVERY === 1) touch();
    gate(name, when);
  };
  function touch(): void {
    const app = structuredClone(cluster.get(FlinkDeployments, 'app'));
    if (app === undefined) return;
    others += 1;
    cluster.put(FlinkDeployments, { ...app, metadata: { ...app.metadata, labels: { touched: `${others}` } } });
  }
  cluster.put(FlinkDeployments, aDeployment());
  await world.settle();
  const app = structuredClone(cluster.get(FlinkDeployments, 'app'));
  expect(app?.status).toMatchObject({ lifecycleState: 'STABLE', jobStatus: { state: 'RUNNING' } });
  if (app === undefined) return;
  const spec = { ...app.spec, job: { ...app.spec.job, parallelism: 4 } };
  const changed = { ...app, metadata: { ...app.metadata, generation: 2 }, spec };
  cluster.put(FlinkDeployments, changed);
  await world.settle();

  expect(others).toBeGreaterThan(4);
  const settled = cluster.get(FlinkDeployments, 'app');
  expect(settled?.metadata.labels).toEqual({ touched: `${others}` });
  expect(settled?.status).toMatchObject({ lifecycleState: 'STABLE', observedGeneration: 2 });
  // What was done was done once: a job from nothing, one savepoint, a job from that.
  const acts = cluster.log.filter((line) => /^(?:start|savepoint|remove) /.test(line));
  expect(acts.map((line) => line.replace(/[0-9a-f]{32}/g, 'ID'))).toEqual([
    'start ID from nothing',
    'savepoint ID',
    'remove the cluster',
    'start ID from file:///sp/ID',
  ]);
});
