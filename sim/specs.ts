import type { FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot } from '@drey/api';

export type UpgradeMode = 'stateless' | 'savepoint' | 'last-state';

/** What a cluster is like; everything else about it is the same for all. */
export interface ClusterTraits {
  readonly namespace: string;
  readonly name: string;
  readonly mode: 'native' | 'standalone';
  readonly ha: boolean;
  /** The adaptive scheduler, which changes parallelism in the running job. */
  readonly adaptive: boolean;
  /** Specs that do not become ready are taken back. */
  readonly rollsBack?: boolean;
  /** 1.20 when absent. */
  readonly series?: FlinkSeries;
}

/** Series of Flink that differ for an operator: in configuration files, names of options and records of high availability. */
export const FLINK_SERIES = ['1.17', '1.19', '1.20', '2.0', '2.3'] as const;
export type FlinkSeries = (typeof FLINK_SERIES)[number];

/** What a spec says about its version of Flink. */
export function versionOf(series: FlinkSeries): Pick<FlinkDeployment['spec'], 'image' | 'flinkVersion'> {
  const flinkVersion = `v${series.replace('.', '_')}` as NonNullable<FlinkDeployment['spec']['flinkVersion']>;
  return { image: `flink:${series}`, flinkVersion };
}

/** What a job is like. */
export interface JobTraits {
  readonly upgradeMode: UpgradeMode;
  readonly parallelism: number;
  /** Where its first run begins. */
  readonly initialSavepointPath?: string;
}

/** A savepoint that somebody brought from elsewhere, of a job that had worked for so many milliseconds. */
export const IMPORTED = { path: 'file:/state/imported/savepoint-1a2b3c-0123456789ab', position: 5_000 } as const;

/** An image that no registry has, and a class that no jar has. */
export const MISSING = { image: 'flink:missing', entryClass: 'does.not.Exist' } as const;

/** Stands in the configuration of every deployment; nothing may tell it. */
export const SECRET = 'hunter2-9f4d1c';

/** The jar of every session job. */
export const JAR_URI = 'https://artifacts.example.com/job.jar';

/** A FlinkDeployment as users write it: with a job for an application cluster, without for a session cluster. */
export function flinkDeployment(
  cluster: ClusterTraits,
  job?: JobTraits,
  options: Readonly<Record<string, string>> = {},
): FlinkDeployment {
  const { namespace, name, mode, ha, adaptive, series = '1.20' } = cluster;
  // Flink 1.20 gave these options other names.
  const [checkpoints, savepoints] =
    series < '1.20'
      ? ['state.checkpoints.dir', 'state.savepoints.dir']
      : ['execution.checkpointing.dir', 'execution.checkpointing.savepoint-dir'];
  const state = `file:///state/${namespace}/${name}`;
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name, namespace },
    spec: {
      ...versionOf(series),
      serviceAccount: 'flink',
      ...(mode === 'standalone' ? { mode } : {}),
      flinkConfiguration: {
        'taskmanager.numberOfTaskSlots': '2',
        's3.secret-key': SECRET,
        'execution.checkpointing.interval': '5 s',
        [checkpoints]: `${state}/checkpoints`,
        [savepoints]: `${state}/savepoints`,
        ...(adaptive ? { 'jobmanager.scheduler': 'adaptive' } : {}),
        ...(ha ? { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': `${state}/ha` } : {}),
        ...options,
      },
      jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
      taskManager: {
        resource: { memory: '1536m', cpu: 1 },
        ...(mode === 'standalone' && job === undefined ? { replicas: 4 } : {}),
      },
      ...(job === undefined ? {} : { job: { jarURI: 'local:///opt/flink/usrlib/job.jar', ...job } }),
    },
  };
}

/** A FlinkSessionJob on a session cluster of the same namespace. */
export function flinkSessionJob(
  at: { readonly namespace: string; readonly name: string; readonly cluster: string },
  job: JobTraits,
  flinkConfiguration: Readonly<Record<string, string>> = {},
): FlinkSessionJob {
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkSessionJob',
    metadata: { name: at.name, namespace: at.namespace },
    spec: {
      deploymentName: at.cluster,
      job: { jarURI: JAR_URI, ...job },
      ...(Object.keys(flinkConfiguration).length === 0 ? {} : { flinkConfiguration }),
    },
  };
}

/** A savepoint or checkpoint that a user asks for. */
export function flinkStateSnapshot(
  at: { readonly namespace: string; readonly name: string },
  job: { readonly kind: 'FlinkDeployment' | 'FlinkSessionJob'; readonly name: string },
  what: 'savepoint' | 'disposable savepoint' | 'checkpoint',
): FlinkStateSnapshot {
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkStateSnapshot',
    metadata: { name: at.name, namespace: at.namespace },
    spec: {
      jobReference: job,
      backoffLimit: 2,
      ...(what === 'checkpoint' ? { checkpoint: {} } : { savepoint: { disposeOnDelete: what !== 'savepoint' } }),
    },
  };
}
