import type { FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot, JobState } from '@drey/api';
import { checkpointingOptions, type FlinkConfig, resourceOptions } from '@drey/flink';
import { buildSessionJobConfig } from '@drey/manifests';
import { observedPod } from '../deployment/observation/kube-readings.ts';
import { flinkOf } from '../deployment/observe.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import type { JobKind, JobResourceStatus } from '../job/resource.ts';
import { sessionClusterName } from '../job/session-cluster-name.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import type { OperatorPolicy } from '../runtime/policy.ts';
import type { Env, FlinkCluster } from '../runtime/ports.ts';
import type { SnapshotTarget, TargetJob } from './world.ts';

/** The job of a snapshot, and the cluster that runs it; undefined where it cannot be asked. */
export interface FoundTarget {
  readonly target: SnapshotTarget;
  readonly flink: FlinkCluster | undefined;
}

/** Finds the job that a snapshot names, in the snapshot's own namespace. */
export function findTarget(
  env: Env,
  policy: Pick<OperatorPolicy, 'configurationOf'>,
  { metadata, spec }: FlinkStateSnapshot,
): FoundTarget {
  const { namespace = '' } = metadata;
  const { kind, name } = spec.jobReference ?? {};
  if (typeof name !== 'string' || name === '') return { target: { kind: 'none' }, flink: undefined };
  const { flinkDeployments, sessionJobs } = env.caches;
  const missing: FoundTarget = { target: { kind: 'missing' }, flink: undefined };
  if (kind === 'FlinkDeployment') {
    const deployment = flinkDeployments.get(namespace, name) as FlinkDeployment | undefined;
    if (deployment === undefined) return missing;
    const cluster = clusterOf(env, policy, deployment);
    return { target: found('FlinkDeployment', deployment, cluster, cluster?.options), flink: cluster?.flink };
  }
  if (kind !== 'FlinkSessionJob') return missing;
  const sessionJob = sessionJobs.get(namespace, name) as FlinkSessionJob | undefined;
  if (sessionJob === undefined) return missing;
  const host = flinkDeployments.get(namespace, sessionClusterName(sessionJob)) as FlinkDeployment | undefined;
  const cluster = host === undefined ? undefined : clusterOf(env, policy, host);
  const recorded = lastReconciled<'FlinkSessionJob'>(sessionJob.status ?? {});
  const running = { ...sessionJob, spec: recorded?.spec ?? sessionJob.spec };
  const options = cluster === undefined ? undefined : buildSessionJobConfig(cluster.options, running);
  const target = found('FlinkSessionJob', sessionJob, cluster, options);
  return { target: { ...target, job: { ...target.job, clusterGone: host === undefined } }, flink: cluster?.flink };
}

interface HostCluster {
  readonly options: FlinkConfig;
  readonly flinkVersion: string | undefined;
  readonly jobManager: string | undefined;
  readonly flink: FlinkCluster | undefined;
}

/** The cluster that a FlinkDeployment runs; undefined before its first deployment. */
function clusterOf(
  env: Env,
  policy: Pick<OperatorPolicy, 'configurationOf'>,
  deployment: FlinkDeployment,
): HostCluster | undefined {
  const recorded = lastReconciled(deployment.status ?? {});
  if (recorded === undefined) return undefined;
  const { namespace = '', name = '' } = deployment.metadata;
  const options = policy.configurationOf({ ...deployment, spec: recorded.spec });
  const pods = env.caches.pods
    .byIndex('cluster', `${namespace}/${name}`)
    .filter((pod) => pod.metadata.labels?.component === 'jobmanager')
    .map(observedPod);
  const serves = pods.some((pod) => pod.ready && !pod.deleting);
  return {
    options,
    flinkVersion: recorded.spec.flinkVersion ?? undefined,
    jobManager: env.caches.deployments.get(namespace, name)?.metadata.uid,
    flink: serves ? flinkOf(env, deployment, options, pods) : undefined,
  };
}

function found(
  kind: JobKind,
  object: FlinkDeployment | FlinkSessionJob,
  cluster: HostCluster | undefined,
  options: FlinkConfig | undefined,
): Extract<SnapshotTarget, { readonly kind: 'found' }> {
  const status: JobResourceStatus = object.status ?? {};
  const job: TargetJob = {
    kind,
    name: object.metadata.name ?? '',
    jobId: status.jobStatus?.jobId ?? undefined,
    state: status.jobStatus?.state ?? undefined,
    starting: isStarting(object, status),
    clusterGone: false,
    jobManager: cluster?.jobManager,
    savepointDirectory: options?.get(checkpointingOptions.savepointDir),
    flinkVersion: cluster?.flinkVersion,
    readinessTimeoutMs: options?.get(resourceOptions.readinessTimeout) ?? resourceOptions.readinessTimeout.defaultValue,
  };
  return { kind: 'found', job };
}

/** The job is wanted, and neither over nor given up. */
function isStarting({ metadata, spec }: FlinkDeployment | FlinkSessionJob, status: JobResourceStatus): boolean {
  if (metadata.deletionTimestamp !== undefined || spec.job?.state === 'suspended') return false;
  const state: JobState | undefined = status.jobStatus?.state ?? undefined;
  switch (status.lifecycleState) {
    case 'FAILED':
    case 'SUSPENDED':
    case 'DELETING':
    case 'DELETED':
      return false;
    case 'CREATED':
    case 'UPGRADING':
    case 'ROLLING_BACK':
      return true;
    default:
      return !isTerminal(state);
  }
}
