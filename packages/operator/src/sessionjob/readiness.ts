import type { Told } from '../job/conditions.ts';
import { after, WATCHED } from '../job/wake-up.ts';
import type { SessionJobContext, SessionJobOutcome } from './context.ts';
import type { SessionCluster } from './world.ts';

/** What is missing for anything to be asked of Flink; undefined: Flink answers. */
export function missingForFlink({ world, wanted }: Pick<SessionJobContext, 'world' | 'wanted'>): Told | undefined {
  const name = wanted.spec.deploymentName ?? '';
  const { cluster, flink } = world;
  if (!cluster.known)
    return { reason: 'SessionClusterUnknown', message: `The session cluster ${name}: ${cluster.reason}.` };
  if (cluster.value === undefined) {
    return {
      reason: 'SessionClusterMissing',
      message: `Waiting for the FlinkDeployment ${name}, which does not exist in this namespace.`,
    };
  }
  if (flink.jobs?.kind === 'ok') return undefined;
  const { message } = flink.jobs ?? { message: '' };
  const silent = message === '' ? 'it does not answer' : `it does not answer (${message})`;
  const why = flink.jobs === undefined ? jobManagerState(cluster.value) : silent;
  return { reason: 'SessionClusterNotReady', message: `Waiting for the session cluster ${name}: ${why}.` };
}

function jobManagerState({ deployment, jobManagerExists }: SessionCluster): string {
  const state = deployment.status?.jobManagerDeploymentStatus ?? 'MISSING';
  if (!jobManagerExists) return 'there is no JobManager';
  return state === 'READY' ? 'its JobManager is not ready' : `its JobManager is ${state}`;
}

/**
 * What is missing for a job to be started. A cluster that is about to be replaced or removed gets no new job, since that
 * would be lost at once.
 */
export function missingForStart(context: Pick<SessionJobContext, 'world' | 'wanted'>): Told | undefined {
  const missing = missingForFlink(context);
  if (missing !== undefined || !context.world.cluster.known) return missing;
  const deployment = context.world.cluster.value?.deployment;
  const name = deployment?.metadata.name ?? '';
  if (deployment?.metadata.deletionTimestamp !== undefined) {
    return { reason: 'SessionClusterDeleting', message: `The session cluster ${name} is being deleted.` };
  }
  const status = deployment?.status;
  const replaced = status?.operation !== undefined || status?.reconciliationStatus?.state === 'UPGRADING';
  if (status?.jobManagerDeploymentStatus === 'READY' && !replaced) return undefined;
  const why = replaced ? 'it is being changed' : `its JobManager is ${status?.jobManagerDeploymentStatus ?? 'MISSING'}`;
  return { reason: 'SessionClusterNotReady', message: `Waiting for the session cluster ${name}: ${why}.` };
}

/** Nothing is done but to wait. A cluster that is not there shows in a watch; one that does not answer is asked again. */
export function waitFor(context: SessionJobContext, told: Told): SessionJobOutcome {
  const asked = context.world.flink.jobs !== undefined;
  return { status: context.status, progress: told, wakeUp: asked ? after(1_000) : WATCHED };
}
