import type { FlinkDeployment, FlinkDeploymentStatus, StartResults } from '@drey/api';
import { type ConfigurationWarning, type FlinkConfig, highAvailabilityOptions, resourceOptions } from '@drey/flink';
import { hasMountedResults, hasPostStart, mergePodTemplates, resultStores } from '@drey/manifests';
import type { JobObservation } from '../../job/job-observation.ts';
import type { CurrentOperation } from '../../job/operation.ts';
import { deployedSpec } from '../../job/recorded-spec.ts';
import { type Context, isSessionCluster } from '../context.ts';
import type { JobManagerDeployment, World } from '../world.ts';

/**
 * Files of results of earlier starts. Each start has directories of its own; where that is asked for they are recorded before
 * the start is made, and the JobManager of a later start deletes them. Only directories that a record names are ever
 * deleted, and no start gets a directory that another one had.
 */

/** How many earlier starts are remembered when none of them came up; what is older stays. */
const KEPT = 8;

const CLEANUP = resourceOptions.jobResultStoreCleanupEnabled;

/** Whether results of a cluster with this configuration can be deleted, and are to be. */
export function cleansResults(options: FlinkConfig): boolean {
  return options.get(CLEANUP) && hasMountedResults(options);
}

/** The id under which the results of a cluster are recorded. Of another operator's cluster only its Deployment is known. */
export function startIdOf(jobManager: Pick<JobManagerDeployment, 'operationId' | 'uid'>): string {
  return jobManager.operationId ?? jobManager.uid;
}

/** A status with where the start that it records will keep its results, before those of the starts that it replaces. */
export function withStartRecorded(
  context: Pick<Context, 'wanted' | 'options' | 'config'>,
  status: FlinkDeploymentStatus,
  { id: start }: CurrentOperation,
): FlinkDeploymentStatus {
  const directories = context.options.get(CLEANUP) ? directoriesOf(context, status, start) : undefined;
  const { resultStores: known, ...others } = status;
  if (directories === undefined) return known === undefined ? status : others;
  const earlier = (known ?? []).filter((one) => one.start !== start);
  return { ...status, resultStores: bounded([{ start, directories }, ...earlier]) };
}

/** Where a start that a status records will keep its results; undefined on storage where nobody can delete them. */
function directoriesOf(
  { wanted, config }: Pick<Context, 'wanted' | 'config'>,
  status: FlinkDeploymentStatus,
  start: string,
): string[] | undefined {
  const spec = deployedSpec(status)?.spec ?? wanted.spec;
  const options = config.configurationOf({ ...wanted, spec });
  if (!hasMountedResults(options)) return undefined;
  const owner = { name: wanted.metadata.name ?? '', flinkVersion: spec.flinkVersion ?? undefined };
  return Object.values(resultStores(options, owner, start) ?? {});
}

/** What the JobManager of a recorded start deletes: the results of the starts that it replaces. */
export function formerResults(
  { status, options }: Pick<Context, 'status' | 'options'>,
  { id }: CurrentOperation,
): readonly string[] {
  const [newest, ...earlier] = status.resultStores ?? [];
  if (newest?.start !== id || !options.get(CLEANUP)) return [];
  return earlier.flatMap(({ directories }) => directories);
}

/**
 * A status with what was seen of the results of the cluster that is there: where it keeps them, when nobody recorded that, and
 * that those of earlier starts are gone, once the job that began after their deletion runs.
 */
export function withObservedResults(
  status: FlinkDeploymentStatus,
  { jobManager, resultStores: reading, deployment }: World,
  job: JobObservation,
): FlinkDeploymentStatus {
  const live = jobManager.known ? jobManager.value : undefined;
  if (live === undefined || live.deleting || live.ownerUid !== deployment.metadata.uid) return status;
  const recorded = status.resultStores ?? [];
  const start = startIdOf(live);
  if (!recorded.some((one) => one.start === start)) {
    if (reading?.known !== true) return status;
    return { ...status, resultStores: bounded([{ start, directories: [...reading.value] }, ...recorded]) };
  }
  const [newest, ...earlier] = recorded;
  // What another operator started deleted nothing.
  const isCleaned = newest?.start === live.operationId && job.kind === 'found' && job.state === 'RUNNING';
  return newest !== undefined && isCleaned && earlier.length > 0 ? { ...status, resultStores: [newest] } : status;
}

function bounded(starts: readonly StartResults[]): StartResults[] {
  return starts.slice(0, 1 + KEPT);
}

/** Why the results of earlier starts stay although they are to be deleted. */
export function resultStoreWarnings(
  deployment: FlinkDeployment,
  options: FlinkConfig,
): readonly ConfigurationWarning[] {
  const { spec } = deployment;
  const directory = options.get(highAvailabilityOptions.storageDir);
  if (!options.get(CLEANUP) || isSessionCluster(spec) || directory === undefined) return [];
  const because = (why: string): readonly ConfigurationWarning[] => [
    { key: CLEANUP.key, kind: 'without-effect', message: `${CLEANUP.key} deletes nothing: ${why}` },
  ];
  if (!hasMountedResults(options)) {
    return because(
      `${highAvailabilityOptions.storageDir.key} is not a plain path on storage that is mounted into the JobManager's pod. Write file:///…, or expire objects below job-result-store in the store itself.`,
    );
  }
  const template = mergePodTemplates(
    (spec.podTemplate ?? null) as never,
    (spec.jobManager?.podTemplate ?? null) as never,
    options.get(resourceOptions.podTemplateMergeArraysByName),
  );
  return hasPostStart(template)
    ? because("the pod template has a lifecycle.postStart of its own in Flink's container. Remove one of the two.")
    : [];
}
