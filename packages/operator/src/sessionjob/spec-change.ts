import {
  type DeploymentMode,
  diffSpecs,
  type FlinkDeployment,
  type FlinkSessionJobSpec,
  type SpecDiff,
} from '@drey/api';
import type { SessionJobContext } from './context.ts';

/**
 * How a wanted spec differs from a recorded one; undefined when it does not. What a change of parallelism takes depends on
 * the mode of the cluster.
 */
export function specChange(
  recorded: FlinkSessionJobSpec,
  wanted: FlinkSessionJobSpec,
  cluster: FlinkDeployment | undefined,
): SpecDiff | undefined {
  const mode: DeploymentMode = cluster?.spec.mode ?? 'native';
  const diff = diffSpecs('FlinkSessionJob', recorded, wanted, mode);
  return diff.differences.length === 0 ? undefined : diff;
}

/** Members that matter to a start although a running job is not restarted for them. */
const FOR_STARTS: readonly string[] = ['job.allowNonRestoredState'];
const FOR_FIRST_STARTS: readonly string[] = [...FOR_STARTS, 'job.initialSavepointPath'];

/** True when the start that is recorded is no longer the one that is wanted, so that another one is recorded instead. */
export function wantsAnotherStart({ recorded, wanted, cluster, invalid }: SessionJobContext): boolean {
  if (recorded === undefined || invalid !== undefined) return false;
  const starting = { ...recorded.spec, job: { ...recorded.spec.job, state: 'running' as const } };
  const differences = specChange(starting, wanted.spec, cluster?.deployment)?.differences ?? [];
  const also = recorded.firstDeployment ? FOR_FIRST_STARTS : FOR_STARTS;
  return differences.some(({ type, field }) => type !== 'IGNORE' || also.includes(field));
}
