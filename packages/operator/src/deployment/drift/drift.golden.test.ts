import type { FlinkDeployment } from '@drey/api';
import type { ConfigMap, Deployment, Ingress, KubeObject, Service } from '@drey/kube';
import { DEFAULT_OPERATOR_CONFIG } from '@drey/manifests';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../../golden/golden.ts';
import { clusterBuilder } from '../../runtime/cluster-builder.ts';
import { objectsIn } from '../../testing/golden-objects.ts';
import { observedDeployment } from '../observation/kube-readings.ts';
import { runningCluster } from '../start/running-cluster.ts';
import {
  configMapDifferences,
  ingressDifferences,
  replicasDiffer,
  serviceDifferences,
  textDigest,
} from './drift-compare.ts';
import { settledSpec } from './drift-reading.ts';

/** Clusters that the Apache operator made, as they stood: nothing of them may count as drift. */
const AREAS = ['apache-operator', 'apache-operator-running'];
const build = clusterBuilder(DEFAULT_OPERATOR_CONFIG);

interface Found {
  readonly where: string;
  readonly deployment: FlinkDeployment;
  readonly objects: readonly KubeObject[];
}

function clusters(): Found[] {
  return AREAS.flatMap((name) => {
    const area = goldenArea(name);
    const folders = area.files
      .filter((file) => file.endsWith('flinkdeployments.yaml'))
      .map((file) => file.replace(/[^/]*$/, ''));
    return folders.flatMap((folder) => {
      const read = (file: string): KubeObject[] =>
        area.files.includes(folder + file) ? objectsIn(area.text(folder + file)) : [];
      const objects = ['deployments', 'services', 'configmaps', 'ingresses'].flatMap((kind) => read(`${kind}.yaml`));
      return (
        (read('flinkdeployments.yaml') as unknown as FlinkDeployment[])
          // One whose spec has just changed is being replaced.
          .filter((one) => settledSpec(one) !== undefined && one.metadata.generation === one.status?.observedGeneration)
          .filter((one) =>
            objects.some((object) => object.kind === 'Deployment' && object.metadata.name === one.metadata.name),
          )
          .map((deployment) => ({ where: `${name}/${folder}${deployment.metadata.name}`, deployment, objects }))
      );
    });
  });
}

function drift({ deployment, objects }: Found): string[] {
  const recorded = settledSpec(deployment);
  const find = <T extends KubeObject>(kind: string, name: string | undefined): T | undefined =>
    objects.find((one) => one.kind === kind && one.metadata.name === name) as T | undefined;
  const jobManager = find<Deployment>('Deployment', deployment.metadata.name);
  if (recorded === undefined || jobManager === undefined) return [];
  const built = build(runningCluster(deployment, recorded, observedDeployment(jobManager)));
  const owner = { ...jobManager, name: '', uid: jobManager.metadata.uid ?? '' };
  const accompanying = built.accompanying.flatMap((object) => {
    const intent = { ...object, metadata: { ...object.metadata, ownerReferences: [owner] } };
    const live = find(object.kind, object.metadata.name);
    if (live === undefined) return [`${object.kind} ${object.metadata.name} is missing`];
    if (object.kind === 'Service') return serviceDifferences(intent as Service, live as Service);
    const data = Object.entries((live as ConfigMap).data ?? {}).map(([key, text]) => [key, textDigest(text)]);
    const digests = { ...live, data: Object.fromEntries(data) } as ConfigMap;
    return configMapDifferences(intent as ConfigMap, digests, { ownLogging: false });
  });
  const deployments = [built.deployment, built.taskManagers].filter((one) => one !== undefined);
  const replicas = deployments.filter((intent) => {
    const live = find<Deployment>('Deployment', intent.metadata.name);
    return live !== undefined && replicasDiffer(intent, live);
  });
  const ingress = built.ingress && find<Ingress>('Ingress', built.ingress.metadata.name);
  return [
    ...accompanying,
    ...replicas.map((one) => `replicas of ${one.metadata.name}`),
    ...(built.ingress && ingress ? ingressDifferences(built.ingress, ingress) : []),
  ];
}

const found = clusters();
let matched = 0;

describe('A cluster as the Apache operator left it has not drifted', () => {
  test.each(found.map((one) => [one.where, one] as const))('%s', (_, one) => {
    expect(drift(one)).toEqual([]);
    matched += 1;
  });

  test('of which there are enough to tell', () => {
    expect(found.length).toBeGreaterThan(process.env.DREY_GOLDEN ? -1 : 40);
  });

  afterAll(() => {
    console.log(`drift of taken-over clusters: ${matched} of ${found.length}`);
  });
});
