import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { type Cluster, startCluster } from '@drey/devcluster';
import { type DistributionSystem, type FlinkDistribution, formatFlinkVersion, httpTransport } from '@drey/flink';
import { isKubeError, Pod, systemClock, systemRandom } from '@drey/kube';
import { operatorLogger } from '@drey/operator';
import { claimAddressBlocks } from '../cluster/address-blocks.ts';
import { followDeployment } from '../cluster/follow.ts';
import { prepareCluster, startOperator } from '../cluster/parts.ts';
import type { ArchiveRequest } from './archives.ts';

const EXAMPLE = 'examples/streaming/StateMachineExample.jar';
const EXAMPLE_CLASS = 'org.apache.flink.streaming.examples.statemachine.StateMachineExample';
const NAME = 'training';
const LIMIT_MS = 120_000;
/** Some checkpoints are taken in this time. */
const RUN_MS = 3_000;
const POLL_MS = 200;

/** Where a JVM of the training run wrote its archive; there may be nothing. */
export interface RecordedArchives {
  readonly jobManager: string;
  readonly taskManager: string;
}

/**
 * Runs Flink's example as a native application with Kubernetes high availability on an embedded cluster in memory, takes
 * checkpoints and a savepoint, and deletes it. Everything a job loads by the way it starts here is in the archives then,
 * Flink's Kubernetes client included, which is the larger part of a JobManager's start.
 */
export async function recordArchives(
  system: DistributionSystem,
  { distribution, java, signal }: ArchiveRequest,
  work: string,
): Promise<RecordedArchives> {
  const version = formatFlinkVersion(distribution.version);
  if (!existsSync(join(distribution.home, EXAMPLE))) throw new Error(`the distribution has no ${EXAMPLE}`);
  const recorded = { jobManager: join(work, 'jobmanager.jsa'), taskManager: join(work, 'taskmanager.jsa') };
  const limit = AbortSignal.any([AbortSignal.timeout(LIMIT_MS), ...(signal === undefined ? [] : [signal])]);
  const image = {
    version,
    home: distribution.home,
    javaHome: java.home,
    javaMajor: java.major,
    archives: {},
    record: { jobmanager: recorded.jobManager, taskmanager: recorded.taskManager },
  };
  const name = `training-${version}`;
  const { podRange, serviceRange, release } = await claimAddressBlocks(name, undefined);
  const cluster = await startCluster({
    ...{ clock: systemClock, random: systemRandom, name, port: 0, podRange, serviceRange },
    images: { mappings: {}, findDistribution: async () => image },
  });
  try {
    await prepareCluster(cluster.client);
    const flink = { ...cluster, flink: httpTransport() };
    const operator = await startOperator(
      flink,
      operatorLogger({ level: 'silent', stream: { write: () => undefined } }),
    );
    try {
      await runExample(system, cluster, exampleJob(distribution, work), limit);
    } finally {
      await operator.stop();
    }
  } finally {
    await cluster.stop();
    release();
  }
  return recorded;
}

async function runExample(
  system: DistributionSystem,
  { client }: Cluster,
  job: FlinkDeployment,
  signal: AbortSignal,
): Promise<void> {
  const target = { namespace: 'default', name: NAME };
  const reach = (what: string, isThere: (status: NonNullable<FlinkDeployment['status']>) => boolean) =>
    followDeployment(
      client,
      target,
      ({ status }) => {
        if (status?.error) throw new Error(`${what}: ${status.error}`);
        return status !== undefined && isThere(status) ? true : undefined;
      },
      { signal },
    );
  await client.create(FlinkDeployments, job);
  await reach('the start of the training job', (status) => status.jobStatus?.state === 'RUNNING');
  await system.sleep(RUN_MS, signal);
  await client.patch(FlinkDeployments, 'default', NAME, 'merge', { spec: { job: { state: 'suspended' } } });
  await reach('the savepoint of the training job', (status) => status.lifecycleState === 'SUSPENDED');
  await client.delete(FlinkDeployments, 'default', NAME);
  // A JVM writes its archive when it ends, so its pod is there until that is done.
  while (!(await isGone(client))) await system.sleep(POLL_MS, signal);
}

async function isGone(client: Cluster['client']): Promise<boolean> {
  try {
    await client.get(FlinkDeployments, 'default', NAME);
    return false;
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
  }
  return (await client.list(Pod, { namespace: 'default' })).items.length === 0;
}

/** The job with the folder `work` mounted where it is: state and archives are written there. */
function exampleJob(distribution: FlinkDistribution, work: string): FlinkDeployment {
  const { major, minor } = distribution.version;
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name: NAME, namespace: 'default' },
    spec: {
      image: `flink:${formatFlinkVersion(distribution.version)}`,
      flinkVersion: `v${major}_${minor}` as NonNullable<FlinkDeployment['spec']['flinkVersion']>,
      serviceAccount: 'flink',
      flinkConfiguration: {
        'taskmanager.numberOfTaskSlots': '2',
        'execution.checkpointing.interval': '500 ms',
        'state.checkpoints.dir': `file://${work}/state/checkpoints`,
        'state.savepoints.dir': `file://${work}/state/savepoints`,
        'high-availability.type': 'kubernetes',
        'high-availability.storageDir': `file://${work}/state/ha`,
      },
      podTemplate: {
        spec: {
          containers: [{ name: 'flink-main-container', volumeMounts: [{ name: 'work', mountPath: work }] }],
          volumes: [{ name: 'work', hostPath: { path: work } }],
        },
      },
      jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
      taskManager: { resource: { memory: '1536m', cpu: 1 } },
      job: {
        jarURI: `local:///opt/flink/${EXAMPLE}`,
        entryClass: EXAMPLE_CLASS,
        args: ['--error-rate', '0.1', '--sleep', '50'],
        parallelism: 2,
        upgradeMode: 'savepoint',
      },
    },
  };
}
