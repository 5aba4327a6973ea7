import type { FlinkDeployment } from '@drey/api';
import {
  type FlinkConfig,
  FlinkError,
  highAvailabilityOptions,
  loadConfigDirectory,
  tryParseFlinkVersion,
} from '@drey/flink';
import { ConfigMap } from '@drey/kube';
import { configurationMapName } from '@drey/manifests';
import { known, type Reading, unknown } from '../../job/reading.ts';
import { deployedSpec } from '../../job/recorded-spec.ts';
import { isSessionCluster } from '../context.ts';
import { cleansResults, startIdOf } from '../start/result-stores.ts';
import { withOperatorKeysOf } from '../upgrade/operator-keys.ts';
import { attempt, type ReadingScope } from './cluster-readings.ts';
import { observedDeployment } from './kube-readings.ts';

/**
 * Where the running cluster keeps its results, by its own configuration. Read once for a cluster whose start was not recorded
 * with it: another operator's, or one that was started before results were to be deleted.
 */
export async function readResultStores(
  scope: ReadingScope,
  configurationOf: (deployment: FlinkDeployment) => FlinkConfig,
): Promise<Reading<readonly string[]>> {
  const { env, deployment, namespace, name, signal } = scope;
  const { clock, caches } = env;
  const recorded = deployedSpec(deployment.status ?? {});
  const cached = caches.deployments.get(namespace, name);
  const notRead = unknown('not read in this pass', clock.now());
  if (recorded === undefined || cached === undefined || isSessionCluster(recorded.spec)) return notRead;
  const live = observedDeployment(cached);
  if (live.deleting || live.ownerUid !== deployment.metadata.uid) return notRead;
  if ((deployment.status?.resultStores ?? []).some(({ start }) => start === startIdOf(live))) return notRead;
  const spec = withOperatorKeysOf(recorded.spec, deployment.spec);
  if (!cleansResults(configurationOf({ ...deployment, spec }))) return notRead;
  const version = tryParseFlinkVersion(recorded.spec.flinkVersion ?? '');
  if (version === undefined) return notRead;
  const map = await attempt(env, () => env.kube.get(ConfigMap, namespace, configurationMapName(name), { signal }));
  if (!map.known) return map;
  const { metadata, data = {} } = map.value;
  if (!metadata.ownerReferences?.some(({ uid }) => uid === live.uid)) {
    return unknown('the configuration is that of another cluster', clock.now());
  }
  try {
    const config = loadConfigDirectory(new Map(Object.entries(data)), version);
    const { jobResultStorePath, applicationResultStorePath } = highAvailabilityOptions;
    const paths = [config.get(jobResultStorePath), config.get(applicationResultStorePath)];
    return known(
      paths.filter((path) => path !== undefined),
      clock.now(),
    );
  } catch (error) {
    if (!(error instanceof FlinkError)) throw error;
    return unknown(error.message, clock.now());
  }
}
