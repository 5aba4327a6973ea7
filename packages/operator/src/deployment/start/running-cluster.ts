import type { FlinkDeployment } from '@drey/api';
import type { RecordedSpec } from '../../job/recorded-spec.ts';
import type { ClusterToCreate } from '../plan.ts';
import type { JobManagerDeployment } from '../world.ts';
import { startPath } from './start.ts';

/**
 * What a cluster that runs was made from, as far as it is still known: the recorded spec, the job's id, where the job began.
 * Of a cluster that another operator made, the directory of job results is not known; it gets one of its own.
 */
export function runningCluster(
  deployment: FlinkDeployment,
  recorded: RecordedSpec,
  jobManager: Pick<JobManagerDeployment, 'uid' | 'operationId' | 'generation'>,
): ClusterToCreate {
  const status = deployment.status ?? {};
  const generation = Number(jobManager.generation);
  const { job } = recorded.spec;
  // The recorded mode says where the state came from; the cluster was made for the user's own.
  const upgradeMode = deployment.spec.job?.upgradeMode ?? 'stateless';
  return {
    deployment: { ...deployment, spec: { ...recorded.spec, ...(job && { job: { ...job, upgradeMode } }) } },
    operationId: jobManager.operationId ?? jobManager.uid.replaceAll('-', ''),
    jobId: status.jobStatus?.jobId ?? '',
    savepointPath: startPath(status, job?.upgradeMode ?? 'stateless'),
    generation: Number.isInteger(generation) ? generation : undefined,
  };
}
