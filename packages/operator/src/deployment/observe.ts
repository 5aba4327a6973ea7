import { type FlinkDeployment, JOB_STATES } from '@drey/api';
import { clusterOptions, type FlinkConfig, resourceOptions, schedulerOptions } from '@drey/flink';
import { ids } from '../job/fresh-ids.ts';
import { END_SETTLES_MS } from '../job/job-observation.ts';
import { currentOperation } from '../job/operation.ts';
import { deployedSpec, lastReconciled } from '../job/recorded-spec.ts';
import { readSnapshots } from '../job/snapshots/read.ts';
import { isTerminal } from '../job/upgrade-choice.ts';
import type { SeenState } from '../runtime/job-pulse.ts';
import type { Env, FlinkCall, FlinkCluster } from '../runtime/ports.ts';
import { isSessionCluster, isStandalone } from './context.ts';
import { type DriftMemory, readDrift } from './drift/drift-reading.ts';
import {
  type ReadingScope,
  readRemains,
  readSessionJobs,
  readTaskManagers,
  refusedStatefulSets,
} from './observation/cluster-readings.ts';
import { readHaMetadata } from './observation/ha-metadata.ts';
import { readJobManager, readJobManagerPods } from './observation/job-manager-reading.ts';
import { readResultStores } from './observation/result-stores-reading.ts';
import { taskManagersKind } from './task-managers.ts';
import { withOperatorKeysOf } from './upgrade/operator-keys.ts';
import type { FlinkReadings, ObservedPod, World } from './world.ts';

/** How long Flink may take to answer an observation; a longer wait would hold up everything else about the object. */
const OBSERVATION_TIMEOUT_MS = 3_000;
/** Flink itself keeps 16 failures of a job unless it is told otherwise. */
const EXCEPTIONS_READ = 20;

/** What an observation needs besides the object. */
export interface ObserveOptions {
  readonly epoch: number;
  readonly signal: AbortSignal;
  readonly configurationOf: (deployment: FlinkDeployment) => FlinkConfig;
  readonly seen: SeenState | undefined;
  readonly drift: DriftMemory;
}

/** Makes all readings for one object. Rejects only when `signal` aborts or the object's own data are broken. */
export async function observe(env: Env, deployment: FlinkDeployment, options: ObserveOptions): Promise<World> {
  // A record that cannot be read rejects here, before any reading is under way.
  deployedSpec(deployment.status ?? {});
  const { clock } = env;
  const { namespace = '', name = '' } = deployment.metadata;
  const { signal } = options;
  const statefulSet = asksForStatefulSet(deployment, options);
  const about = { env, deployment, namespace, name, statefulSet, signal };
  const [jobManager, jobManagerPods] = await Promise.all([
    readJobManager(about),
    readJobManagerPods(about, options.seen),
  ]);
  const present = jobManager.known && jobManager.value !== undefined;
  const reading: ReadingScope = { ...about, present };
  const pods = jobManagerPods.known ? jobManagerPods.value : [];
  const scope: Scope = { env, deployment, options, jobManagerPods: pods, present: reading.present };
  const [remains, ha, flink, snapshots, drift, resultStores] = await Promise.all([
    readRemains(reading),
    readHaMetadata(reading, options.configurationOf),
    readFlink(scope),
    readSnapshots(env, deployment, servingFlink(scope), { timeoutMs: OBSERVATION_TIMEOUT_MS, signal }),
    readDrift(reading, options.drift),
    readResultStores(reading, options.configurationOf),
  ]);
  options.signal.throwIfAborted();
  return {
    now: clock.now(),
    epoch: options.epoch,
    fresh: ids(env.random),
    deployment,
    jobManager,
    jobManagerPods,
    taskManagers: readTaskManagers(reading),
    ...refusedStatefulSets(reading),
    sessionJobs: readSessionJobs(reading),
    remains,
    drift,
    ha,
    resultStores,
    flink,
    snapshots,
    seen: options.seen,
  };
}

function asksForStatefulSet(
  deployment: FlinkDeployment,
  { configurationOf }: ObserveOptions,
): ReadingScope['statefulSet'] {
  const asks = (spec: FlinkDeployment['spec'] | undefined): boolean => {
    if (spec === undefined || !isStandalone(spec)) return false;
    try {
      return taskManagersKind(configurationOf({ ...deployment, spec })) === 'StatefulSet';
    } catch {
      // Nothing is made of a spec without a configuration; that it has none is told by its validation.
      return false;
    }
  };
  const { status = {}, spec } = deployment;
  if (asks(spec)) return 'wanted';
  return asks(deployedSpec(status)?.spec) || asks(lastReconciled(status)?.spec) ? 'deployed' : undefined;
}

