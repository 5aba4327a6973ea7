import type { FlinkStateSnapshotStatus, Operation } from '@drey/api';
import { elapsedMs } from '../job/operation.ts';
import { referenceTo } from '../job/snapshots/references.ts';
import { snapshotType } from '../job/snapshots/snapshot-object.ts';
import { after, inTransition, ON_CHANGE } from '../job/wake-up.ts';
import type { SnapshotConfig } from './decide.ts';
import { completed, operationOf, type SnapshotOutcome, snapshotWarning, timestamp } from './outcome.ts';
import { progressOf } from './progress.ts';
import type { SnapshotWorld } from './world.ts';

/** Name of the finalizer, the one of the Apache operator, so that either operator can finish a deletion. */
export const FINALIZER = 'flinkstatesnapshots.flink.apache.org/finalizer';

/** How long after a failed disposal the next one is tried. */
const DISPOSAL_RETRY_MS = 10_000;

/**
 * Carries out a deletion. Files go only with a savepoint that says so, that nothing can be started from any more, and while its
 * cluster is there to delete them; whatever stays is told, with its place. A deletion always ends: where the cluster does not
 * answer, after the cleanup timeout.
 */
export function deletion(
  world: SnapshotWorld,
  status: FlinkStateSnapshotStatus,
  config: SnapshotConfig,
): SnapshotOutcome {
  const { snapshot, target } = world;
  if (!(snapshot.metadata.finalizers ?? []).includes(FINALIZER)) return { status, wakeUp: ON_CHANGE };
  if (!wantsDisposal(world)) return release(status);
  const operation = operationOf(status);
  if (operation?.kind === 'dispose') return continueDisposal(world, status, operation, config);
  if (status.state === 'IN_PROGRESS' || operation !== undefined) return unfinished(world, status, config);
  const path = status.path ?? '';
  if (status.state !== 'COMPLETED' || path === '') return release(status);
  const reference = referenceTo(path, world.references);
  if (reference !== undefined) return kept(status, path, `${reference.by} may still be started from it`);
  if (target.kind !== 'found') return kept(status, path, 'the cluster that could delete them is gone');
  return dispose(world, status, path);
}

/** Checkpoints belong to Flink; savepoints that were there before are deleted only when that was asked for explicitly. */
function wantsDisposal({ snapshot, target }: SnapshotWorld): boolean {
  const { savepoint } = snapshot.spec;
  if (snapshotType(snapshot) === 'CHECKPOINT' || target.kind === 'none') return false;
  if (savepoint?.disposeOnDelete === false) return false;
  return savepoint?.alreadyExists !== true || savepoint.disposeOnDelete === true;
}

function release(status: FlinkStateSnapshotStatus): SnapshotOutcome {
  return { status, steps: [{ kind: 'remove-finalizer' }], wakeUp: ON_CHANGE };
}

/** The object goes, its files stay, and somebody is told where. */
function kept(status: FlinkStateSnapshotStatus, path: string, why: string): SnapshotOutcome {
  const message = `The files of the savepoint stay at ${path}: ${why}. Delete them by hand when nothing needs them.`;
  return { ...release(status), events: [snapshotWarning('CleanupFailed', message)] };
}

/** A savepoint that is still being taken is waited for, so that its files are known and can go with it. */
function unfinished(world: SnapshotWorld, status: FlinkStateSnapshotStatus, config: SnapshotConfig): SnapshotOutcome {
  const { now, target } = world;
  const progress = progressOf(world);
  const since = operationOf(status);
  const wakeUp = inTransition(since === undefined ? 0 : elapsedMs(since, now));
  const waiting = {
    reason: 'SavepointInProgress',
    message: 'The deletion waits for the savepoint that is being taken.',
  };
  switch (progress.kind) {
    case 'completed':
      return { status: completed(status, progress.path, now), progress: waiting, wakeUp: after(0) };
    case 'in-progress':
      return { status, progress: waiting, wakeUp };
    case 'failed':
    case 'forgotten':
      return release(status);
    case 'unknown':
      break;
  }
  const given = target.kind !== 'found' || isOverdue(world, config);
  if (!given) return { status, progress: waiting, wakeUp };
  const message =
    'The savepoint was being taken when its cluster stopped to answer; its files, if any, stay where they are.';
  return { ...release(status), events: [snapshotWarning('CleanupFailed', message)] };
}

function dispose(
  { now, epoch, fresh }: SnapshotWorld,
  status: FlinkStateSnapshotStatus,
  path: string,
): SnapshotOutcome {
  const operation: Operation = {
    id: fresh.operationId,
    kind: 'dispose',
    phase: 'disposing',
    target: path,
    epoch,
    startedAt: timestamp(now),
  };
  return {
    status: { ...status, operation },
    steps: [{ kind: 'begin-disposal', path }],
    progress: { reason: 'Disposing', message: `Flink deletes the files at ${path}.` },
    wakeUp: inTransition(0),
  };
}

/** Flink says when the files are gone; one that has forgotten is asked again, and then finds nothing to delete. */
function continueDisposal(
  world: SnapshotWorld,
  status: FlinkStateSnapshotStatus,
  operation: Operation,
  config: SnapshotConfig,
): SnapshotOutcome {
  const { now, target } = world;
  const path = operation.target ?? '';
  const answer = world.flink.disposal;
  const told = answer?.kind === 'ok' ? answer.value : undefined;
  const progress = { reason: 'Disposing', message: `Flink deletes the files at ${path}.` };
  const elapsed = elapsedMs(operation, now);
  const wakeUp = inTransition(elapsed);
  if (told?.kind === 'completed') return release(status);
  if (told?.kind === 'in-progress') return { status, progress, wakeUp };
  const failure = told?.kind === 'failed' ? told.failure : undefined;
  if (failure !== undefined && isGone(`${failure.type} ${failure.message}`)) return release(status);
  if (target.kind !== 'found') return kept(status, path, 'the cluster that could delete them is gone');
  if (isOverdue(world, config)) return kept(status, path, failure?.message ?? 'the cluster does not answer');
  const asked = operation.triggerId !== undefined && operation.triggerId !== null;
  if (failure !== undefined && elapsed < DISPOSAL_RETRY_MS) {
    return { status, progress, wakeUp: after(DISPOSAL_RETRY_MS - elapsed) };
  }
  if (asked && failure === undefined && answer?.kind !== 'not-found') return { status, progress, wakeUp };
  const { triggerId: _, ...begun } = operation;
  const again = failure === undefined ? begun : { ...begun, startedAt: timestamp(now) };
  return { status: { ...status, operation: again }, steps: [{ kind: 'begin-disposal', path }], progress, wakeUp };
}

function isGone(text: string): boolean {
  return /FileNotFound|NoSuchFile|Cannot find checkpoint or savepoint/.test(text);
}

function isOverdue({ snapshot, now }: SnapshotWorld, { cleanupTimeoutMs }: SnapshotConfig): boolean {
  const since = Date.parse(snapshot.metadata.deletionTimestamp ?? '');
  return !Number.isNaN(since) && now - since >= cleanupTimeoutMs;
}
