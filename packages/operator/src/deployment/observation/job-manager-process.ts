import { type Context, jobOf } from '../context.ts';
import { highAvailability } from '../upgrade/upgrade-facts.ts';
import type { ObservedPod, World } from '../world.ts';

/** Identifies one run of a JobManager's container: another one after each restart. */
export function processOf(pod: ObservedPod): string {
  return `${pod.uid}/${pod.restarts}`;
}

/**
 * The process that serves, when there is exactly one. A pod that is older than its Deployment is one of the cluster before, of which
 * the cache of pods does not know yet that it is gone.
 */
export function servingProcess({ jobManager, jobManagerPods }: World): string | undefined {
  if (!jobManagerPods.known) return undefined;
  const since = jobManager.known ? (jobManager.value?.createdAt ?? 0) : 0;
  const [only, ...others] = jobManagerPods.value.filter(
    ({ ready, deleting, createdAt = since }) => ready && !deleting && createdAt >= since,
  );
  return only === undefined || others.length > 0 ? undefined : processOf(only);
}

/** True when only this operator can tell where the job's newest state is once its JobManager is dead. */
export function keepsState({ wanted, runningOptions }: Pick<Context, 'wanted' | 'runningOptions'>): boolean {
  const mode = jobOf(wanted.spec).upgradeMode ?? 'stateless';
  return mode !== 'stateless' && highAvailability(runningOptions) === 'none';
}

/**
 * The process that ran the job is no more, and another one has taken its place or will: without high availability it begins
 * the job again from where the dead one had begun, and what was done since then would be lost.
 */
export function isReplaced(context: Context): boolean {
  const { seen, jobManager, jobManagerPods } = context.world;
  if (!keepsState(context) || seen?.process === undefined) return false;
  if (seen.jobId !== context.status.jobStatus?.jobId) return false;
  if (!jobManager.known || jobManager.value === undefined || !jobManagerPods.known) return false;
  return !jobManagerPods.value.some((pod) => processOf(pod) === seen.process);
}
