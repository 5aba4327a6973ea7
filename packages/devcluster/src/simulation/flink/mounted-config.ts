import {
  booleanType,
  durationType,
  type FlinkConfig,
  type FlinkVersion,
  intType,
  listType,
  mapType,
  option,
  optionalOption,
  readConfigFile,
  stringType,
  tryParseFlinkVersion,
} from '@drey/flink';
import { ConfigMap, isKubeError } from '@drey/kube';
import type { ProgramContext } from '../program.ts';

/** The options that simulated Flink obeys. */
export const simulatedOptions = {
  clusterId: option('kubernetes.cluster-id', stringType, 'cluster'),
  namespace: option('kubernetes.namespace', stringType, 'default'),
  jobId: optionalOption('$internal.pipeline.job-id', stringType),
  mainClass: optionalOption('$internal.application.main', stringType),
  programArgs: option('$internal.application.program-args', listType, []),
  parallelism: option('parallelism.default', intType, 1),
  overrides: option('pipeline.jobvertex-parallelism-overrides', mapType, new Map()),
  slots: option('taskmanager.numberOfTaskSlots', intType, 1),
  savepointPath: optionalOption('execution.state-recovery.path', stringType, { aliases: ['execution.savepoint.path'] }),
  checkpointInterval: optionalOption('execution.checkpointing.interval', durationType),
  checkpointDir: optionalOption('execution.checkpointing.dir', stringType, { aliases: ['state.checkpoints.dir'] }),
  savepointDir: optionalOption('execution.checkpointing.savepoint-dir', stringType, {
    aliases: ['state.savepoints.dir'],
  }),
  retention: option(
    'execution.checkpointing.externalized-checkpoint-retention',
    stringType,
    'NO_EXTERNALIZED_CHECKPOINTS',
  ),
  ha: option('high-availability.type', stringType, 'NONE', { aliases: ['high-availability'] }),
  jobResults: optionalOption('job-result-store.storage-path', stringType),
  applicationResults: optionalOption('application-result-store.storage-path', stringType),
  shutdown: option('execution.shutdown-on-application-finish', booleanType, true),
  scheduler: option('jobmanager.scheduler', stringType, 'default'),
  schedulerMode: option('scheduler-mode', stringType, 'none'),
} as const;

/** Reads the configuration as it is mounted; missing ConfigMaps are waited for, as a kubelet does. */
export async function mountedConfig(context: ProgramContext, version: FlinkVersion): Promise<FlinkConfig> {
  const volumes = context.pod.spec?.volumes ?? [];
  const name = volumes.find((one) => one.name === 'flink-config-volume')?.configMap?.name ?? '';
  for (;;) {
    try {
      const map = await context.client.get(ConfigMap, context.pod.metadata.namespace, name);
      const yaml = map.data?.['config.yaml'];
      if (yaml !== undefined) return readConfigFile(yaml, 'config.yaml', version);
      return readConfigFile(map.data?.['flink-conf.yaml'] ?? '', 'flink-conf.yaml', version);
    } catch (error) {
      if (!isKubeError(error)) throw error;
    }
    await new Promise<void>((resolve) => context.clock.after(200, resolve));
  }
}

/** The version in the tag of an image; 1.20 where it names none. */
export function versionOf(image: string | undefined): FlinkVersion {
  const tag = image?.split(':').at(-1)?.split('-')[0] ?? '';
  return tryParseFlinkVersion(tag) ?? { major: 1, minor: 20, patch: 0 };
}
