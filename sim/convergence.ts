import type { FlinkDeployment } from '@drey/api';
import type { SimulatedWorld } from '@drey/devcluster/testing';
import type { AnyObject } from '@drey/kube';
import type { Violation } from './oracles.ts';
import { namespace } from './scenario.ts';

/** One valid spec, as far as it matters here. */
export interface ValidWish {
  readonly suspended: boolean;
  readonly parallelism: number;
}

/** What the user of one deployment wants. */
export interface Wish {
  readonly name: string;
  readonly exists: boolean;
  /** The spec as it stands is refused by validation: the last valid one goes on. */
  readonly invalid: boolean;
  /** Every valid spec so far, the newest last. */
  readonly valid: readonly ValidWish[];
  readonly object: FlinkDeployment | undefined;
  /** The newest state that the job left is one that somebody can name. */
  readonly hasKnownState: boolean;
}

/** What still differs from the wish; empty when the deployment has arrived. */
export function unsettled(world: SimulatedWorld, wish: Wish): string | undefined {
  if (!wish.exists) {
    if (wish.object !== undefined) return 'the object is still there';
    const left = clusterObjects(world, wish.name).map((one) => one.metadata.name);
    return left.length === 0 ? undefined : `left over: ${left.join(', ')}`;
  }
  const status = wish.object?.status;
  if (status === undefined) return 'no status';
  const jm = world.fabric.leader(`${namespace}/${wish.name}`);
  const running = [...(jm?.jobs.values() ?? [])].filter((job) => !job.isTerminal);
  if (isGivenUp(wish)) return undefined;
  // Nothing was ever done for a deployment that was invalid from the beginning.
  if (wish.invalid && recorded(wish) === NEVER && running.length === 0) return undefined;
  // A deployment that was suspended before anything was done for it stays as it is, as with the Apache operator.
  if (status.lifecycleState === 'CREATED' && wish.valid.at(-1)?.suspended && running.length === 0) return undefined;
  if (!wish.invalid && status.observedGeneration !== wish.object?.metadata.generation)
    return `observedGeneration ${status.observedGeneration} of ${wish.object?.metadata.generation}`;
  const wanted = wantedNow(wish);
  if (wanted === undefined) return `what is recorded was never wanted: ${recorded(wish)}`;
  if (wanted.suspended) {
    if (running.length > 0) return 'a job runs although it is suspended';
    return status.lifecycleState === 'SUSPENDED' ? undefined : `lifecycleState ${status.lifecycleState}`;
  }
  const [job] = running;
  if (job === undefined || job.tasksRunningSince === undefined) return 'no job runs';
  if (job.parallelism !== wanted.parallelism) return `parallelism ${job.parallelism}, wanted ${wanted.parallelism}`;
  if (status.jobStatus?.state !== 'RUNNING') return `jobStatus.state ${status.jobStatus?.state}`;
  if (status.jobStatus.jobId !== job.spec.jobId) return `jobId ${status.jobStatus.jobId}, running ${job.spec.jobId}`;
  return status.lifecycleState === 'STABLE' ? undefined : `lifecycleState ${status.lifecycleState}`;
}

/**
 * The newest spec. While that is invalid, a spec that was acted on before: which one depends on how far the operator had come
 * when the invalid one replaced it, since a spec that was only begun is kept nowhere.
 */
function wantedNow(wish: Wish): ValidWish | undefined {
  if (!wish.invalid) return wish.valid.at(-1);
  const { spec } = JSON.parse(recorded(wish)) as { spec?: { job?: { state?: string; parallelism?: number } } };
  const job = spec?.job;
  return wish.valid.find(
    ({ suspended, parallelism }) => suspended === (job?.state === 'suspended') && parallelism === job?.parallelism,
  );
}

/** Stands for the record of a deployment that nothing was done for. */
const NEVER = '{}';

function recorded({ object }: Wish): string {
  return object?.status?.reconciliationStatus?.lastReconciledSpec ?? NEVER;
}

/** A job whose state nobody knows any more is not started from nothing: its status says what a person has to do. */
function isGivenUp({ object, hasKnownState }: Wish): boolean {
  const { lifecycleState, error } = object?.status ?? {};
  if (hasKnownState || lifecycleState !== 'FAILED') return false;
  return /Manual restore required|Cannot find checkpoint or savepoint/.test(error ?? '');
}

/** What a cluster is made of, as the API server has it now. */
function clusterObjects(world: SimulatedWorld, name: string): AnyObject[] {
  const { reader } = world.server.server;
  const kinds = [
    ['apps', 'deployments'],
    ['', 'pods'],
    ['', 'services'],
  ] as const;
  return kinds
    .flatMap(([group, plural]) => reader.list(group, plural, namespace))
    .filter(({ metadata }) => metadata.labels?.app === name);
}

/** Turns what is left after the bound into violations. */
export function checkConverged(world: SimulatedWorld, wishes: readonly Wish[], now: number): Violation[] {
  const out: Violation[] = [];
  for (const wish of wishes) {
    const why = unsettled(world, wish);
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
