import type { FlinkDeployment } from '@drey/api';
import { type AnyObject, ConfigMap, type KubeClient, KubeError, Service } from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { describe, expect, test } from 'vitest';
import { clusterBuilder } from '../../runtime/cluster-builder.ts';
import type { Env } from '../../runtime/ports.ts';
import { aDeployment } from '../../testing/worlds.ts';
import type { ClusterToCreate } from '../plan.ts';
import { changeObjects, patchesOf, scaleTaskManagers } from './change-objects.ts';

const clusters = clusterBuilder(DEFAULT_OPERATOR_CONFIG);
const signal = new AbortController().signal;

function cluster(deployment: FlinkDeployment): ClusterToCreate {
  return { deployment, operationId: '', jobId: 'b'.repeat(32), savepointPath: undefined, generation: undefined };
}

const patches = (from: FlinkDeployment, to: FlinkDeployment) =>
  patchesOf(clusters(cluster(from)), clusters(cluster(to)));
const annotated = (text: string): FlinkDeployment =>
  aDeployment({ configuration: { 'kubernetes.rest-service.annotations': text } });

/** A client that notes calls. */
function noting(live?: AnyObject): { env: Env; calls: string[] } {
  const calls: string[] = [];
  const kube = {
    patch: async (r: { plural: string }, _ns: string, name: string, type: string, patch: unknown) =>
      void calls.push(`${type} ${r.plural}/${name} ${JSON.stringify(patch)}`),
    apply: async (r: { plural: string }, intent: AnyObject) =>
      void calls.push(`apply ${r.plural}/${intent.metadata.name}`),
    get: async (r: { plural: string }, _ns: string, name: string) => {
      if (live === undefined) throw new KubeError('E_KUBE_NOT_FOUND', `${r.plural} ${name}`, { status: 404 });
      return live;
    },
    delete: async (r: { plural: string }, _ns: string, name: string, o: { uid: string }) =>
      void calls.push(`delete ${r.plural}/${name} ${o.uid}`),
  } as never as KubeClient;
  return { env: { kube, clusters } as never as Env, calls };
}

describe('The patches from one spec to another', () => {
  test('hold the annotations that differ, and null for those that go', () => {
    expect(patches(annotated('a:1,b:2,c:3'), annotated('a:1,b:4'))).toEqual([
      { resource: Service, name: 'app-rest', patch: { metadata: { annotations: { b: '4', c: null } } } },
    ]);
  });

  test('replace the logging file and leave the configuration, which holds ids of what runs', () => {
    const [from, to] = [
      aDeployment(),
      aDeployment({ spec: { logConfiguration: { 'log4j-console.properties': 'x' } } }),
    ];
    expect(patches(from, to)).toEqual([
      { resource: ConfigMap, name: 'flink-config-app', patch: { data: { 'log4j-console.properties': 'x' } } },
    ]);
  });

  test('are none between specs whose objects are the same', () => {
    const overrides = { 'pipeline.jobvertex-parallelism-overrides': 'v:2' };
    expect(patches(aDeployment(), aDeployment({ configuration: overrides }))).toEqual([]);
  });
});

describe('The Ingress', () => {
  const plain = aDeployment();
  const exposed = aDeployment({ spec: { ingress: { template: 'a.example.com' } } });
  const step = (from: FlinkDeployment, to: FlinkDeployment) =>
    ({ kind: 'change-objects', from: cluster(from), to: cluster(to) }) as const;

  test('is applied where there is to be one', async () => {
    const { env, calls } = noting();
    await changeObjects(env, step(plain, exposed), signal);
    expect(calls).toEqual(['apply ingresses/app']);
  });

  test('goes with its spec when it is the deployment’s own', async () => {
    const owner = { apiVersion: 'v1', kind: 'FlinkDeployment', name: 'app', uid: plain.metadata.uid ?? '' };
    const live = { apiVersion: 'v1', kind: 'Ingress', metadata: { name: 'app', uid: 'u', ownerReferences: [owner] } };
    const { env, calls } = noting(live);
    await changeObjects(env, step(exposed, plain), signal);
    expect(calls).toEqual(['delete ingresses/app u']);
  });

  test('of somebody else stays', async () => {
    const { env, calls } = noting({ apiVersion: 'v1', kind: 'Ingress', metadata: { name: 'app', uid: 'u' } });
    await changeObjects(env, step(exposed, plain), signal);
    expect(calls).toEqual([]);
  });

  test('that is gone already is no trouble', async () => {
    const { env, calls } = noting();
    await changeObjects(env, step(exposed, plain), signal);
    expect(calls).toEqual([]);
  });
});

test.each([
  ['Deployment', 'deployments'],
  ['StatefulSet', 'statefulsets'],
] as const)('TaskManagers are scaled by their %s', async (workload, plural) => {
  const { env, calls } = noting();
  await scaleTaskManagers(env, { namespace: 'default', name: 'app' }, { workload, replicas: 3 }, signal);
  expect(calls).toEqual([`merge ${plural}/app-taskmanager {"spec":{"replicas":3}}`]);
});
