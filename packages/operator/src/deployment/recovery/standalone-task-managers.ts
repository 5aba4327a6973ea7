import { beginOperation } from '../../job/operation.ts';
import { after } from '../../job/wake-up.ts';
import { type Context, isStandalone, type Outcome } from '../context.ts';

/**
 * The TaskManagers of a standalone cluster whose Deployment or StatefulSet was deleted are created again, from the spec that runs; the job
 * goes on where Flink's own restart takes it up. undefined: they are there, or they are not missed.
 */
export function recoverTaskManagers(context: Context): Outcome | undefined {
  const { world, status, wanted } = context;
  const recorded = context.recorded?.spec;
  if (recorded === undefined || !isStandalone(recorded) || recorded.job?.state === 'suspended') return undefined;
  if (status.reconciliationStatus?.state === 'UPGRADING') return undefined;
  const jobManager = world.jobManager.known ? world.jobManager.value : undefined;
  // Without its JobManager the whole cluster is created again.
  if (jobManager === undefined || jobManager.deleting || jobManager.ownerUid !== wanted.metadata.uid) return undefined;
  if (!world.taskManagers.known || world.taskManagers.value !== undefined) return undefined;
  return {
    status,
    steps: [
      {
        kind: 'create-task-managers',
        cluster: {
          deployment: { ...wanted, spec: recorded },
          // That of the JobManager they belong to, so that a repetition knows its own work.
          operationId: jobManager.operationId ?? beginOperation(context, 'recover', 'deploying').id,
          jobId: status.jobStatus?.jobId ?? '',
          savepointPath: undefined,
          generation: status.observedGeneration ?? context.generation,
        },
      },
    ],
    events: [
      {
        type: 'Warning',
        reason: 'RecoverDeployment',
        message: 'Recovering lost TaskManager deployment',
        component: 'Job',
      },
    ],
    progress: { reason: 'RecoveringTaskManagers', message: 'Creating the TaskManagers again.' },
    wakeUp: after(0),
  };
}
