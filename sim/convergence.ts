import type { FlinkDeployment, FlinkSessionJob, FlinkStateSnapshot } from '@drey/api';
import type { SimulatedWorld } from '@drey/devcluster/testing';
import type { AnyObject, ConfigMap, Service } from '@drey/kube';
import { EDITED } from './incidents.ts';
import { hasStatefulSet, overriddenParallelism, periodicTypes, restartsFailed, rollsBack } from './operator-options.ts';
import type { Violation } from './oracles.ts';
import type { Subject } from './scenario.ts';
import { MISSING } from './specs.ts';
import { keyOfSubject, type ValidSpec, type Wish } from './wishes.ts';

/** What the scenario knows about the state of a subject's job. */
export interface StateKnowledge {
  /** The newest state that the job left is one that somebody can name. */
  readonly isKnown: boolean;
  /** A fault destroyed state that the job needed. */
  readonly isLost: boolean;
  /** The last run failed for good. */
  readonly hasFailed: boolean;
}

/** Everything that has to fit together at the end. */
export interface Arrival {
  readonly world: SimulatedWorld;
  /** Wall time since when nothing goes wrong. */
  readonly quietSince: number;
  readonly snapshotsOf: (subject: Subject) => readonly FlinkStateSnapshot[];
  readonly object: (subject: Subject) => AnyObject | undefined;
  readonly stateOf: (wish: Wish) => StateKnowledge;
}

type JobResource = FlinkDeployment | FlinkSessionJob;

/** What still differs from the wish; undefined when the object has arrived. */
export function unsettled(arrival: Arrival, wish: Wish): string | undefined {
  const object = arrival.object(wish.subject);
  if (!wish.exists) {
    if (object !== undefined) return isBlocked(object) ? undefined : 'the object is still there';
    const left = wish.subject.kind === 'FlinkDeployment' ? clusterObjects(arrival.world, wish) : [];
    return left.length === 0 ? undefined : `left over: ${left.map((one) => one.metadata.name).join(', ')}`;
  }
  if (object === undefined) return 'the object is gone';
  if (object.status === undefined) return 'no status';
  if (wish.subject.kind === 'FlinkStateSnapshot')
    return unsettledSnapshot(arrival, wish, object as unknown as FlinkStateSnapshot);
  const resource = object as unknown as JobResource;
  if (resource.kind === 'FlinkDeployment' && !('job' in resource.spec))
    return unsettledSession(arrival, wish, resource);
  return unsettledJob(arrival, wish, resource);
}

/** A session cluster whose jobs have to be deleted first, and which says so. */
function isBlocked({ status }: AnyObject): boolean {
  const { conditions } = (status ?? {}) as NonNullable<FlinkDeployment['status']>;
  return conditions?.some(({ message }) => message?.includes('should be deleted first')) === true;
}

function unsettledSnapshot(arrival: Arrival, wish: Wish, { spec, status }: FlinkStateSnapshot): string | undefined {
  const { kind, name } = spec.jobReference ?? {};
  const target = arrival.object({ ...wish.subject, kind: kind as Subject['kind'], name: name ?? '' });
  // It waits for a job that is not there, and says so.
  if (target === undefined && status?.state === 'TRIGGER_PENDING') return undefined;
  // So does one of a job whose cluster is gone.
  const { deploymentName } = (target as unknown as FlinkSessionJob | undefined)?.spec ?? {};
  const cluster = { ...wish.subject, kind: 'FlinkDeployment', name: deploymentName ?? '' } as const;
  if (kind === 'FlinkSessionJob' && arrival.object(cluster) === undefined && status?.state === 'TRIGGER_PENDING')
    return undefined;
  const state = status?.state ?? 'no state';
  return ['COMPLETED', 'FAILED', 'ABANDONED'].includes(state) ? undefined : `state ${state}`;
}

