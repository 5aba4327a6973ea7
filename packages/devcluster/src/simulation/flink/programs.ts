import {
  booleanType,
  durationType,
  type FlinkConfig,
  type FlinkVersion,
  formatFlinkVersion,
  intType,
  option,
  optionalOption,
  readConfigFile,
  stringType,
  tryParseFlinkVersion,
} from '@drey/flink';
import { ConfigMap, isKubeError, type PodSpec } from '@drey/kube';
import type { Program, ProgramContext, ProgramFactory } from '../program.ts';
import type { FlinkFabric } from './fabric.ts';
import type { JobSpec } from './job-records.ts';
import { SimulatedJobManager } from './jobmanager.ts';
import { KubernetesHa } from './kube-ha.ts';
import { randomHex } from './random-hex.ts';
import { draw, type Timings } from './timings.ts';
import { WorkerPods } from './worker-pods.ts';

const options = {
  clusterId: option('kubernetes.cluster-id', stringType, 'cluster'),
  namespace: option('kubernetes.namespace', stringType, 'default'),
  jobId: optionalOption('$internal.pipeline.job-id', stringType),
  parallelism: option('parallelism.default', intType, 1),
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
  shutdown: option('execution.shutdown-on-application-finish', booleanType, true),
  scheduler: option('jobmanager.scheduler', stringType, 'default'),
} as const;

/** Programs for the containers of simulated Flink pods; other containers just run. */
export function flinkPrograms(fabric: FlinkFabric, timings: Timings): ProgramFactory {
  return (context) => {
    const command = [...(context.container.command ?? []), ...(context.container.args ?? [])].join(' ');
    if (command.includes('kubernetes-jobmanager.sh'))
      return jobManagerProgram(fabric, timings, context, command.includes('kubernetes-application'));
    if (command.includes('kubernetes-taskmanager.sh')) return taskManagerProgram(fabric, timings, context);
    return undefined;
  };
}

/** Reads the configuration as it is mounted; missing ConfigMaps are waited for, as a kubelet does. */
async function mountedConfig(context: ProgramContext, version: FlinkVersion): Promise<FlinkConfig> {
  const volumes = (context.pod.spec as PodSpec).volumes ?? [];
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

function versionOf(image: string | undefined): FlinkVersion {
  const tag = image?.split(':').at(-1)?.split('-')[0] ?? '';
  return tryParseFlinkVersion(tag) ?? { major: 1, minor: 20, patch: 0 };
}

function jobManagerProgram(
  fabric: FlinkFabric,
  timings: Timings,
  context: ProgramContext,
  application: boolean,
): Program {
  let alive = true;
  let running: { jm: SimulatedJobManager; stop: () => void } | undefined;
  void start().catch((error: unknown) => {
    if (!isKubeError(error)) throw error;
    if (alive) context.exit(1); // no access to the API server at start: the process ends, and is restarted
  });

  async function start(): Promise<void> {
    const version = versionOf(context.container.image);
    const config = await mountedConfig(context, version);
    if (!alive) return;
    running = await startJobManager(fabric, timings, context, config, formatFlinkVersion(version), application);
    if (!alive) running.stop();
  }

  return {
    kill: () => {
      alive = false;
      running?.stop();
    },
  };
}

async function startJobManager(
  fabric: FlinkFabric,
  timings: Timings,
  context: ProgramContext,
  config: FlinkConfig,
  version: string,
  application: boolean,
): Promise<{ jm: SimulatedJobManager; stop: () => void }> {
  const clusterId = config.get(options.clusterId);
  const namespace = context.pod.metadata.namespace ?? config.get(options.namespace);
  const job = jobSpec(context, config);
  const haOn = config.get(options.ha).toUpperCase() !== 'NONE';
  const ha = haOn ? new KubernetesHa(context.client, namespace, clusterId) : undefined;
  if (ha && application) await ha.open(job.jobId);
  const workers = new WorkerPods(context, namespace, clusterId, config.get(options.slots));
  const cluster = `${namespace}/${clusterId}`;
  const jm: SimulatedJobManager = new SimulatedJobManager({
    clock: context.clock,
    random: context.random,
    storage: fabric.storage,
    timings,
    version,
    clusterId: cluster,
    host: context.address,
    adaptive: job.adaptive,
    ...(ha ? { ha } : {}),
    ...(application ? { application: job } : {}),
    jobDefaults: {
      checkpointIntervalMs: job.checkpointIntervalMs,
      checkpointDir: job.checkpointDir,
      retainOnCancellation: job.retainOnCancellation,
      savepointDir: config.get(options.savepointDir),
    },
    shutdownOnFinish: application && config.get(options.shutdown),
    onSlotsNeeded: (slots) => workers.need(slots),
    onExit: (code) => {
      fabric.leave(cluster, jm);
      context.exit(code);
    },
  });
  fabric.join(cluster, jm);
  const stop = (): void => {
    workers.stop();
    ha?.close();
    jm.kill();
    fabric.leave(cluster, jm);
  };
  return { jm, stop };
}

function jobSpec(context: ProgramContext, config: FlinkConfig): JobSpec {
  return {
    jobId: config.get(options.jobId) ?? randomHex(context.random, 32),
    name: config.raw('pipeline.name') ?? 'State machine job',
    parallelism: config.get(options.parallelism),
    savepointPath: config.get(options.savepointPath),
    checkpointIntervalMs: config.get(options.checkpointInterval),
    checkpointDir: config.get(options.checkpointDir),
    adaptive: config.get(options.scheduler).toLowerCase() === 'adaptive',
    retainOnCancellation: config.get(options.retention) === 'RETAIN_ON_CANCELLATION',
  };
}

function taskManagerProgram(fabric: FlinkFabric, timings: Timings, context: ProgramContext): Program {
  const { metadata } = context.pod;
  const cluster = `${metadata.namespace}/${metadata.labels?.app}`;
  const slots = Number(/numberOfTaskSlots=(\d+)/.exec((context.container.args ?? []).join(' '))?.[1] ?? 1);
  const id = metadata.name ?? '';
  let alive = true;
  let up = false;
  const register = (): void => {
    if (alive && up) fabric.leader(cluster)?.registerTaskManager({ id, host: context.address, slots });
  };
  const leave = fabric.onJoin((joined) => {
    if (joined === cluster) context.clock.after(300, register);
  });
  context.clock.after(draw(context.random, timings.taskManagerUpMs), () => {
    up = true;
    register();
  });
  return {
    kill: () => {
      alive = false;
      leave();
      fabric.leader(cluster)?.loseTaskManager(id);
    },
  };
}
