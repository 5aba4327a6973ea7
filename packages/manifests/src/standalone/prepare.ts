import { FlinkConfig, valueRules } from '@drey/flink';
import { STANDALONE_TYPE } from '../native/constants.ts';
import type { ClusterInput } from '../native/input.ts';
import {
  checkClusterId,
  completedForPods,
  configFileFormat,
  type PreparedCluster,
  withInternalService,
  withProgramArguments,
} from '../native/prepare.ts';

/**
 * The configuration as the Apache operator completes it before it builds a standalone cluster. Throws
 * `E_FLINK_CONFIG_VALUE` for a name that Flink refuses and for settings that cannot be deployed.
 */
export function prepareStandaloneCluster(input: ClusterInput): PreparedCluster {
  const { flinkVersion, clusterId, target, files = {} } = input;
  checkClusterId(clusterId);
  const configFile = configFileFormat(input);
  const given = FlinkConfig.of(input.configuration, valueRules(flinkVersion, configFile));
  const named = given.with('kubernetes.cluster-id', clusterId);
  const completed = completedForPods(withProgramArguments(named, input), clusterId, files);
  // The Service exists with high availability too, so its name is always in the file.
  const config = withInternalService(completed, clusterId);
  const podKeys = [...completed.keys()];
  return { flinkVersion, target, clusterId, clusterType: STANDALONE_TYPE, config, podKeys, configFile, files };
}
