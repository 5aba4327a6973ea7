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
  /** The controllers to start; default: all. */
  readonly only?: readonly ControllerName[];
}

const starts = {
  'service-account': (context, { authority }, signal) => startServiceAccountController(context, authority, signal),
  scheduler: (context, _, signal) => startScheduler(context, signal),
  'replica-set': (context, _, signal) => startReplicaSetController(context, signal),
  deployment: (context, _, signal) => startDeploymentController(context, signal),
  'stateful-set': (context, _, signal) => startStatefulSetController(context, signal),
  job: (context, _, signal) => startJobController(context, signal),
  endpoints: (context, _, signal) => startEndpointsController(context, signal),
  'volume-claims': (context, _, signal) => startVolumeClaimController(context, signal),
} satisfies Record<
  string,
  (context: ControllerContext, options: ControllerOptions, signal: AbortSignal) => Promise<void>
>;

export type ControllerName = keyof typeof starts;
const ALL = Object.keys(starts) as ControllerName[];

/** Starts the controllers that make workloads of a cluster run. Resolves when all of them ended after the abort. */
export async function startControllers(
  context: ControllerContext,
  options: ControllerOptions,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all((options.only ?? ALL).map((name) => starts[name](context, options, signal)));
}
