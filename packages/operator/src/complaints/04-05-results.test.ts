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
function resultStores(cluster: ClusterToCreate, directory = 's3://ha'): string[] {
  const objects = JSON.stringify(clusterBuilder(DEFAULT_OPERATOR_CONFIG)(cluster).accompanying);
  const pattern = new RegExp(`${directory}/(?:job|application)-result-store/app/[^"\\\\]+`, 'g');
  return [...objects.matchAll(pattern)].map(([path]) => path).sort();
}

function localPath(uri: string): string {
  return uri.replace('file://', '');
}

/** A job that is started, and upgraded until it has been started this often. */
function starts(count: number, configuration: Readonly<Record<string, string>> = HA): readonly ClusterToCreate[] {
  const world = new FlowWorld(aDeployment({ configuration, spec: { flinkVersion: 'v2_3' } }), POLICY);
  world.pass();
  world.run('RUNNING');
  for (let generation = 2; generation <= count; generation += 1) {
    const { metadata, spec } = world.deployment;
    const next: FlinkDeployment = {
      ...world.deployment,
      metadata: { ...metadata, generation },
      spec: { ...spec, image: `flink:${generation}` },
    };
    world.apply(next);
    for (let pass = 0; pass < 4; pass += 1) world.pass();
    world.run('RUNNING');
  }
  expect(world.created).toHaveLength(count);
  return world.created;
}

test('12.1 item 4: no start finds the result that another start left, neither of a job nor of an application', () => {
  const stores = starts(2).map((cluster) => resultStores(cluster));
  for (const one of stores) expect(one.map((path) => path.split('/')[3]).sort()).toEqual(KINDS);
  expect(new Set(stores.flat()).size).toBe(2 * KINDS.length);
});

test('12.1 item 5: results of earlier starts are deleted where the user wants that, and those in use are not', () => {
  const cleaned = {
    ...HA,
    'high-availability.storageDir': 'file:///ha',
    'kubernetes.operator.job-result-store.cleanup.enabled': 'true',
  };
  const [first, second, third] = starts(3, cleaned).map((cluster) => {
    const { deployment } = clusterBuilder(DEFAULT_OPERATOR_CONFIG)(cluster);
    const command = deployment.spec?.template?.spec?.containers[0]?.lifecycle?.postStart?.exec?.command ?? [];
    return { own: resultStores(cluster, 'file:///ha').map(localPath), deleted: command.slice(4) };
  });
  expect(first?.deleted).toEqual([]);
  expect(second?.deleted.sort()).toEqual(first?.own);
  expect(third?.deleted.sort()).toEqual(second?.own);
  expect(third?.own).toHaveLength(KINDS.length);
  expect(third?.own.filter((path) => third.deleted.includes(path))).toEqual([]);
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