function unsettledSession({ world }: Arrival, wish: Wish, { metadata, status }: FlinkDeployment): string | undefined {
  const { namespace, name } = wish.subject;
  if (world.fabric.leader(`${namespace}/${name}`)?.restUp !== true) return 'the JobManager does not answer';
  if (wish.flaws.size === 0 && status?.observedGeneration !== metadata.generation)
    return `observedGeneration ${status?.observedGeneration} of ${metadata.generation}`;
  if (status?.jobManagerDeploymentStatus !== 'READY') return `JobManager ${status?.jobManagerDeploymentStatus}`;
  return status.lifecycleState === 'STABLE' ? undefined : `lifecycleState ${status.lifecycleState}`;
}

function unsettledJob(arrival: Arrival, wish: Wish, resource: JobResource): string | undefined {
  const { metadata, status } = resource;
  if (status === undefined || status === null) return 'no status';
  const running = runningJobs(arrival.world, resource);
  if (resource.kind === 'FlinkSessionJob') {
    const cluster = { ...wish.subject, kind: 'FlinkDeployment', name: resource.spec.deploymentName ?? '' } as const;
    const served = arrival.object(cluster);
    if (served === undefined) return status.jobStatus?.state === 'RUNNING' ? 'it runs on no cluster' : undefined;
    if (served.metadata.deletionTimestamp !== undefined) return undefined;
  }
  if (isExcused(arrival.stateOf(wish), wish, resource)) return undefined;
  const isInvalid = isRefused(wish, resource);
  // Nothing was ever done for an object that was invalid from the beginning.
  if (isInvalid && recorded(resource) === NEVER && running.length === 0) return undefined;
  // One that was suspended before anything was done for it stays as it is, as with the Apache operator.
  if (status.lifecycleState === 'CREATED' && wish.valid.at(-1)?.suspended && running.length === 0) return undefined;
  if (!isInvalid && status.observedGeneration !== metadata.generation)
    return `observedGeneration ${status.observedGeneration} of ${metadata.generation}`;
  if (wish.broken.size > 0) return isInvalid ? undefined : unsettledBroken(wish, resource, running);
  // What is gone on with is a spec that cannot run itself: its mending came with the refused one.
  if (isInvalid && isBroken(JSON.parse(recorded(resource)) as Recorded)) return undefined;
  const wanted = isInvalid ? wantedBefore(wish, resource) : wish.valid.at(-1);
  if (wanted === undefined) return `what is recorded was never wanted: ${recorded(resource)}`;
  if (wanted.suspended) {
    if (running.length > 0) return 'a job runs although it is suspended';
    return status.lifecycleState === 'SUSPENDED' ? undefined : `lifecycleState ${status.lifecycleState}`;
  }
  const [job, another] = running;
  if (job === undefined || job.tasksRunningSince === undefined) return 'no job runs';
  if (another !== undefined) return 'two jobs run';
  const parallelism = wanted.overridden ?? wanted.parallelism;
  if (job.parallelism !== parallelism) return `parallelism ${job.parallelism}, wanted ${parallelism}`;
  if (status.jobStatus?.state !== 'RUNNING') return `jobStatus.state ${status.jobStatus?.state}`;
  if (status.jobStatus.jobId !== job.spec.jobId) return `jobId ${status.jobStatus.jobId}, running ${job.spec.jobId}`;
  if (status.lifecycleState !== 'STABLE') return `lifecycleState ${status.lifecycleState}`;
  const missed = missedPeriod(arrival, wish, resource);
  if (missed !== undefined) return missed;
  return resource.kind === 'FlinkDeployment' ? drifted(arrival.world, wish) : undefined;
}

/** A job whose snapshots are taken periodically has had one of each type since the faults ended. */
function missedPeriod({ quietSince, snapshotsOf }: Arrival, wish: Wish, { spec }: JobResource): string | undefined {
  if (wish.flaws.size > 0) return undefined;
  const fresh = snapshotsOf(wish.subject).filter(
    ({ metadata, status }) =>
      Date.parse(metadata.creationTimestamp ?? '') >= quietSince && status?.state === 'COMPLETED',
  );
  const missing = periodicTypes(spec).find(
    (type) => !fresh.some(({ metadata }) => metadata.name?.includes(`-${type}-periodic-`)),
  );
  return missing && `no periodic ${missing} was taken`;
}

