import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';
import { request } from 'undici';
import { example, type TestCluster } from './drey.ts';
import type { Checkpoints } from './flink-job.ts';
import { until } from './flink-job.ts';

/** A session cluster with one session job, both in the same namespace. */
export interface SessionPair {
  cluster(): FlinkDeployment;
  job(): FlinkSessionJob;
  /** Waits for a state of the session job; rejects with its status when it does not come. */
  reach(what: string, holds: (object: FlinkSessionJob) => boolean, timeoutMs?: number): Promise<FlinkSessionJob>;
  /** Waits until some checkpoints are complete, so that there is state to lose. */
  withState(): Promise<Checkpoints>;
  /** Waits until the job was restored from something. */
  restored(): Promise<NonNullable<Checkpoints['latest']['restored']>>;
}

const POLL_MS = 200;

export const isSessionJobStable = ({ status, metadata }: FlinkSessionJob): boolean =>
  status?.lifecycleState === 'STABLE' &&
  status.jobStatus?.state === 'RUNNING' &&
  status.observedGeneration === metadata.generation;

/** The example as a session cluster. */
export function sessionCluster(
  name: string,
  change: (object: FlinkDeployment) => void = () => undefined,
): FlinkDeployment {
  return example(name, (object) => {
    change(object);
    delete object.spec.job;
  });
}

/** The example's job on a session cluster, from a jar of this machine. */
export function sessionJob(
  metadata: { readonly name: string; readonly namespace: string },
  deploymentName: string,
  jar: string,
  job: FlinkSessionJob['spec']['job'],
): FlinkSessionJob {
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkSessionJob',
    metadata,
    spec: { deploymentName, job: { jarURI: `file://${jar}`, parallelism: 1, ...job } },
  };
}

export function sessionPair(drey: TestCluster, namespace: string, clusterName: string, jobName: string): SessionPair {
  const get = <T>(kind: string, name: string): T =>
    JSON.parse(drey.kubectl('get', kind, name, '-n', namespace, '-o', 'json')) as T;
  const job = () => get<FlinkSessionJob>('flinksessionjob', jobName);
  const checkpoints = async (): Promise<Checkpoints> => {
    const place = ['get', 'service', `${clusterName}-rest`, '-n', namespace, '-o', 'jsonpath={.spec.clusterIP}'];
    const answer = await request(
      `http://${drey.kubectl(...place)}:8081/jobs/${job().status?.jobStatus?.jobId}/checkpoints`,
    );
    return (await answer.body.json()) as Checkpoints;
  };
  return {
    cluster: () => get<FlinkDeployment>('flinkdeployment', clusterName),
    job,
    async reach(what, holds, timeoutMs = 120_000) {
      let last: FlinkSessionJob | undefined;
      for (const limit = performance.now() + timeoutMs; performance.now() < limit; ) {
        last = job();
        if (holds(last)) return last;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      throw new Error(`${jobName} did not reach "${what}": ${JSON.stringify(last?.status, null, 1)}`);
    },
    withState: () =>
      until('no checkpoints', async () => {
        const now = await checkpoints();
        return now.counts.completed >= 2 ? now : undefined;
      }),
    restored: () => until('nothing restored', async () => (await checkpoints()).latest.restored ?? undefined),
  };
}

/** The service account of Flink's pods in a namespace of its own, with the rights that it needs there. */
export function createJobNamespace(drey: TestCluster, namespace: string): void {
  drey.kubectl('create', 'namespace', namespace);
  drey.kubectl('create', 'serviceaccount', 'flink', '-n', namespace);
  const resources = 'pods,configmaps,services,deployments.apps,deployments.apps/finalizers';
  drey.kubectl('create', 'role', 'flink', '-n', namespace, '--verb=*', `--resource=${resources}`);
  const subject = `--serviceaccount=${namespace}:flink`;
  drey.kubectl('create', 'rolebinding', 'flink', '-n', namespace, '--role=flink', subject);
}
