import { type FlinkStateSnapshot, FlinkStateSnapshots } from '@drey/api';
import type { Answer } from '@drey/flink';
import { isKubeError } from '@drey/kube';
import type { CheckpointTrigger, FlinkSnapshots, SavepointTrigger } from '../../runtime/flink-snapshots.ts';
import type { Env, FlinkCall, Regarding } from '../../runtime/ports.ts';
import { MANAGER } from '../primary-writes.ts';
import { StepError } from '../step-error.ts';

/** A write that has to do with snapshots of a job. Every step is repeatable: done twice it has the effect of once. */
export type SnapshotStep =
  /** By its name; one that is there already is the same. `optional`: what it tells is also in the status, so nothing waits for it. */
  | { readonly kind: 'create-snapshot'; readonly snapshot: FlinkStateSnapshot; readonly optional: boolean }
  | { readonly kind: 'delete-snapshot'; readonly name: string; readonly uid: string }
  | { readonly kind: 'trigger-savepoint'; readonly trigger: SavepointTrigger }
  | { readonly kind: 'trigger-checkpoint'; readonly trigger: CheckpointTrigger }
  | { readonly kind: 'dispose-savepoint'; readonly path: string };

/** How long Flink may take to accept a request; what it was asked for goes on behind it. */
const REQUEST_TIMEOUT_MS = 10_000;

/** What steps are performed with. */
export interface SnapshotStepOptions {
  readonly signal: AbortSignal;
  /** undefined: the cluster has no address. */
  readonly flink: FlinkSnapshots | undefined;
}

/** True for a step of {@link SnapshotStep}. */
export function isSnapshotStep(step: { readonly kind: string }): step is SnapshotStep {
  return SNAPSHOT_STEPS.has(step.kind);
}

const SNAPSHOT_STEPS: ReadonlySet<string> = new Set<SnapshotStep['kind']>([
  'create-snapshot',
  'delete-snapshot',
  'trigger-savepoint',
  'trigger-checkpoint',
  'dispose-savepoint',
]);

/**
 * Performs one step for `owner`; false when it is not known whether Flink took it. Rejects with a KubeError, or with a {@link StepError} when Flink refuses; a Flink that does
 * not answer is no failure of a trigger, since the next pass asks what became of it.
 */
export async function performSnapshotStep(
  env: Env,
  owner: Regarding,
  step: SnapshotStep,
  options: SnapshotStepOptions,
): Promise<boolean> {
  const call: FlinkCall = { timeoutMs: REQUEST_TIMEOUT_MS, signal: options.signal };
  switch (step.kind) {
    case 'create-snapshot':
      await createSnapshot(env, owner, step, options.signal);
      return true;
    case 'delete-snapshot':
      await deleteSnapshot(env, owner, step, options.signal);
      return true;
    case 'trigger-savepoint':
      return isAccepted('savepoint', await options.flink?.triggerSavepoint(step.trigger, call));
    case 'trigger-checkpoint':
      return isAccepted('checkpoint', await options.flink?.triggerCheckpoint(step.trigger, call));
    case 'dispose-savepoint':
      disposed(step.path, await options.flink?.disposeSavepoint(step.path, call));
      return true;
  }
}

async function createSnapshot(
  env: Env,
  owner: Regarding,
  step: Extract<SnapshotStep, { kind: 'create-snapshot' }>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await env.kube.create(FlinkStateSnapshots, step.snapshot, { fieldManager: MANAGER, signal });
  } catch (error) {
    if (!isKubeError(error)) throw error;
    if (error.code === 'E_KUBE_ALREADY_EXISTS') return;
    if (!step.optional) throw error;
    const { namespace: ns, name } = owner.metadata;
    const snapshot = step.snapshot.metadata.name ?? '';
    env.log.warn({ kind: owner.kind, ns, name, snapshot, err: error }, 'snapshot object was not created');
    env.events(owner, {
      type: 'Warning',
      reason: 'SavepointError',
      message: `The savepoint is complete, but its FlinkStateSnapshot could not be created: ${error.message}`,
      component: 'Operator',
    });
  }
}

async function deleteSnapshot(
  env: Env,
  owner: Regarding,
  { name, uid }: Extract<SnapshotStep, { kind: 'delete-snapshot' }>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await env.kube.delete(FlinkStateSnapshots, owner.metadata.namespace, name, { uid, signal });
  } catch (error) {
    // Gone already, or replaced by another of the same name, which is not the one that was meant.
    if (!isKubeError(error, 'E_KUBE_NOT_FOUND', 'E_KUBE_CONFLICT')) throw error;
  }
}

function isAccepted(what: string, answer: Answer<undefined> | undefined): boolean {
  if (answer?.kind === 'rejected' || answer?.kind === 'not-found') {
    throw new StepError('E_OPERATOR_SAVEPOINT_REFUSED', `Flink refused the ${what}: ${answer.message}`);
  }
  return answer?.kind === 'ok';
}

function disposed(path: string, answer: Answer<string> | undefined): void {
  if (answer?.kind === 'ok') return;
  const why = answer?.message ?? 'the cluster has no address';
  throw new StepError('E_OPERATOR_DISPOSAL', `The savepoint ${path} was not deleted: ${why}`);
}
