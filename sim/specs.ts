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
}

/** What a job is like. */
export interface JobTraits {
  readonly upgradeMode: UpgradeMode;
  readonly parallelism: number;
}

/** Stands in the configuration of every deployment; nothing may tell it. */
export const SECRET = 'hunter2-9f4d1c';

/** The jar of every session job. */
export const JAR_URI = 'https://artifacts.example.com/job.jar';

/** A FlinkDeployment as users write it: with a job for an application cluster, without for a session cluster. */
export function flinkDeployment(cluster: ClusterTraits, job?: JobTraits): FlinkDeployment {
  const { namespace, name, mode, ha, adaptive } = cluster;
  const state = `file:///state/${namespace}/${name}`;
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name, namespace },
    spec: {
      image: 'flink:1.20',
      flinkVersion: 'v1_20',
      serviceAccount: 'flink',
      ...(mode === 'standalone' ? { mode } : {}),
      flinkConfiguration: {
        'taskmanager.numberOfTaskSlots': '2',
        's3.secret-key': SECRET,
        'execution.checkpointing.interval': '5 s',
        'execution.checkpointing.dir': `${state}/checkpoints`,
        'execution.checkpointing.savepoint-dir': `${state}/savepoints`,
        ...(adaptive ? { 'jobmanager.scheduler': 'adaptive' } : {}),
        ...(ha ? { 'high-availability.type': 'kubernetes', 'high-availability.storageDir': `${state}/ha` } : {}),
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
): FlinkSessionJob {
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkSessionJob',
    metadata: { name: at.name, namespace: at.namespace },
    spec: { deploymentName: at.cluster, job: { jarURI: JAR_URI, ...job } },
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
