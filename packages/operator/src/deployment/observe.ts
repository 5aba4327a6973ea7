import { type FlinkDeployment, JOB_STATES } from '@drey/api';
import { clusterOptions, type FlinkConfig } from '@drey/flink';
import { ConfigMap, Deployment, isKubeError, Pod, Service } from '@drey/kube';
import { ids } from '../job/fresh-ids.ts';
import { END_SETTLES_MS } from '../job/job-observation.ts';
import { currentOperation } from '../job/operation.ts';
import { known, type Reading, unknown } from '../job/reading.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import { NATIVE_CLUSTER_SELECTOR } from '../runtime/caches.ts';
import type { SeenState } from '../runtime/job-pulse.ts';
import type { Env, FlinkCall, FlinkCluster } from '../runtime/ports.ts';
import { observedDeployment, observedPod } from './kube-readings.ts';
import { highAvailability } from './upgrade-facts.ts';
import type { FlinkReadings, HaMetadata, ObservedPod, Remains, World } from './world.ts';

/** How long Flink may take to answer an observation; a longer wait would hold up everything else about the object. */
const OBSERVATION_TIMEOUT_MS = 3_000;
/** HA metadata of one cluster is a handful of ConfigMaps. */
const HA_LIST_LIMIT = 500;

/** What an observation needs besides the object. */
export interface ObserveOptions {
  readonly epoch: number;
  readonly signal: AbortSignal;
  readonly configurationOf: (deployment: FlinkDeployment) => FlinkConfig;
  readonly seen: SeenState | undefined;
}

/** Makes all readings for one object. Rejects only when `signal` aborts or the object's own data are broken. */
export async function observe(env: Env, deployment: FlinkDeployment, options: ObserveOptions): Promise<World> {
  const { caches, clock } = env;
  const { namespace = '', name = '' } = deployment.metadata;
  const cached = caches.deployments.get(namespace, name);
  const pods = caches.pods.byIndex('cluster', `${namespace}/${name}`);
  const jobManagerPods = pods.filter((pod) => pod.metadata.labels?.component === 'jobmanager').map(observedPod);
  const jobManager = caches.deployments.synced
    ? known(cached === undefined ? undefined : observedDeployment(cached), clock.now())
    : unknown('the cache of Deployments is not filled yet', clock.now());
  const scope: Scope = { env, deployment, options, namespace, name, jobManagerPods, present: cached !== undefined };
  const [remains, ha, flink] = await Promise.all([readRemains(scope), readHaMetadata(scope), readFlink(scope)]);
  options.signal.throwIfAborted();
  return {
    now: clock.now(),
    epoch: options.epoch,
    fresh: ids(env.random),
    deployment,
    jobManager,
    jobManagerPods: caches.pods.synced
      ? known(jobManagerPods, clock.now())
      : unknown('the cache of pods is not filled yet', clock.now()),
    remains,
    ha,
    flink,
    seen: options.seen,
  };
}

interface Scope {
  readonly env: Env;
  readonly deployment: FlinkDeployment;
  readonly options: ObserveOptions;
  readonly namespace: string;
  readonly name: string;
  readonly jobManagerPods: readonly ObservedPod[];
  /** A Deployment of this name is in the cache. */
  readonly present: boolean;
}

function isDeleting(deployment: FlinkDeployment): boolean {
  return deployment.metadata.deletionTimestamp !== undefined;
}

