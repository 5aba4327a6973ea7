import type { JsonObject } from '@drey/api';
import {
  checkpointingOptions,
  executionOptions,
  type FlinkConfig,
  FlinkError,
  listType,
  taskManagerMemoryOptions,
} from '@drey/flink';
import { TASK_MANAGER_REPLICAS } from '../standalone/cluster.ts';
import { nativeJarUri, standaloneJarUri } from './jar-uri.ts';
import { type DeploymentView, numberOf, objectOf, textOf } from './spec-view.ts';

const CLUSTER_MODE = 'kubernetes.internal.cluster-mode';
const LAST_STATE_CHECKPOINT_INTERVAL = '5 min';

/** What the job of a deployment, or its being a session cluster, adds to the configuration. */
export function withJob(config: FlinkConfig, view: DeploymentView): FlinkConfig {
  const replicas = numberOf(objectOf(view.spec.taskManager)?.replicas);
  const scaled = (replicas ?? 0) > 0 ? config.with(TASK_MANAGER_REPLICAS, String(replicas)) : config;
  const { job } = view;
  if (job === undefined) return withTarget(scaled, view.standalone, 'SESSION');
  const parallel = scaled.with(
    executionOptions.parallelismDefault.key,
    String(parallelism(scaled, view, job, replicas)),
  );
  const target = withJar(withTarget(parallel, view.standalone, 'APPLICATION'), job, view.standalone);
  const kept = target
    .with(executionOptions.shutdownOnApplicationFinish.key, 'false')
    .withAll(unset(target, { [executionOptions.submitFailedJobOnApplicationError.key]: 'true' }));
  const complete = withJobDefaults(kept, job, view.name);
  if (!view.standalone || complete.has(TASK_MANAGER_REPLICAS)) return complete;
  return complete.with(TASK_MANAGER_REPLICAS, String(taskManagers(complete)));
}

/** What every job adds, also one on a session cluster. */
export function withJobDefaults(config: FlinkConfig, job: JsonObject, name: string): FlinkConfig {
  const lastState = job.upgradeMode === 'last-state';
  const withDefaults = config.withAll({
    ...unset(config, { [executionOptions.pipelineName.key]: name }),
    ...(lastState && !config.has(checkpointingOptions.interval)
      ? { [checkpointingOptions.interval.key]: LAST_STATE_CHECKPOINT_INTERVAL }
      : {}),
    ...(config.has(checkpointingOptions.externalizedRetention)
      ? {}
      : { [checkpointingOptions.externalizedRetention.key]: 'RETAIN_ON_CANCELLATION' }),
  });
  const { allowNonRestoredState, entryClass, args } = job;
  return withDefaults.withAll({
    ...(typeof allowNonRestoredState === 'boolean' && {
      'execution.savepoint.ignore-unclaimed-state': String(allowNonRestoredState),
    }),
    ...(textOf(entryClass) !== undefined && { [executionOptions.applicationMain.key]: textOf(entryClass) ?? '' }),
    ...(Array.isArray(args) && {
      [executionOptions.applicationProgramArgs.key]: listType.format(args.map(String), config.rules),
    }),
  });
}

/** The number of TaskManagers that the parallelism of a configuration needs. */
export function taskManagers(config: FlinkConfig): number {
  const parallelism = config.get(executionOptions.parallelismDefault);
  return Math.ceil(parallelism / config.get(taskManagerMemoryOptions.numberOfTaskSlots));
}

function withTarget(config: FlinkConfig, standalone: boolean, mode: 'APPLICATION' | 'SESSION'): FlinkConfig {
  const key = executionOptions.target.key;
  return standalone
    ? config.withAll({ [key]: 'remote', [CLUSTER_MODE]: mode })
    : config.with(key, `kubernetes-${mode.toLowerCase()}`);
}

function withJar(config: FlinkConfig, job: JsonObject, standalone: boolean): FlinkConfig {
  const uri = textOf(job.jarURI);
  if (uri === undefined) return config;
  return standalone
    ? config.with(executionOptions.pipelineClasspaths.key, standaloneJarUri(uri))
    : config.with(executionOptions.pipelineJars.key, nativeJarUri(uri));
}

function parallelism(config: FlinkConfig, view: DeploymentView, job: JsonObject, replicas: number | undefined): number {
  if (replicas !== undefined) return replicas * config.get(taskManagerMemoryOptions.numberOfTaskSlots);
  const overrides = view.standalone ? vertexParallelisms(config) : [];
  const largest = Math.max(0, ...overrides);
  return largest > 0 ? largest : (numberOf(job.parallelism) ?? 0);
}

function vertexParallelisms(config: FlinkConfig): number[] {
  const option = executionOptions.jobVertexParallelismOverrides;
  return [...config.get(option)].map(([vertex, text]) => {
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new FlinkError(
      'E_FLINK_CONFIG_VALUE',
      `${option.key} gives vertex ${vertex} the parallelism "${text}"`,
      'Write it as vertex:number, pairs separated by commas.',
    );
  });
}

/** The entries whose keys are not set yet. */
function unset(config: FlinkConfig, entries: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).filter(([key]) => !config.has(key)));
}
