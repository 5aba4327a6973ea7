import type { FlinkDeployment } from '@drey/api';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import type { ClusterToCreate } from '../deployment/plan.ts';
import { clusterBuilder } from '../runtime/cluster-builder.ts';
import { FlowWorld } from '../testing/flow-world.ts';
import { aDeployment, aWorld, haWith, noRemains, POLICY } from '../testing/worlds.ts';

const HA = { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': 's3://ha' };

const KINDS = ['application-result-store', 'job-result-store'];

/** Where Flink keeps what became of the jobs and applications of this start. */
function resultStores(cluster: ClusterToCreate): string[] {
  const objects = JSON.stringify(clusterBuilder(DEFAULT_OPERATOR_CONFIG)(cluster).accompanying);
  return [...objects.matchAll(/s3:\/\/ha\/(?:job|application)-result-store\/app\/[^"\\]+/g)].map(([path]) => path);
}

function twoStarts(): FlowWorld {
  const world = new FlowWorld(aDeployment({ configuration: HA, spec: { flinkVersion: 'v2_3' } }), POLICY);
  world.pass();
  world.run('RUNNING');
  const { metadata, spec } = world.deployment;
  const next: FlinkDeployment = {
    ...world.deployment,
    metadata: { ...metadata, generation: 2 },
    spec: { ...spec, image: 'flink:other' },
  };
  world.apply(next);
  for (let pass = 0; pass < 4; pass += 1) world.pass();
  expect(world.created).toHaveLength(2);
  return world;
}

test('12.1 item 4: no start finds the result that another start left, neither of a job nor of an application', () => {
  const stores = twoStarts().created.map(resultStores);
  for (const one of stores) expect(one.map((path) => path.split('/')[3]).sort()).toEqual(KINDS);
  expect(new Set(stores.flat()).size).toBe(2 * KINDS.length);
});

test('12.1 item 5: a start that is tried again keeps its directory, so that attempts leave none behind', () => {
  const created = aDeployment({ configuration: HA });
  const first = decide(aWorld(created), POLICY);
  const fresh = { operationId: 'd'.repeat(32), jobId: 'e'.repeat(32) };
  const seen = { fresh, remains: noRemains, ha: haWith({ available: false }) };
  const again = decide(aWorld({ ...created, status: first.status }, seen), POLICY);
  const stores = [first, again].map(({ steps }) => {
    const [step] = steps.filter((one) => one.kind === 'create-cluster');
    return step?.kind === 'create-cluster' ? resultStores(step.cluster) : [];
  });
  expect(stores[0]).toHaveLength(1);
  expect(stores[1]).toEqual(stores[0]);
});
