import { type FlinkDeployment, type FlinkSessionJob, JOB_STATES } from '@drey/api';
import { featuresOf, highAvailabilityKind, highAvailabilityOptions, parseFlinkVersion } from '@drey/flink';
import { ConfigMap } from '@drey/kube';
import { attempt } from '../deployment/observation/cluster-readings.ts';
import { observedPod } from '../deployment/observation/kube-readings.ts';
import { askZooKeeper, keepsJob } from '../deployment/observation/zookeeper-metadata.ts';
import { flinkOf } from '../deployment/observe.ts';
import type { ObservedPod } from '../deployment/world.ts';
import { ids } from '../job/fresh-ids.ts';
import { END_SETTLES_MS } from '../job/job-observation.ts';
import { currentOperation, followedJob } from '../job/operation.ts';
import { type Reading, unknown } from '../job/reading.ts';
import { deployedSpec, lastReconciled } from '../job/recorded-spec.ts';
import { sessionClusterName } from '../job/session-cluster-name.ts';
import { readSnapshots } from '../job/snapshots/read.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import type { SeenState } from '../runtime/job-pulse.ts';
import type { Env, FlinkCall, FlinkCluster } from '../runtime/ports.ts';
import type { SessionJobConfig } from './context.ts';
import { readSessionCluster } from './session-cluster-reading.ts';
import type { Submission } from './submissions.ts';
import type { SessionCluster, SessionJobReadings, SessionJobWorld } from './world.ts';

/** How long Flink may take to answer an observation; a longer wait would hold up everything else about the object. */
const OBSERVATION_TIMEOUT_MS = 3_000;
/** Flink itself keeps 16 failures of a job unless it is told otherwise. */
const EXCEPTIONS_READ = 20;
/** HA metadata of one cluster: a handful of ConfigMaps, and one for each of its jobs. */
const HA_LIST_LIMIT = 500;

/** What an observation needs besides the object. */
export interface ObserveOptions {
  readonly epoch: number;
  readonly signal: AbortSignal;
  readonly config: SessionJobConfig;
  readonly submission: Submission | undefined;
  readonly seen: SeenState | undefined;
}

/** What was read, and the way to Flink; undefined where nobody serves. */
export interface Observation {
  readonly world: SessionJobWorld;
  readonly flink: FlinkCluster | undefined;
  /** Pods of the JobManager that serves. */
  readonly jobManagerPods: readonly ObservedPod[];
}

/** Makes all readings for one session job. Rejects only when `signal` aborts or the object's own data are broken. */
export async function observe(env: Env, sessionJob: FlinkSessionJob, options: ObserveOptions): Promise<Observation> {
  const { caches, clock } = env;
  const { namespace = '' } = sessionJob.metadata;
  const name = sessionClusterName(sessionJob);
  const found = await readSessionCluster(env, sessionJob, options.signal);
  const pods = caches.pods.byIndex('cluster', `${namespace}/${name}`);
  const jobManagerPods = pods
    .filter((pod) => pod.metadata.labels?.component === 'jobmanager')
    .map(observedPod)
    .filter((pod) => pod.ready && !pod.deleting);
  const reading: Reading<SessionCluster | undefined> = found.known
    ? { ...found, value: found.value && { ...found.value, reachable: jobManagerPods.length > 0 } }
    : found;
  const cluster = reading.known ? reading.value : undefined;
  const flink = cluster?.reachable
    ? servingFlink(env, cluster.deployment, sessionJob, jobManagerPods, options)
    : undefined;
  const call: FlinkCall = { timeoutMs: OBSERVATION_TIMEOUT_MS, signal: options.signal };
  const readings = flink === undefined ? NOT_ASKED : await readJob(env, sessionJob, flink, call);
  const scope = { env, sessionJob, cluster, options };
  const [heldByHa, snapshots] = await Promise.all([
    readHeldByHa(scope, readings),
    readSnapshots(env, sessionJob, flink, call),
  ]);
  options.signal.throwIfAborted();
  const world: SessionJobWorld = {
    now: clock.now(),
    epoch: options.epoch,
    fresh: ids(env.random),
    sessionJob,
    cluster: reading,
    flink: readings,
    heldByHa,
    snapshots,
    submission: options.submission,
    seen: options.seen,
  };
  return { world, flink, jobManagerPods };
}

