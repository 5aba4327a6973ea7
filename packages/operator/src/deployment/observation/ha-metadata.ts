import type { FlinkDeployment } from '@drey/api';
import { type FlinkConfig, resourceOptions } from '@drey/flink';
import { ConfigMap } from '@drey/kube';
import { currentOperation } from '../../job/operation.ts';
import { type Reading, unknown } from '../../job/reading.ts';
import { deployedSpec } from '../../job/recorded-spec.ts';
import { NATIVE_CLUSTER_SELECTOR } from '../../runtime/caches.ts';
import { healthRecord } from '../recovery/health.ts';
import { isOnTrial, isOverdue } from '../recovery/stability.ts';
import { highAvailability } from '../upgrade/upgrade-facts.ts';
import type { HaMetadata } from '../world.ts';
import { attempt, type ReadingScope } from './cluster-readings.ts';
import { askZooKeeper, readZooKeeper } from './zookeeper-metadata.ts';

/** HA metadata of one cluster is a handful of ConfigMaps. */
const HA_LIST_LIMIT = 500;

/** Beginnings of the keys under which versions of Flink store what a JobManager starts again. */
const GRAPHS = ['jobGraph-', 'executionPlan-', 'application-'];

type ConfigurationOf = (deployment: FlinkDeployment) => FlinkConfig;

/** Asked where a decision may rest on it: while something changes or is lost. */
export async function readHaMetadata(
  scope: ReadingScope,
  configurationOf: ConfigurationOf,
): Promise<Reading<HaMetadata>> {
  const { env, deployment, namespace, name } = scope;
  if (!wantsHaMetadata(scope, configurationOf)) return unknown('not read in this pass', env.clock.now());
  const recorded = deployedSpec(deployment.status ?? {});
  const running = recorded && configurationOf({ ...deployment, spec: recorded.spec });
  if (running !== undefined && highAvailability(running) === 'zookeeper') {
    return askZooKeeper(scope, running, readZooKeeper);
  }
  return attempt(env, async () => {
    const list = await env.kube.list(ConfigMap, {
      namespace,
      labelSelector: `${NATIVE_CLUSTER_SELECTOR},app=${name}`,
      limit: HA_LIST_LIMIT,
      signal: scope.signal,
    });
    return haMetadata(list.items, deployment);
  });
}

/** By its name, since older versions of Flink put no label on it; the cluster's configuration has the same other labels. */
function isHaConfigMap(map: ConfigMap): boolean {
  const name = map.metadata.name ?? '';
  return (name.endsWith('-config-map') || name.endsWith('-leader')) && map.metadata.deletionTimestamp === undefined;
}

function wantsHaMetadata({ env, deployment, present }: ReadingScope, configurationOf: ConfigurationOf): boolean {
  const phase = currentOperation(deployment.status?.operation)?.phase;
  // While the old cluster is still there, nothing is decided about what it leaves.
  if (deployment.metadata.deletionTimestamp !== undefined || phase === 'removing' || phase === 'deploying')
    return !present;
  const recorded = deployedSpec(deployment.status ?? {});
  if (recorded === undefined) return false;
  const running = configurationOf({ ...deployment, spec: recorded.spec });
  if (highAvailability(running) === 'none') return false;
  if (!present || deployment.metadata.generation !== deployment.status?.observedGeneration) return true;
  const status = deployment.status ?? {};
  if (healthRecord(status)?.healthResult.healthy === false) return true;
  const fails = isOnTrial(status) && isOverdue(status, running, env.clock.now());
  return fails && running.get(resourceOptions.rollbackEnabled);
}

/** What the ConfigMaps of a cluster say about the state of its job; those that are not of high availability say nothing. */
export function haMetadata(maps: readonly ConfigMap[], deployment: FlinkDeployment): HaMetadata {
  const items = maps.filter(isHaConfigMap);
  const { name } = deployment.metadata;
  const isJobMap = (map: ConfigMap): boolean => {
    const mapName = map.metadata.name ?? '';
    return (
      mapName.endsWith('-jobmanager-leader') ||
      (mapName.endsWith('-config-map') && mapName !== `${name}-cluster-config-map`)
    );
  };
  const keysOf = (map: ConfigMap): string[] => Object.keys(map.data ?? {});
  return {
    configMaps: items.map((map) => ({
      name: map.metadata.name ?? '',
      uid: map.metadata.uid ?? '',
      resourceVersion: map.metadata.resourceVersion ?? '',
      jobGraphKeys: keysOf(map).filter((key) => GRAPHS.some((graph) => key.startsWith(graph))),
    })),
    available: items.some(isJobMap),
    hasCheckpoint: items.some((map) => isJobMap(map) && keysOf(map).some((key) => key.startsWith('checkpointID-'))),
  };
}
