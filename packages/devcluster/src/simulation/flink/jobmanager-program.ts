import { type FlinkConfig, formatFlinkVersion } from '@drey/flink';
import { isKubeError } from '@drey/kube';
import type { Program, ProgramContext } from '../program.ts';
import type { JobManagerRole } from './container-role.ts';
import type { FlinkFabric } from './fabric.ts';
import type { JobSpec } from './job-records.ts';
import { SimulatedJobManager } from './jobmanager.ts';
import { KubernetesHa } from './kube-ha.ts';
import { mountedConfig, simulatedOptions as options, versionOf } from './mounted-config.ts';
import { finishAfterMs } from './program-arguments.ts';
import { randomHex } from './random-hex.ts';
import { resultDirectories, runPostStart } from './result-files.ts';
import { draw, type Timings } from './timings.ts';
import { vertexParallelism } from './vertex-parallelism.ts';
import { WorkerPods } from './worker-pods.ts';

interface Start {
  readonly fabric: FlinkFabric;
  readonly timings: Timings;
  readonly context: ProgramContext;
  readonly role: JobManagerRole;
  readonly alive: () => boolean;
}

/** How often a standby looks whether somebody still leads. */
const STANDBY_MS = 500;

/** A simulated JobManager process, from its configuration to its end. */
export function jobManagerProgram(
  fabric: FlinkFabric,
  timings: Timings,
  context: ProgramContext,
  role: JobManagerRole,
): Program {
  let alive = true;
  let stop: (() => void) | undefined;
  const start = async (): Promise<void> => {
    stop = await startJobManager({ fabric, timings, context, role, alive: () => alive });
    if (!alive) stop?.();
  };
  void start().catch((error: unknown) => {
    if (!isKubeError(error)) throw error;
    if (alive) context.exit(1); // no access to the API server at start: the process ends, and is restarted
  });
  return {
    kill: () => {
      alive = false;
      stop?.();
    },
  };
}

/** undefined: the process was killed before it had anything to stop. */
async function startJobManager(start: Start): Promise<(() => void) | undefined> {
  const { fabric, timings, context, role, alive } = start;
  const version = versionOf(context.container.image);
  const config = (await mountedConfig(context, version)).withAll(role.properties);
  const namespace = context.pod.metadata.namespace ?? config.get(options.namespace);
  const cluster = `${namespace}/${config.get(options.clusterId)}`;
  if (role.target === 'application' && isMissing(config.get(options.mainClass))) {
    context.clock.after(draw(context.random, timings.restUpMs), () => alive() && context.exit(1));
    return undefined;
  }
  const ha = await openHighAvailability(start, config, namespace);
  const wanted = jobSpec(context, config, role);
  const restored = ha === undefined ? [] : await restoredJobs(fabric, ha, cluster);
  const application = restored.find((one) => one.jobId === wanted.jobId) ?? wanted;
  if (!alive()) return undefined;
  const own = role.target === 'application' ? [application] : restored;
  for (const spec of ha === undefined ? [] : own) {
    // What the record refers to is there before the record.
    fabric.storage.jobGraphs.set(`${cluster}/${spec.jobId}`, spec);
    await ha?.open(spec.jobId);
  }
  if (!alive()) return undefined;
  const results = resultDirectories(config);
  const slots = config.get(options.slots);
  const releases = (name: string): void => jm.loseTaskManager(name);
  const pods = { namespace, clusterId: config.get(options.clusterId), slotsEach: slots, releases };
  const workers = role.native ? new WorkerPods(context, pods) : undefined;
  const jm: SimulatedJobManager = new SimulatedJobManager({
    ...{ clock: context.clock, random: context.random, storage: fabric.storage, timings },
    ...{ version: formatFlinkVersion(version), clusterId: cluster, host: context.address },
    adaptive: wanted.adaptive,
    ...(ha ? { ha } : {}),
    ...(role.target === 'application' ? { application } : { recovered: restored }),
    jobDefaults: {
      checkpointIntervalMs: wanted.checkpointIntervalMs,
      checkpointDir: wanted.checkpointDir,
      retainOnCancellation: wanted.retainOnCancellation,
      savepointDir: config.get(options.savepointDir),
    },
    resultDirectories: results,
    shutdownOnFinish: role.target === 'application' && config.get(options.shutdown),
    onSlotsNeeded: (count) => workers?.need(count),
    onExit: (code) => {
      fabric.storage.results.close(results, jm.process);
      fabric.leave(cluster, jm);
      context.exit(code);
    },
  });
  fabric.join(cluster, jm);
  fabric.storage.results.open(results, jm.process);
  runPostStart(fabric.storage, context.container, { clusterId: cluster, at: context.clock.now() });
  return () => {
    workers?.stop();
    ha?.close();
    jm.kill();
    fabric.storage.results.close(results, jm.process);
    fabric.leave(cluster, jm);
  };
}

/** A program without such a class ends its JobManager before there is a cluster. */
function isMissing(mainClass: string | undefined): boolean {
  return mainClass?.startsWith('does.not.') === true;
}

/** With high availability a process is a standby until nobody leads; without, it takes over at once. */
async function openHighAvailability(
  { fabric, context, alive }: Start,
  config: FlinkConfig,
  namespace: string,
): Promise<KubernetesHa | undefined> {
  if (config.get(options.ha).toUpperCase() === 'NONE') return undefined;
  const clusterId = config.get(options.clusterId);
  while (alive() && fabric.leader(`${namespace}/${clusterId}`) !== undefined) {
    await new Promise<void>((resolve) => context.clock.after(STANDBY_MS, resolve));
  }
  return new KubernetesHa(context.client, namespace, clusterId, versionOf(context.container.image));
}

/** The jobs whose graphs high availability still refers to: they run as they were submitted, whatever is configured now. */
async function restoredJobs(fabric: FlinkFabric, ha: KubernetesHa, cluster: string): Promise<JobSpec[]> {
  const ids = await ha.recover();
  return ids.flatMap((id) => fabric.storage.jobGraphs.get(`${cluster}/${id}`) ?? []);
}

function jobSpec(context: ProgramContext, config: FlinkConfig, role: JobManagerRole): JobSpec {
  const reactive = config.get(options.schedulerMode).toLowerCase() === 'reactive';
  const args = role.native ? config.get(options.programArgs) : role.programArgs;
  return {
    jobId: config.get(options.jobId) ?? randomHex(context.random, 32),
    name: config.raw('pipeline.name') ?? 'State machine job',
    ...vertexParallelism(config, config.get(options.parallelism)),
    savepointPath: config.get(options.savepointPath),
    checkpointIntervalMs: config.get(options.checkpointInterval),
    checkpointDir: config.get(options.checkpointDir),
    adaptive: reactive || config.get(options.scheduler).toLowerCase() === 'adaptive',
    reactive,
    retainOnCancellation: config.get(options.retention) === 'RETAIN_ON_CANCELLATION',
    finishAfterMs: finishAfterMs(args),
  };
}
