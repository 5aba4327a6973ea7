import { isKubeError, Job, type Outcome, Pod } from '@drey/kube';
import { type ControllerContext, objectKey, ownerKeys, startController } from './context.ts';
import { endedAs, jobPod, planJob } from './job-plan.ts';
import { deletePod } from './replica-set.ts';
import { sameJson } from './same.ts';

/** Runs pods until enough of them succeeded. */
export function startJobController(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { client, clock, informers } = context;
  const jobs = informers.of(Job);
  const pods = informers.of(Pod);
  const events = context.events('job-controller');

  const removeJob = async (job: Job): Promise<void> => {
    const { namespace, name = '', uid } = job.metadata;
    try {
      await client.delete(Job, namespace, name, { propagation: 'Foreground', ...(uid === undefined ? {} : { uid }) });
    } catch (error) {
      if (!isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) throw error;
    }
  };

  const reconcile = async (namespace: string, name: string): Promise<Outcome> => {
    const job = jobs.get(namespace, name);
    if (job === undefined) return { type: 'gone' };
    if (job.metadata.deletionTimestamp !== undefined) return { type: 'done' };
    const owned = (): Pod[] => pods.ownedBy(job.metadata.uid ?? '');
    const plan = planJob(job, owned(), clock.now());
    if (plan.expired) {
      await removeJob(job);
      return { type: 'done' };
    }
    for (const index of plan.create) {
      const pod = await client.create(Pod, jobPod(job, index));
      events.record(job, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` });
    }
    for (const pod of plan.remove) await deletePod(context, pod);
    // Pods made in this pass count at once.
    const { status } = plan.create.length === 0 ? plan : planJob(job, owned(), clock.now());
    if (!sameJson(status, job.status)) {
      const written = await client.replace(Job, { ...job, status }, { subresource: 'status' });
      const end = endedAs(job) === undefined ? endedAs(written) : undefined;
      if (end?.type === 'Complete')
        events.record(job, { type: 'Normal', reason: 'Completed', message: 'Job completed' });
      if (end?.type === 'Failed') {
        events.record(job, { type: 'Warning', reason: end.reason ?? 'Failed', message: end.message ?? '' });
      }
    }
    return {
      type: 'done',
      ...(plan.wakeAt === undefined ? {} : { requeueAfterMs: Math.max(0, plan.wakeAt - clock.now()) }),
    };
  };

  return startController(
    context,
    { name: 'job', sources: [jobs.source((job) => [objectKey(job)]), pods.source(ownerKeys('Job'))], reconcile },
    signal,
  );
}