/** What somebody changed by hand is as it was made. */
function drifted({ server }: SimulatedWorld, { subject: { namespace, name } }: Wish): string | undefined {
  const { reader } = server.server;
  const service = reader.get('', 'services', namespace, `${name}-rest`) as Service | undefined;
  if (service === undefined) return 'the Service is gone';
  if (service.spec?.selector?.lost !== undefined) return 'the Service leads nowhere';
  const map = reader.get('', 'configmaps', namespace, `flink-config-${name}`) as ConfigMap | undefined;
  if (map === undefined) return 'the configuration is gone';
  if (Object.values(map.data ?? {}).includes(EDITED)) return 'the configuration was edited';
  const deployment = reader.get('flink.apache.org', 'flinkdeployments', namespace, name) as FlinkDeployment | undefined;
  return otherTaskManagers(reader, deployment);
}

/** Of a standalone cluster: what makes its TaskManagers is what was recorded to make them, and nothing else is left. */
function otherTaskManagers(
  reader: SimulatedWorld['server']['server']['reader'],
  deployment: FlinkDeployment | undefined,
): string | undefined {
  const { spec } = JSON.parse(deployment?.status?.reconciliationStatus?.lastReconciledSpec ?? '{}') as Recorded;
  if (deployment?.spec.mode !== 'standalone' || spec === undefined) return undefined;
  const { namespace, name } = deployment.metadata;
  const found = ['deployments', 'statefulsets'].filter((plural) =>
    reader.get('apps', plural, namespace, `${name}-taskmanager`),
  );
  const wanted = hasStatefulSet(spec.flinkConfiguration) ? 'statefulsets' : 'deployments';
  return found.join() === wanted ? undefined : `TaskManagers by ${found.join() || 'nothing'}, wanted ${wanted}`;
}

/** In an application cluster its job; in a session cluster the one that the status names. */
function runningJobs({ fabric }: SimulatedWorld, { kind, metadata, spec, status }: JobResource) {
  const cluster = kind === 'FlinkSessionJob' ? spec.deploymentName : metadata.name;
  const jobs = [...(fabric.leader(`${metadata.namespace}/${cluster}`)?.jobs.values() ?? [])];
  return jobs.filter(
    (job) => !job.isTerminal && (kind === 'FlinkDeployment' || job.spec.jobId === status?.jobStatus?.jobId),
  );
}

function isBroken({ spec }: Recorded): boolean {
  return spec?.image === MISSING.image || spec?.job?.entryClass === MISSING.entryClass;
}

interface Recorded {
  readonly spec?: {
    readonly image?: string;
    readonly job?: { readonly state?: string; readonly parallelism?: number; readonly entryClass?: string | null };
    readonly flinkVersion?: string;
    readonly flinkConfiguration?: object;
  };
}

/**
 * A spec that cannot run is taken back to the last stable one, from its state, where the user wants that and somebody can name
 * the state: a missing image never touched the one it was given.
 */
function unsettledBroken(
  wish: Wish,
  { spec, status }: JobResource,
  running: ReturnType<typeof runningJobs>,
): string | undefined {
  const { state, lastStableSpec, lastReconciledSpec } = status?.reconciliationStatus ?? {};
  const stable = (JSON.parse(lastStableSpec ?? '{}') as Recorded).spec;
  if (state === 'ROLLED_BACK') {
    const [job, another] = running;
    if (job?.tasksRunningSince === undefined || another !== undefined) return 'what was rolled back to does not run';
    const parallelism = overriddenParallelism(stable?.flinkConfiguration) ?? stable?.job?.parallelism;
    if (job.parallelism !== parallelism) return `parallelism ${job.parallelism}, rolled back to ${parallelism}`;
    return status?.jobStatus?.state === 'RUNNING'
      ? undefined
      : `rolled back, jobStatus.state ${status?.jobStatus?.state}`;
  }
  // A JobManager that somebody deleted has to be recovered first, for which its state has to be known.
  const isThere = (status as FlinkDeployment['status'])?.jobManagerDeploymentStatus !== 'MISSING';
  const isOnTrial = isThere && state === 'DEPLOYED' && lastReconciledSpec !== lastStableSpec;
  const isPromised =
    rollsBack(spec) && isOnTrial && !wish.suspended && stable !== undefined && stable.job?.state !== 'suspended';
  const neverTouched = wish.broken.size === 1 && wish.broken.has('image');
  const isStateless = (spec.job?.upgradeMode ?? 'stateless') === 'stateless';
  if (
    !isPromised ||
    !(isStateless || neverTouched) ||
    !('flinkVersion' in spec) ||
    stable.flinkVersion !== spec.flinkVersion
  )
    return undefined;
  return `a spec that cannot run (${[...wish.broken].join()}) is not rolled back`;
}

