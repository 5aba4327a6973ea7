import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { Deployment, isKubeError, Pod } from '@drey/kube';
import { request } from 'undici';
import { type Launched, launch } from '../packages/cli/src/cluster/launch.ts';
import { allRunning, type Sizing } from './by-hand.ts';

/**
 * Where the seconds of one start on Drey's node go; each from the create of the FlinkDeployment. The status may say RUNNING
 * before the last task runs: it shows Flink's job state, which is RUNNING as soon as the job is being scheduled.
 */
export interface DreyTimes {
  readonly deploymentExists: number;
  readonly jobManagerStarted: number;
  readonly restAnswers: number;
  readonly taskManagerStarted: number;
  readonly taskManagerRegistered: number;
  readonly tasksRunning: number;
  readonly runningInStatus: number;
}

/** Seconds from the last moment all tasks ran, for a change of parallelism with a savepoint. */
export interface UpgradeTimes {
  readonly savepointKnown: number;
  readonly oldClusterGone: number;
  readonly jobManagerStarted: number;
  readonly taskManagerStarted: number;
  /** The first moment at which all tasks run again. */
  readonly tasksDown: number;
  /** From that moment until the status says RUNNING and STABLE. */
  readonly reportedAfter: number;
}

/** Seconds after a kill -9 of the JobManager's JVM. */
export interface DeathTimes {
  /** Until the status says that the JobManager is not ready. */
  readonly inStatus: number;
}

const name = 'bench';
const namespace = 'default';

/** Starts a cluster and the same job as by hand on it; then upgrades it with a savepoint. */
export async function startOnDrey(
  entryClass: string,
  sizing: Sizing,
): Promise<{
  start: DreyTimes;
  upgrade: UpgradeTimes;
  death: DeathTimes;
  apiReadySeconds: number;
  residentMiB: number;
}> {
  const state = mkdtempSync(join(tmpdir(), 'drey-bench-'));
  const launched = performance.now();
  let apiReadySeconds = 0;
  const cluster = await launch({
    ...{
      name: `bench-${process.pid}`,
      dataDirectory: undefined,
      port: 0,
      kubeconfig: undefined,
      operator: true,
      images: {},
      fastStart: true,
    },
    progress: (what) => {
      if (what === 'API server ready') apiReadySeconds = (performance.now() - launched) / 1000;
    },
  });
  try {
    const start = await measureStart(cluster, job(entryClass, sizing, state));
    const residentMiB = process.memoryUsage.rss() / 2 ** 20;
    const upgrade = await measureUpgrade(cluster);
    const death = await measureDeath(cluster);
    return { start, upgrade, death, apiReadySeconds, residentMiB };
  } finally {
    await cluster.stop();
    rmSync(state, { recursive: true, force: true });
  }
}

function job(entryClass: string, sizing: Sizing, folder: string): FlinkDeployment {
  const state = { name: 'state', mountPath: folder };
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name, namespace },
    spec: {
      image: 'flink:1.20',
      flinkVersion: 'v1_20',
      serviceAccount: 'flink',
      flinkConfiguration: {
        'taskmanager.numberOfTaskSlots': String(sizing.slots),
        'execution.checkpointing.interval': sizing.checkpointInterval,
        'execution.checkpointing.dir': `file://${folder}/checkpoints`,
        'execution.checkpointing.savepoint-dir': `file://${folder}/savepoints`,
        'cluster.registration.error-delay': '500ms',
      },
      podTemplate: {
        spec: {
          containers: [{ name: 'flink-main-container', volumeMounts: [state] }],
          volumes: [{ name: 'state', hostPath: { path: folder, type: 'DirectoryOrCreate' } }],
        },
      },
      jobManager: { resource: { memory: sizing.jobManagerMemory, cpu: 1 } },
      taskManager: { resource: { memory: sizing.taskManagerMemory, cpu: 1 } },
      job: {
        jarURI: 'local:///opt/flink/examples/streaming/StateMachineExample.jar',
        entryClass,
        parallelism: sizing.parallelism,
        upgradeMode: 'savepoint',
      },
    },
  };
}

