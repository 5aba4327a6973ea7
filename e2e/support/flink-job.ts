import type { FlinkDeployment } from '@drey/api';
import type { TestCluster } from './drey.ts';

/** What Flink's REST API says about the checkpoints of a job. */
export interface Checkpoints {
  readonly counts: { readonly completed: number };
  readonly latest: {
    readonly restored: { readonly id: number; readonly external_path: string; readonly is_savepoint: boolean } | null;
    readonly completed: { readonly id: number; readonly external_path: string } | null;
  };
}

/** The job of a FlinkDeployment, asked through Flink's own REST API. */
export interface FlinkJob {
  checkpoints(): Promise<Checkpoints>;
  /** Waits until some checkpoints are complete, so that there is state to lose. */
  withState(): Promise<Checkpoints>;
  /** Waits until every task runs; the status says RUNNING before the last TaskManager is there. */
  tasksRun(): Promise<void>;
  freeSlots(): Promise<number>;
  /** Names of the files or folders that the job was restored from. */
  restoredFrom(): Promise<string | undefined>;
}

const LIMIT_MS = 60_000;
const POLL_MS = 200;

/** `name` is that of the FlinkDeployment, which has one job. */
export function flinkJob(cluster: TestCluster, name: string): FlinkJob {
  const checkpoints = async (): Promise<Checkpoints> => {
    const jobId = cluster.deployment(name).status?.jobStatus?.jobId;
    return cluster.flink<Checkpoints>(name, `/jobs/${jobId}/checkpoints`);
  };
  return {
    checkpoints,
    withState: () =>
      until('no checkpoints', async () => {
        const now = await checkpoints();
        return now.counts.completed >= 2 ? now : undefined;
      }),
    tasksRun: () =>
      until('the tasks did not run', async () => {
        interface Overview {
          readonly jobs: readonly { readonly tasks: { readonly total: number; readonly running: number } }[];
        }
        const { jobs } = await cluster.flink<Overview>(name, '/jobs/overview');
        return jobs.some(({ tasks }) => tasks.total > 0 && tasks.running === tasks.total) ? true : undefined;
      }).then(() => undefined),
    freeSlots: async () =>
      (await cluster.flink<{ readonly 'slots-available': number }>(name, '/overview'))['slots-available'],
    restoredFrom: async () => (await checkpoints()).latest.restored?.external_path,
  };
}

/** Asks until there is an answer; between two JobManagers nobody answers. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, limitMs = LIMIT_MS): Promise<T> {
  for (const end = performance.now() + limitMs; performance.now() < end; ) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${what} within ${limitMs / 1000} s`);
}

/** With Kubernetes high availability, its files beside the checkpoints. */
export function withHighAvailability(object: FlinkDeployment): void {
  const checkpoints = String(object.spec.flinkConfiguration?.['execution.checkpointing.dir']);
  object.spec.flinkConfiguration = {
    ...object.spec.flinkConfiguration,
    'high-availability.type': 'kubernetes',
    'high-availability.storageDir': checkpoints.replace(/checkpoints$/, 'ha'),
  };
  object.spec.job = { ...object.spec.job, upgradeMode: 'last-state' };
}

/** As a standalone cluster: its JobManager finds the job's jar in usrlib, where an init container puts it. */
export function asStandalone(object: FlinkDeployment): void {
  const jar = object.spec.job?.jarURI?.replace('local://', '') ?? '';
  const usrlib = { name: 'jars', mountPath: '/opt/flink/usrlib' };
  const template = object.spec.podTemplate?.spec as { containers: { volumeMounts: unknown[] }[]; volumes: unknown[] };
  object.spec.mode = 'standalone';
  object.spec.podTemplate = {
    spec: {
      ...template,
      volumes: [...template.volumes, { name: 'jars', emptyDir: {} }],
      initContainers: [
        {
          name: 'jar',
          image: object.spec.image,
          command: ['cp', jar, '/jars/'],
          volumeMounts: [{ ...usrlib, mountPath: '/jars' }],
        },
      ],
      containers: template.containers.map((one) => ({ ...one, volumeMounts: [...one.volumeMounts, usrlib] })),
    },
  };
}