/** Asked of the API server itself, and only when the cache says that everything is gone: the cache may be behind. */
async function readRemains(scope: Scope): Promise<Reading<Remains>> {
  const { env, deployment, namespace, name } = scope;
  const phase = currentOperation(deployment.status?.operation)?.phase;
  const asked = isDeleting(deployment) || phase === 'removing' || phase === 'deploying';
  if (!asked || scope.present) return unknown('not read in this pass', env.clock.now());
  const call = { signal: scope.options.signal };
  const labelSelector = `${NATIVE_CLUSTER_SELECTOR},app=${name}`;
  return attempt(env, async () => {
    const [live, pods, rest, headless] = await Promise.all([
      exists(env.kube.get(Deployment, namespace, name, call)),
      env.kube.list(Pod, { namespace, labelSelector, ...call }),
      exists(env.kube.get(Service, namespace, `${name}-rest`, call)),
      exists(env.kube.get(Service, namespace, name, call)),
    ]);
    return {
      deployment: live,
      pods: pods.items.map((pod) => pod.metadata.name ?? ''),
      services: [...(rest ? [`${name}-rest`] : []), ...(headless ? [name] : [])],
    };
  });
}

async function exists(read: Promise<unknown>): Promise<boolean> {
  try {
    await read;
    return true;
  } catch (error) {
    if (isKubeError(error, 'E_KUBE_NOT_FOUND')) return false;
    throw error;
  }
}

/** Asked where a decision may rest on it: while something changes or is lost. */
async function readHaMetadata(scope: Scope): Promise<Reading<HaMetadata>> {
  const { env, deployment, namespace, name } = scope;
  if (!wantsHaMetadata(scope)) return unknown('not read in this pass', env.clock.now());
  return attempt(env, async () => {
    const list = await env.kube.list(ConfigMap, {
      namespace,
      labelSelector: `${NATIVE_CLUSTER_SELECTOR},app=${name}`,
      limit: HA_LIST_LIMIT,
      signal: scope.options.signal,
    });
    return haMetadata(list.items.filter(isHaConfigMap), deployment);
  });
}

/** By its name, since older versions of Flink put no label on it; the cluster's configuration has the same other labels. */
function isHaConfigMap(map: ConfigMap): boolean {
  const name = map.metadata.name ?? '';
  return (name.endsWith('-config-map') || name.endsWith('-leader')) && map.metadata.deletionTimestamp === undefined;
}

function wantsHaMetadata(scope: Scope): boolean {
  const { deployment, options } = scope;
  const phase = currentOperation(deployment.status?.operation)?.phase;
  // While the old cluster is still there, nothing is decided about what it leaves.
  if (isDeleting(deployment) || phase === 'removing' || phase === 'deploying') return !scope.present;
  const recorded = lastReconciled(deployment.status ?? {});
  if (recorded === undefined) return false;
  const running = options.configurationOf({ ...deployment, spec: recorded.spec });
  if (highAvailability(running) === 'none') return false;
  return !scope.present || deployment.metadata.generation !== deployment.status?.observedGeneration;
}

function haMetadata(items: readonly ConfigMap[], deployment: FlinkDeployment): HaMetadata {
  const { name } = deployment.metadata;
  const isJobMap = (map: ConfigMap): boolean => {
    const mapName = map.metadata.name ?? '';
    return (
      mapName.endsWith('-jobmanager-leader') ||
      (mapName.endsWith('-config-map') && mapName !== `${name}-cluster-config-map`)
    );
  };
  const keysOf = (map: ConfigMap): string[] => Object.keys(map.data ?? {});
  return {
    configMaps: items.map((map) => ({
      name: map.metadata.name ?? '',
      uid: map.metadata.uid ?? '',
      resourceVersion: map.metadata.resourceVersion ?? '',
      jobGraphKeys: keysOf(map).filter((key) => key.startsWith('jobGraph-') || key.startsWith('executionPlan-')),
    })),
    available: items.some(isJobMap),
    hasCheckpoint: items.some((map) => isJobMap(map) && keysOf(map).some((key) => key.startsWith('checkpointID-'))),
  };
}

async function attempt<T>(env: Env, read: () => Promise<T>): Promise<Reading<T>> {
  try {
    return known(await read(), env.clock.now());
  } catch (error) {
    if (!isKubeError(error)) throw error;
    return unknown(`the API server did not answer (${error.code})`, env.clock.now());
  }
}