async function measureStart(cluster: Launched, object: FlinkDeployment): Promise<DreyTimes> {
  const { client } = cluster;
  const started = performance.now();
  const since = (): number => (performance.now() - started) / 1000;
  const marks = new Map<keyof DreyTimes, number>();
  const mark = (what: keyof DreyTimes, holds: boolean): void => {
    if (holds && !marks.has(what)) marks.set(what, since());
  };
  await client.create(FlinkDeployments, object);
  let rest: string | undefined;
  for (const end = performance.now() + 120_000; !(marks.has('runningInStatus') && marks.has('tasksRunning')); ) {
    if (performance.now() > end) throw new Error('the job did not run within 120 s');
    const pods = (await client.list(Pod, { namespace, labelSelector: `app=${name}` })).items;
    const ran = (component: string): Pod | undefined =>
      pods.find(
        (pod) =>
          pod.metadata.labels?.component === component &&
          pod.status?.containerStatuses?.[0]?.state?.running !== undefined,
      );
    const jobManager = ran('jobmanager');
    mark('deploymentExists', jobManager !== undefined || (await exists(cluster)));
    mark('jobManagerStarted', jobManager !== undefined);
    mark('taskManagerStarted', ran('taskmanager') !== undefined);
    rest ??= jobManager?.status?.podIP === undefined ? undefined : `http://${jobManager.status.podIP}:8081`;
    if (rest !== undefined && !marks.has('tasksRunning')) {
      const overview = await json(`${rest}/overview`);
      mark('restAnswers', overview !== undefined);
      mark('taskManagerRegistered', Number(overview?.taskmanagers ?? 0) > 0);
      if (overview !== undefined) mark('tasksRunning', allRunning(await json(`${rest}/jobs/overview`)));
    }
    mark('runningInStatus', isRunning(await client.get(FlinkDeployments, namespace, name)));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return Object.fromEntries(marks) as unknown as DreyTimes;
}

async function measureUpgrade(cluster: Launched): Promise<UpgradeTimes> {
  const { client } = cluster;
  await client.patch(FlinkDeployments, namespace, name, 'merge', { spec: { job: { parallelism: 1 } } });
  const before = new Set((await podsOf(cluster)).map((pod) => pod.metadata.uid));
  const marks = new Map<string, number>();
  let lastUp = performance.now();
  const mark = (what: string, holds: boolean): void => {
    if (holds && !marks.has(what)) marks.set(what, performance.now());
  };
  for (const end = performance.now() + 120_000; ; ) {
    if (performance.now() > end) throw new Error('the upgrade did not end within 120 s');
    const pods = await podsOf(cluster);
    const running = await tasksRun(pods);
    if (running && !marks.has('down')) lastUp = performance.now();
    mark('down', !running);
    const object = await client.get(FlinkDeployments, namespace, name);
    const fresh = pods.filter((pod) => !before.has(pod.metadata.uid));
    const started = (component: string): boolean =>
      fresh.some(
        (pod) =>
          pod.metadata.labels?.component === component &&
          pod.status?.containerStatuses?.[0]?.state?.running !== undefined,
      );
    mark('savepoint', Boolean(object.status?.jobStatus?.upgradeSavepointPath));
    mark('gone', !pods.some((pod) => before.has(pod.metadata.uid)));
    mark('jobManager', started('jobmanager'));
    mark('taskManager', started('taskmanager'));
    mark('up', running && marks.has('down'));
    mark(
      'reported',
      marks.has('down') && isRunning(object) && object.status?.observedGeneration === object.metadata.generation,
    );
    if (marks.has('up') && marks.has('reported')) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const since = (what: string): number => ((marks.get(what) ?? Number.NaN) - lastUp) / 1000;
  return {
    savepointKnown: since('savepoint'),
    oldClusterGone: since('gone'),
    jobManagerStarted: since('jobManager'),
    taskManagerStarted: since('taskManager'),
    tasksDown: since('up'),
    reportedAfter: Math.max(0, since('reported') - since('up')),
  };
}

async function measureDeath(cluster: Launched): Promise<DeathTimes> {
  const pods = await podsOf(cluster);
  const address = pods.find((pod) => pod.metadata.labels?.component === 'jobmanager')?.status?.podIP;
  const pid = address === undefined ? undefined : processWith(`_POD_IP_ADDRESS=${address}`);
  if (pid === undefined) throw new Error('the process of the JobManager was not found');
  const killed = performance.now();
  process.kill(pid, 'SIGKILL');
  for (const end = killed + 30_000; performance.now() < end; ) {
    const { status } = await cluster.client.get(FlinkDeployments, namespace, name);
    if (status?.jobManagerDeploymentStatus !== 'READY') return { inStatus: (performance.now() - killed) / 1000 };
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the death of the JobManager was not seen within 30 s');
}

/** The newest JVM of this user with `entry` in its environment. */
function processWith(entry: string): number | undefined {
  const found = readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && readOrNothing(`/proc/${pid}/environ`).split('\0').includes(entry))
    .filter((pid) => readOrNothing(`/proc/${pid}/comm`).trim() === 'java');
  return found.map(Number).sort((a, b) => b - a)[0];
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // gone, or somebody else's
  }
}

async function podsOf(cluster: Launched): Promise<Pod[]> {
  return (await cluster.client.list(Pod, { namespace, labelSelector: `app=${name}` })).items;
}

async function tasksRun(pods: readonly Pod[]): Promise<boolean> {
  const pod = pods.find(
    (one) => one.metadata.labels?.component === 'jobmanager' && one.metadata.deletionTimestamp === undefined,
  );
  if (pod?.status?.podIP === undefined) return false;
  return allRunning(await json(`http://${pod.status.podIP}:8081/jobs/overview`));
}

const isRunning = (object: FlinkDeployment): boolean =>
  object.status?.jobStatus?.state === 'RUNNING' && object.status.lifecycleState === 'STABLE';

async function exists(cluster: Launched): Promise<boolean> {
  try {
    await cluster.client.get(Deployment, namespace, name);
    return true;
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return false;
    throw error;
  }
}

async function json(url: string): Promise<Record<string, unknown> | undefined> {
  try {
    const answer = await request(url, { headersTimeout: 2000, bodyTimeout: 2000 });
    const text = await answer.body.text();
    return answer.statusCode === 200 ? (JSON.parse(text) as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // not listening yet, or not any more
  }
}
