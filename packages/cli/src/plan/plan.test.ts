import { allCrds, type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { startSimulatedCluster } from '@drey/devcluster';
import {
  type AnyObject,
  CustomResourceDefinition,
  type KubeClient,
  ServiceAccount,
  systemClock,
  systemRandom,
} from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { createOperator, operatorLogger } from '@drey/operator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { planFor } from './plan.ts';
import type { PlanResult } from './print.ts';

const OVERRIDES = 'pipeline.jobvertex-parallelism-overrides';
const VERTEX = 'bc764cd8ddf7a0cff126f51c16239658';

const file: FlinkDeployment = {
  apiVersion: 'flink.apache.org/v1beta1',
  kind: 'FlinkDeployment',
  metadata: { name: 'planned' },
  spec: {
    image: 'flink:1.20',
    flinkVersion: 'v1_20',
    serviceAccount: 'flink',
    flinkConfiguration: {
      'jobmanager.scheduler': 'adaptive',
      'taskmanager.numberOfTaskSlots': '2',
      'execution.checkpointing.interval': '200 ms',
      'execution.checkpointing.dir': 'file:///state/checkpoints',
      'execution.checkpointing.savepoint-dir': 'file:///state/savepoints',
    },
    jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
    taskManager: { resource: { memory: '1024m', cpu: 0.5 } },
    job: { jarURI: 'local:///opt/flink/job.jar', parallelism: 2, upgradeMode: 'savepoint' },
  },
};

let cluster: Awaited<ReturnType<typeof startSimulatedCluster>>;
let operator: ReturnType<typeof createOperator>;
const writes: string[] = [];

/** The cluster's client, which notes everything that is no reading. */
function noting(client: KubeClient): KubeClient {
  return new Proxy(client, {
    get(target, name: keyof KubeClient) {
      const call = target[name] as (...args: unknown[]) => unknown;
      if (['get', 'list', 'watch', 'logs'].includes(name)) return call.bind(target);
      return (...args: unknown[]) => {
        if (name !== 'raw' || args[0] !== 'GET') writes.push(name);
        return call.apply(target, args);
      };
    },
  });
}

beforeAll(async () => {
  const env = { clock: systemClock, random: systemRandom };
  cluster = await startSimulatedCluster({ ...env, name: 'plan', port: 0, onProblem: () => undefined });
  for (const crd of allCrds()) {
    const definition = crd as unknown as CustomResourceDefinition & AnyObject;
    await cluster.client.apply(CustomResourceDefinition, definition, { fieldManager: 'test' });
  }
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'flink', namespace: 'default' } };
  await cluster.client.create(ServiceAccount, account as ServiceAccount);
  const log = operatorLogger({ level: 'silent' });
  operator = createOperator({ ...env, kube: cluster.client, log, flink: cluster.flink, endpoints: cluster.endpoint });
  await operator.start();
}, 60_000);

afterAll(async () => {
  await operator?.stop();
  await cluster?.stop();
}, 60_000);

async function plan(wanted: FlinkDeployment, live?: FlinkDeployment): Promise<PlanResult> {
  const connection = { client: noting(cluster.client), namespace: 'default' };
  return planFor({
    ...{ file: wanted, live, connection, flink: cluster.flink, endpoints: cluster.endpoint },
    config: DEFAULT_OPERATOR_CONFIG,
  });
}

function withConfiguration(more: Record<string, string>): FlinkDeployment {
  return { ...file, spec: { ...file.spec, flinkConfiguration: { ...file.spec.flinkConfiguration, ...more } } };
}

const read = (): Promise<FlinkDeployment> => cluster.client.get(FlinkDeployments, 'default', 'planned');

test('A plan is the decision that the operator then makes, and is made without a write', async () => {
  expect(await plan(file)).toMatchObject({ change: 'create', namespace: 'default', name: 'planned' });
  await cluster.client.apply(
    FlinkDeployments,
    { ...file, metadata: { name: 'planned', namespace: 'default' } },
    { fieldManager: 'test' },
  );
  const stable = async (): Promise<string> => {
    const { status, metadata } = await read();
    return `${status?.lifecycleState} ${status?.observedGeneration === metadata.generation}`;
  };
  await expect.poll(stable, { timeout: 30_000, interval: 50 }).toBe('STABLE true');
  const live = await read();
  expect(await plan(file, live)).toMatchObject({ change: 'nothing', differences: [] });

  const image = await plan({ ...file, spec: { ...file.spec, image: 'flink:1.20.5' } }, live);
  expect(image).toMatchObject({ change: 'upgrade', upgrade: { kind: 'now', mode: 'SAVEPOINT' }, warnings: [] });

  const rescaled = withConfiguration({ [OVERRIDES]: `${VERTEX}:1` });
  expect(await plan(rescaled, live)).toMatchObject({ change: 'rescale', firstSteps: ['rescale-job'], warnings: [] });
  expect(writes).toEqual([]);

  const { jobId } = live.status?.jobStatus ?? {};
  await cluster.client.apply(
    FlinkDeployments,
    { ...rescaled, metadata: { name: 'planned', namespace: 'default' } },
    { fieldManager: 'test' },
  );
  const observed = async (): Promise<number | null | undefined> => (await read()).status?.observedGeneration;
  await expect.poll(observed, { timeout: 30_000, interval: 50 }).toBe(2);
  expect((await read()).status?.jobStatus?.jobId).toBe(jobId);
}, 90_000);
