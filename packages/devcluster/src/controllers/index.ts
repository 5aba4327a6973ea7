import type { ControllerContext } from './context.ts';
import { startDeploymentController } from './deployment.ts';
import { startEndpointsController } from './endpoints.ts';
import { startJobController } from './job.ts';
import { startReplicaSetController } from './replica-set.ts';
import { startScheduler } from './scheduler.ts';
import { startServiceAccountController } from './service-account.ts';
import { startStatefulSetController } from './stateful-set.ts';
import { startVolumeClaimController } from './volume-claims.ts';

export interface ControllerOptions {
  /** The certificate authority of the API server, in PEM. */
  readonly authority: string;
}

/** Starts the controllers that make workloads of a cluster run. Resolves when all of them ended after the abort. */
export async function startControllers(
  context: ControllerContext,
  options: ControllerOptions,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all([
    startServiceAccountController(context, options.authority, signal),
    startScheduler(context, signal),
    startReplicaSetController(context, signal),
    startDeploymentController(context, signal),
    startStatefulSetController(context, signal),
    startJobController(context, signal),
    startEndpointsController(context, signal),
    startVolumeClaimController(context, signal),
  ]);
}
