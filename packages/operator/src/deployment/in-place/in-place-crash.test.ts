import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { ConfigMap, Deployment, Service } from '@drey/kube';
import { expect, test } from 'vitest';
import { SmallCluster } from '../../testing/small-cluster.ts';
import { dyingAt, edgesUpTo, type Life } from '../../testing/small-life.ts';
import { smallWorld } from '../../testing/small-operator.ts';
import { aDeployment } from '../../testing/worlds.ts';

const OVERRIDES = 'pipeline.jobvertex-parallelism-overrides';
const LOUD = 'monitorInterval = 30\nrootLogger.level = DEBUG\n';

/** A running adaptive job gets another parallelism, a Service annotation and a log level; the process dies at `crashAt`. */
async function live(crashAt: number): Promise<Life> {
  const cluster = new SmallCluster();
  const world = smallWorld(cluster, crashAt);
  const configuration = { 'jobmanager.scheduler': 'adaptive' };
  cluster.put(FlinkDeployments, aDeployment({ metadata: { finalizers: [] }, configuration }));
  await world.settle();
  const current = structuredClone(cluster.get(FlinkDeployments, 'app')) as FlinkDeployment;
  const changed: FlinkDeployment = {
    ...current,
    metadata: { ...current.metadata, generation: 2 },
    spec: {
      ...current.spec,
      logConfiguration: { 'log4j-console.properties': LOUD },
      flinkConfiguration: {
        ...current.spec.flinkConfiguration,
        [OVERRIDES]: 'vertex:4',
        'kubernetes.rest-service.annotations': 'team:streams',
      },
    },
  };
  cluster.put(FlinkDeployments, changed);
  await world.settle();
  return { log: cluster.log, cluster, calls: world.edges };
}

function claims({ log, cluster }: Life): void {
  expect(log.filter((line) => line.startsWith('start '))).toHaveLength(1);
  expect(log.some((line) => line.startsWith('savepoint ') || line.startsWith('remove '))).toBe(false);
  // Recorded before it is asked for, and asked for until Flink has it.
  expect(log.indexOf('record rescale rescaling')).toBeGreaterThan(0);
  expect(log.indexOf('record rescale rescaling')).toBeLessThan(log.indexOf('rescale to 4'));
  expect([...cluster.requirements.values()]).toEqual([{ vertex: { lowerBound: 1, upperBound: 4 } }]);
  const { status } = cluster.get(FlinkDeployments, 'app') as FlinkDeployment;
  expect(status).toMatchObject({ observedGeneration: 2, jobStatus: { state: 'RUNNING' } });
  expect(status?.operation).toBeUndefined();
  expect(cluster.get(Service, 'app-rest')?.metadata.annotations).toMatchObject({ team: 'streams' });
  expect(cluster.get(ConfigMap, 'flink-config-app')?.data?.['log4j-console.properties']).toBe(LOUD);
  expect(cluster.get(Deployment, 'app')).toBeDefined();
}

test('A change in place is made and restarts nothing, wherever the operator dies, before or after any call', async () => {
  const whole = await live(Number.POSITIVE_INFINITY);
  claims(whole);
  expect(whole.calls).toBeGreaterThan(30);
  await dyingAt(edgesUpTo(whole.calls), live, claims);
}, 120_000);
