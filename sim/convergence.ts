import type { FlinkDeployment } from '@drey/api';
import type { SimulatedWorld } from '@drey/devcluster/testing';
import { Deployment, Pod, Service } from '@drey/kube';
import type { Violation } from './oracles.ts';
import { namespace } from './scenario.ts';

/** What the last valid wishes of the user are for one deployment. */
export interface Wish {
  readonly name: string;
  readonly exists: boolean;
  /** The spec as it stands is refused by validation: the last valid one goes on. */
  readonly invalid: boolean;
  readonly suspended: boolean;
  readonly parallelism: number;
  readonly object: FlinkDeployment | undefined;
}

/** What still differs from the wish; empty when the deployment has arrived. */
export async function unsettled(world: SimulatedWorld, wish: Wish): Promise<string | undefined> {
  const labelSelector = `app=${wish.name}`;
  const [deployments, pods, services] = await Promise.all([
    world.admin.list(Deployment, { namespace, labelSelector }),
    world.admin.list(Pod, { namespace, labelSelector }),
    world.admin.list(Service, { namespace, labelSelector }),
  ]);
  const left = [...deployments.items, ...pods.items, ...services.items].map((one) => one.metadata.name);
  if (!wish.exists) {
    if (wish.object !== undefined) return 'the object is still there';
    return left.length === 0 ? undefined : `left over: ${left.join(', ')}`;
  }
  const status = wish.object?.status;
  if (status === undefined) return 'no status';
  const jm = world.fabric.leader(`${namespace}/${wish.name}`);
  const running = [...(jm?.jobs.values() ?? [])].filter((job) => !job.isTerminal);
  if (!wish.invalid && status.observedGeneration !== wish.object?.metadata.generation)
    return `observedGeneration ${status.observedGeneration} of ${wish.object?.metadata.generation}`;
  if (wish.suspended) {
    if (running.length > 0) return 'a job runs although it is suspended';
    return status.lifecycleState === 'SUSPENDED' ? undefined : `lifecycleState ${status.lifecycleState}`;
  }
  const [job] = running;
  if (job === undefined || job.tasksRunningSince === undefined) return 'no job runs';
  if (job.parallelism !== wish.parallelism) return `parallelism ${job.parallelism}, wanted ${wish.parallelism}`;
  if (status.jobStatus?.state !== 'RUNNING') return `jobStatus.state ${status.jobStatus?.state}`;
  if (status.jobStatus.jobId !== job.spec.jobId) return `jobId ${status.jobStatus.jobId}, running ${job.spec.jobId}`;
  return status.lifecycleState === 'STABLE' ? undefined : `lifecycleState ${status.lifecycleState}`;
}

/** Turns what is left after the bound into violations. */
export async function checkConverged(
  world: SimulatedWorld,
  wishes: readonly Wish[],
  now: number,
): Promise<Violation[]> {
  const out: Violation[] = [];
  for (const wish of wishes) {
    const why = await unsettled(world, wish);
    if (why !== undefined)
      out.push({
        rule: 'converges',
        at: now,
        detail: `${wish.name}: ${why}; status ${JSON.stringify(brief(wish.object))}`,
      });
  }
  return out;
}

function brief(object: FlinkDeployment | undefined): unknown {
  const status = object?.status as Record<string, unknown> | undefined;
  if (status === undefined) return null;
  const { lifecycleState, jobManagerDeploymentStatus, jobStatus, error, operation, observedGeneration } = status;
  const reconciliation = status.reconciliationStatus as { state?: string } | undefined;
  return {
    lifecycleState,
    jobManagerDeploymentStatus,
    jobStatus,
    error,
    operation,
    observedGeneration,
    recon: reconciliation?.state,
  };
}