function servingFlink(
  env: Env,
  deployment: FlinkDeployment,
  sessionJob: FlinkSessionJob,
  pods: readonly ObservedPod[],
  { config }: ObserveOptions,
): FlinkCluster | undefined {
  if (lastReconciled(deployment.status ?? {}) === undefined) return undefined;
  return flinkOf(env, deployment, config.configurationOf(sessionJob, deployment), pods);
}

const NOT_ASKED: SessionJobReadings = {
  jobs: undefined,
  checkpoints: undefined,
  savepoint: undefined,
  failure: undefined,
  exceptions: undefined,
};

async function readJob(
  env: Env,
  sessionJob: FlinkSessionJob,
  flink: FlinkCluster,
  call: FlinkCall,
): Promise<SessionJobReadings> {
  const { status, metadata } = sessionJob;
  const operation = currentOperation(status?.operation);
  const jobId = followedJob(status ?? {}) ?? '';
  const [jobs, savepoint] = await Promise.all([
    flink.jobs(call),
    operation?.phase === 'stopping' ? flink.savepoint(jobId, operation.id, call) : undefined,
  ]);
  const job = jobs.kind === 'ok' ? jobs.value.find((candidate) => candidate.jobId === jobId) : undefined;
  if (job === undefined) return { ...NOT_ASKED, jobs, savepoint };
  const changed = job.state !== status?.jobStatus?.state;
  const over = isTerminal(JOB_STATES.find((state) => state === job.state));
  const endedAt = Number(status?.jobStatus?.updateTime ?? 0);
  const endIsFresh = over && (changed || env.clock.now() - endedAt < 2 * END_SETTLES_MS);
  const runs = job.state === 'RUNNING' && operation === undefined;
  const pending = metadata.generation !== status?.observedGeneration;
  const wantsCheckpoints = endIsFresh || (over && operation !== undefined) || runs || pending;
  // Of a job that is over everything was told when its end was seen.
  const wantsExceptions = changed || (!over && operation === undefined);
  const mayRescale = operation?.phase === 'rescaling' || (pending && !over);
  const [checkpoints, failure, exceptions, requirements] = await Promise.all([
    wantsCheckpoints ? flink.checkpoints(jobId, call) : undefined,
    job.state === 'FAILED' && changed ? flink.failure(jobId, call) : undefined,
    wantsExceptions ? flink.exceptions(jobId, EXCEPTIONS_READ, call) : undefined,
    mayRescale ? flink.requirements(jobId, call) : undefined,
  ]);
  return { jobs, savepoint, checkpoints, failure, exceptions, requirements };
}

interface Scope {
  readonly env: Env;
  readonly sessionJob: FlinkSessionJob;
  readonly cluster: SessionCluster | undefined;
  readonly options: ObserveOptions;
}

/** Asked only where the cluster answers and does not list a job that should be there. */
async function readHeldByHa(scope: Scope, readings: SessionJobReadings): Promise<Reading<boolean>> {
  const { env, sessionJob, cluster, options } = scope;
  const { status, metadata } = sessionJob;
  const jobId = followedJob(status ?? {});
  const notRead = unknown('not read in this pass', env.clock.now());
  if (jobId === undefined || cluster === undefined || readings.jobs?.kind !== 'ok') return notRead;
  if (readings.jobs.value.some((job) => job.jobId === jobId)) return notRead;
  const running = options.config.configurationOf(sessionJob, cluster.deployment);
  const kind = highAvailabilityKind(running.get(highAvailabilityOptions.type));
  if (kind === 'zookeeper') {
    const scope = { env, signal: options.signal };
    return askZooKeeper(scope, running, (nodes, place) => keepsJob(nodes, place, jobId));
  }
  if (kind !== 'kubernetes') return notRead;
  return attempt(env, async () => {
    const { items } = await env.kube.list(ConfigMap, {
      namespace: metadata.namespace ?? '',
      labelSelector: `app=${cluster.deployment.metadata.name}`,
      limit: HA_LIST_LIMIT,
      signal: options.signal,
    });
    const graph = `${graphPrefix(cluster.deployment)}${jobId}`;
    return items.some(({ data }) => data?.[graph] !== undefined);
  });
}

/** A JobManager takes no job up again that one of another layout left. */
function graphPrefix({ spec, status }: FlinkDeployment): string {
  const { flinkVersion } = deployedSpec(status ?? {})?.spec ?? spec;
  return featuresOf(parseFlinkVersion(flinkVersion ?? '')).jobGraphKeyPrefix;
}