const NOT_ASKED: FlinkReadings = {
  jobs: undefined,
  checkpoints: undefined,
  savepoint: undefined,
  failure: undefined,
  facts: undefined,
  taskManagers: undefined,
};

async function readFlink(scope: Scope): Promise<FlinkReadings> {
  const { env, deployment, options } = scope;
  const status = deployment.status;
  const phase = currentOperation(status?.operation)?.phase;
  const recorded = lastReconciled(status ?? {});
  if (recorded === undefined || !scope.present || phase === 'removing' || phase === 'deploying') return NOT_ASKED;
  // A pod that is not ready does not serve; its Service has no endpoint.
  if (!scope.jobManagerPods.some((pod) => pod.ready && !pod.deleting)) return NOT_ASKED;
  const running = options.configurationOf({ ...deployment, spec: recorded.spec });
  const cluster = flinkOf(env, deployment, running, scope.jobManagerPods);
  const call: FlinkCall = { timeoutMs: OBSERVATION_TIMEOUT_MS, signal: options.signal };
  if (recorded.spec.job?.state === 'suspended') return { ...NOT_ASKED, jobs: await cluster.jobs(call) };
  return readJob(scope, cluster, call);
}

async function readJob(scope: Scope, cluster: FlinkCluster, call: FlinkCall): Promise<FlinkReadings> {
  const { deployment, env } = scope;
  const status = deployment.status;
  const jobId = status?.jobStatus?.jobId ?? '';
  const operation = currentOperation(status?.operation);
  const stopping = operation?.phase === 'stopping';
  const [jobs, savepoint] = await Promise.all([
    cluster.jobs(call),
    stopping ? cluster.savepoint(operation.target ?? jobId, operation.id, call) : undefined,
  ]);
  const job = jobs.kind === 'ok' ? jobs.value.find((candidate) => candidate.jobId === jobId) : undefined;
  const changed = job !== undefined && job.state !== status?.jobStatus?.state;
  const over = job !== undefined && isTerminal(JOB_STATES.find((state) => state === job.state));
  const endedAt = Number(status?.jobStatus?.updateTime ?? 0);
  const endIsFresh = over && (changed || env.clock.now() - endedAt < 2 * END_SETTLES_MS);
  const pending = deployment.metadata.generation !== status?.observedGeneration;
  const wantsFacts = job?.state === 'RUNNING' && operation === undefined;
  const wantsCheckpoints =
    job !== undefined && (endIsFresh || (over && operation !== undefined) || wantsFacts || pending);
  const [checkpoints, failure, facts, taskManagers] = await Promise.all([
    wantsCheckpoints ? cluster.checkpoints(jobId, call) : undefined,
    job?.state === 'FAILED' && changed ? cluster.failure(jobId, call) : undefined,
    wantsFacts ? cluster.facts(call) : undefined,
    wantsFacts ? cluster.taskManagerCount(call) : undefined,
  ]);
  return { jobs, savepoint, checkpoints, failure, facts, taskManagers };
}

/** The Flink cluster behind a deployment's REST Service. */
export function flinkOf(
  env: Env,
  deployment: FlinkDeployment,
  running: FlinkConfig,
  jobManagerPods: readonly ObservedPod[],
): FlinkCluster {
  const { namespace = '', name = '' } = deployment.metadata;
  const service = `${name}-rest`;
  const address = env.caches.services.get(namespace, service)?.spec?.clusterIP;
  const url = env.endpoints({
    namespace,
    service,
    port: running.get(clusterOptions.restPort),
    tls: running.get(clusterOptions.restSslEnabled),
    clusterIp: address === undefined || address === '' || address === 'None' ? undefined : address,
    podIp: jobManagerPods.find((pod) => pod.ready)?.ip,
  });
  return env.flink(url, lastReconciled(deployment.status ?? {})?.spec.flinkVersion ?? '');
}
