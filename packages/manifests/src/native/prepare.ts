import {
  before,
  type ConfigOption,
  clusterOptions,
  executionOptions,
  FlinkConfig,
  FlinkError,
  highAvailabilityOptions,
  kubernetesJobManagerOptions,
  kubernetesOptions,
  valueRules,
} from '@drey/flink';
import {
  APPLICATION_ENTRYPOINT,
  BLOB_SERVER_PORT,
  NATIVE_TYPE,
  REST_PORT,
  SESSION_ENTRYPOINT,
  TASK_MANAGER_RPC_PORT,
} from './constants.ts';
import { mountedKeytab } from './decorators/kerberos.ts';
import type { ClientFiles, ClusterInput, ConfigFileFormat } from './input.ts';
import { highAvailabilityOn } from './options.ts';
import type { Parameters } from './parameters.ts';

const CLUSTER_ID = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const MAX_CLUSTER_ID_LENGTH = 45;

/** Everything of {@link Parameters} that does not depend on the role. */
export type PreparedCluster = Omit<Parameters, 'container'>;

/**
 * The configuration as Flink’s client completes it before it builds anything: target and entry point, fixed ports, the
 * address of the JobManager, the identity for high availability. Throws `E_FLINK_CONFIG_VALUE` for a name that Flink
 * refuses and for settings that cannot be deployed.
 */
export function prepareCluster(input: ClusterInput): PreparedCluster {
  const { flinkVersion, clusterId, target, files = {} } = input;
  checkClusterId(clusterId);
  const configFile = configFileFormat(input);
  const given = FlinkConfig.of(input.configuration, valueRules(flinkVersion, configFile));
  const named = given.withAll({
    'execution.target': `kubernetes-${target}`,
    'internal.cluster.execution-mode': 'NORMAL',
    [kubernetesOptions.entrypointClass.key]: target === 'application' ? APPLICATION_ENTRYPOINT : SESSION_ENTRYPOINT,
    'kubernetes.cluster-id': clusterId,
  });
  const completed = completedForPods(withProgramArguments(named, input), clusterId, files);
  const config = highAvailabilityOn(completed) ? completed : withInternalService(completed, clusterId);
  const podKeys = [...completed.keys()];
  return { flinkVersion, target, clusterId, clusterType: NATIVE_TYPE, config, podKeys, configFile, files };
}

/** The format of the file that the pods get. */
export function configFileFormat({ flinkVersion, configFile }: ClusterInput): ConfigFileFormat {
  if (before(flinkVersion, '1.19')) return 'legacy';
  return before(flinkVersion, '2.0') ? (configFile ?? 'yaml') : 'yaml';
}

/** What every cluster's configuration gets: fixed ports, its identity for high availability, the place of the keytab. */
export function completedForPods(config: FlinkConfig, clusterId: string, files: ClientFiles): FlinkConfig {
  const ported = withIdentity(withPorts(config), clusterId);
  const kerberos = mountedKeytab({ config: ported, files });
  const completed = kerberos === undefined ? ported : ported.with(clusterOptions.kerberosKeytab.key, kerberos);
  checkReplicas(completed);
  return completed;
}

/** The JobManager's address is its Service's name. */
export function withInternalService(config: FlinkConfig, clusterId: string): FlinkConfig {
  return config.with('jobmanager.rpc.address', `${clusterId}.${config.get(kubernetesOptions.namespace)}`);
}

function withPorts(config: FlinkConfig): FlinkConfig {
  const fixed = fixPort(
    fixPort(config, clusterOptions.blobServerPort, BLOB_SERVER_PORT),
    clusterOptions.taskManagerRpcPort,
    TASK_MANAGER_RPC_PORT,
  );
  return fixPort(fixed, clusterOptions.restBindPort, REST_PORT);
}

function withIdentity(config: FlinkConfig, clusterId: string): FlinkConfig {
  if (!highAvailabilityOn(config)) return config;
  const identified = config.with('high-availability.cluster-id', clusterId);
  return fixPort(identified, highAvailabilityOptions.jobManagerPort, config.get(clusterOptions.jobManagerRpcPort));
}

/** The text of the program’s arguments is that of the list, see {@link programArguments}, in the file’s format. */
export function withProgramArguments(config: FlinkConfig, { flinkVersion, target }: ClusterInput): FlinkConfig {
  const list = programArguments({ config, flinkVersion, target });
  return list === undefined ? config : config.withOption(executionOptions.applicationProgramArgs, list);
}

/**
 * The program’s arguments where the client sets them as a list: for applications, up to 1.20 even when there are none.
 * Elsewhere they stay the text that they are.
 */
export function programArguments({
  config,
  flinkVersion,
  target,
}: Pick<Parameters, 'config' | 'flinkVersion' | 'target'>): readonly string[] | undefined {
  if (target !== 'application') return undefined;
  const list = config.get(executionOptions.applicationProgramArgs);
  return list.length > 0 || before(flinkVersion, '2.0') ? list : undefined;
}

/** Pods need fixed ports: 0 becomes the usual one, a range is refused. */
function fixPort(config: FlinkConfig, declared: ConfigOption<string, string>, usual: number): FlinkConfig {
  const text = config.get(declared);
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new FlinkError(
      'E_FLINK_CONFIG_VALUE',
      `${declared.key} is "${text}", but pods need one fixed port`,
      `Set ${declared.key} to a single number, or remove it to get ${usual}.`,
    );
  }
  return Number(text) === 0 ? config.with(declared.key, String(usual)) : config;
}

function checkReplicas(config: FlinkConfig): void {
  const replicas = config.get(kubernetesJobManagerOptions.replicas);
  const key = kubernetesJobManagerOptions.replicas.key;
  if (replicas < 1) {
    throw new FlinkError('E_FLINK_CONFIG_VALUE', `${key} is ${replicas}`, `Set ${key} to 1 or more.`);
  }
  if (replicas > 1 && !highAvailabilityOn(config)) {
    throw new FlinkError(
      'E_FLINK_CONFIG_VALUE',
      `${key} is ${replicas}, but standby JobManagers need high availability`,
      `Set ${highAvailabilityOptions.type.key}, or ${key} to 1.`,
    );
  }
}

/** Refuses a name that Flink refuses. */
export function checkClusterId(clusterId: string): void {
  if (clusterId.length <= MAX_CLUSTER_ID_LENGTH && CLUSTER_ID.test(clusterId)) return;
  throw new FlinkError(
    'E_FLINK_CONFIG_VALUE',
    `"${clusterId}" cannot be the id of a cluster`,
    `Use at most ${MAX_CLUSTER_ID_LENGTH} characters: a lower-case letter, then lower-case letters, digits and dashes, a letter or digit last.`,
  );
}