/** The newest spec is refused: for what is wrong with it, or since a version of Flink may not change in this state. */
function isRefused(wish: Wish, { status }: JobResource): boolean {
  return wish.flaws.size > 0 || status?.error?.includes('Changing flinkVersion after last-state suspend') === true;
}

/**
 * While the newest spec is refused, one that was acted on before is wanted: which one depends on how far the operator had come
 * when the invalid one replaced it, since a spec that was only begun is kept nowhere.
 */
function wantedBefore(wish: Wish, resource: JobResource): ValidSpec | undefined {
  const { spec } = JSON.parse(recorded(resource)) as Recorded;
  const job = spec?.job;
  const overrides = overriddenParallelism(spec?.flinkConfiguration);
  return wish.valid.find(
    ({ suspended, parallelism, overridden }) =>
      suspended === (job?.state === 'suspended') && parallelism === job?.parallelism && overridden === overrides,
  );
}

/** Stands for the record of an object that nothing was done for. */
const NEVER = '{}';

function recorded({ status }: JobResource): string {
  return status?.reconciliationStatus?.lastReconciledSpec ?? NEVER;
}

/**
 * A job that failed for good stays so until its spec changes. One whose state nobody knows any more, or that a fault
 * destroyed, is not started from nothing: its status says what a person has to do.
 */
function isExcused(state: StateKnowledge, wish: Wish, { kind, metadata, spec, status }: JobResource): boolean {
  const { lifecycleState, error, observedGeneration } = status ?? {};
  const isInvalid = wish.flaws.size > 0;
  const asksForHelp = /[Mm]anual restore required|Cannot find checkpoint or savepoint/.test(error ?? '');
  // The Apache operator calls nothing FAILED for what only its error says.
  if (lifecycleState !== 'FAILED' && !asksForHelp) return false;
  const stays = state.hasFailed && !restartsFailed(spec) && (lifecycleState === 'FAILED' || kind === 'FlinkSessionJob');
  if (stays && (isInvalid || observedGeneration === metadata.generation)) return true;
  if (state.isLost) return true;
  // A refusal of the spec stands where the reason stood.
  return !state.isKnown && (isInvalid || asksForHelp);
}

/** What a cluster is made of, as the API server has it now. */
function clusterObjects(world: SimulatedWorld, { subject: { namespace, name } }: Wish): AnyObject[] {
  const { reader } = world.server.server;
  const kinds = [
    ['apps', 'deployments'],
    ['apps', 'statefulsets'],
    ['', 'pods'],
    ['', 'services'],
    ['', 'persistentvolumeclaims'],
  ] as const;
  return kinds
    .flatMap(([group, plural]) => reader.list(group, plural, namespace))
    .filter(({ metadata }) => metadata.labels?.app === name);
}

/** Turns what is left after the bound into violations. */
export function checkConverged(arrival: Arrival, wishes: readonly Wish[], now: number): Violation[] {
  return wishes.flatMap((wish) => {
    const why = unsettled(arrival, wish);
    if (why === undefined) return [];
    const status = JSON.stringify(brief(arrival.object(wish.subject)));
    return { rule: 'converges', at: now, detail: `${keyOfSubject(wish.subject)}: ${why}; status ${status}` };
  });
}

function brief(object: AnyObject | undefined): unknown {
  if (object?.status === undefined) return null;
  const { reconciliationStatus, conditions: _, ...told } = object.status as Record<string, unknown>;
  return { ...told, recon: (reconciliationStatus as { state?: string } | undefined)?.state };
}