interface Scope {
  readonly env: Env;
  readonly deployment: FlinkDeployment;
  readonly options: ObserveOptions;
  readonly jobManagerPods: readonly ObservedPod[];
  /** A Deployment of this name is in the cache. */
  readonly present: boolean;
}

const NOT_ASKED: FlinkReadings = {
  jobs: undefined,
  checkpoints: undefined,
  savepoint: undefined,
  failure: undefined,
  facts: undefined,
  taskManagers: undefined,
};

/** The cluster, where there is one to be asked. */
function servingFlink({ env, deployment, options, present, jobManagerPods }: Scope): FlinkCluster | undefined {
  const phase = currentOperation(deployment.status?.operation)?.phase;
  const recorded = deployedSpec(deployment.status ?? {});
  if (recorded === undefined || !present || phase === 'removing' || phase === 'leaving' || phase === 'deploying')
    return undefined;
  // A pod that is not ready does not serve; its Service has no endpoint.
  if (!jobManagerPods.some((pod) => pod.ready && !pod.deleting)) return undefined;
  return flinkOf(env, deployment, options.configurationOf({ ...deployment, spec: recorded.spec }), jobManagerPods);
}

async function readFlink(scope: Scope): Promise<FlinkReadings> {
  const { deployment, options } = scope;
  const recorded = deployedSpec(deployment.status ?? {});
  const cluster = servingFlink(scope);
  if (recorded === undefined || cluster === undefined) return NOT_ASKED;
  const running = options.configurationOf({ ...deployment, spec: recorded.spec });
  const call: FlinkCall = { timeoutMs: OBSERVATION_TIMEOUT_MS, signal: options.signal };
  if (isSessionCluster(recorded.spec)) return readSession(cluster, call);
  if (recorded.spec.job?.state === 'suspended') return { ...NOT_ASKED, jobs: await cluster.jobs(call) };
  const isAdaptive = running.get(schedulerOptions.jobManagerScheduler) === 'Adaptive';
  const current = options.configurationOf({ ...deployment, spec: withOperatorKeysOf(recorded.spec, deployment.spec) });
  const isChecked = current.get(resourceOptions.clusterHealthCheckEnabled);
  return readJob(scope, { cluster, isAdaptive, isChecked }, call);
}

/** Whether jobs can be submitted, and which are there. */
async function readSession(cluster: FlinkCluster, call: FlinkCall): Promise<FlinkReadings> {
  const [jobs, facts, taskManagers] = await Promise.all([
    cluster.jobs(call),
    cluster.facts(call),
    cluster.taskManagerCount(call),
  ]);
  return { ...NOT_ASKED, jobs, facts, taskManagers };
}

async function readJob(
  scope: Scope,
  how: { readonly cluster: FlinkCluster; readonly isAdaptive: boolean; readonly isChecked: boolean },
  call: FlinkCall,
): Promise<FlinkReadings> {
  const { deployment, env } = scope;
  const { cluster, isAdaptive, isChecked } = how;
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
  const rescaling = operation?.phase === 'rescaling';
  // A job that was begun anew since its spec was recorded may not have the parallelisms that it was rescaled to.
  const begunAnew = (job?.startTime ?? 0) > (status?.reconciliationStatus?.reconciliationTimestamp ?? 0);
  const wantsRequirements = isAdaptive && job !== undefined && !over && (pending || begunAnew);
  // Of a job that is over everything was told when its end was seen.
  const wantsExceptions = job !== undefined && (changed || (!over && operation === undefined));
  const [checkpoints, failure, facts, taskManagers, requirements, exceptions, health] = await Promise.all([
    wantsCheckpoints ? cluster.checkpoints(jobId, call) : undefined,
    job?.state === 'FAILED' && changed ? cluster.failure(jobId, call) : undefined,
    wantsFacts ? cluster.facts(call) : undefined,
    wantsFacts ? cluster.taskManagerCount(call) : undefined,
    rescaling || wantsRequirements ? cluster.requirements(jobId, call) : undefined,
    wantsExceptions ? cluster.exceptions(jobId, EXCEPTIONS_READ, call) : undefined,
    isChecked && job !== undefined && !over ? cluster.health(jobId, call) : undefined,
  ]);
  return { jobs, savepoint, checkpoints, failure, facts, taskManagers, requirements, exceptions, health };
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
  return env.flink(url, deployedSpec(deployment.status ?? {})?.spec.flinkVersion ?? '');
}
