import type { FlinkStateSnapshot, FlinkStateSnapshotSpec, Operation } from '@drey/api';
import { checkpointingOptions, resourceOptions } from '@drey/flink';
import type { JobResourceStatus } from '../resource.ts';
import { withoutOperation } from '../status.ts';
import { after } from '../wake-up.ts';
import type { JobSnapshots, JobSnapshotsInput } from './input.ts';
import { nonceOf, withNonce } from './nonce.ts';
import { referenceTo } from './references.ts';
import { createdAt, expiredSnapshots, type RetentionLimits, retentionLimits } from './retention.ts';
import { withPeriod } from './snapshot-memory.ts';
import {
  isUnfinished,
  newSnapshot,
  ownerOf,
  parseSnapshotName,
  type SnapshotIdentity,
  snapshotName,
} from './snapshot-object.ts';
import type { SnapshotType } from './trigger.ts';

/** Kind of the operation under which an object for a snapshot is created; its target is the object's name. */
export const SNAPSHOT_OPERATION = 'snapshot';

/**
 * A status without an operation on the job. That of a snapshot stays until somebody looks after snapshots again: its object may
 * have been made already, and another one for the same nonce or period would be one too many.
 */
export function withoutJobOperation<S extends JobResourceStatus>(status: S): S {
  return status.operation?.kind === SNAPSHOT_OPERATION ? status : withoutOperation(status);
}

/** True when this job's snapshots are FlinkStateSnapshots. */
export function usesObjects<S extends JobResourceStatus>(
  input: Pick<JobSnapshotsInput<S>, 'policy' | 'options' | 'readings'>,
): boolean {
  const { policy, options, readings } = input;
  return (
    policy.objectsEnabled && options.get(resourceOptions.snapshotResourceEnabled) && readings.objects !== undefined
  );
}

/** Begins to take a snapshot: its name is recorded, then the object is made, then it is recorded as asked for. */
export function takeObject<S extends JobResourceStatus>(
  input: JobSnapshotsInput<S>,
  type: SnapshotType,
  trigger: 'MANUAL' | 'PERIODIC',
): JobSnapshots<S> | undefined {
  const { metadata, job, now, epoch, freshId } = input;
  const nonce = nonceOf(job, type);
  const operation: Operation = {
    id: freshId,
    kind: SNAPSHOT_OPERATION,
    phase: 'creating',
    target: snapshotName(metadata.name ?? '', { type, trigger, decidedAt: now }),
    epoch,
    startedAt: new Date(now).toISOString(),
    ...(trigger === 'MANUAL' && typeof nonce === 'number' ? { nonce } : {}),
  };
  return createObject(input, operation);
}

/** Goes on with a snapshot that an earlier pass began. */
export function continueObject<S extends JobResourceStatus>(input: JobSnapshotsInput<S>): JobSnapshots<S> | undefined {
  const { operation } = input;
  if (operation?.kind !== SNAPSHOT_OPERATION || !usesObjects(input)) return undefined;
  return createObject(input, operation);
}

function createObject<S extends JobResourceStatus>(
  input: JobSnapshotsInput<S>,
  operation: Operation,
): JobSnapshots<S> | undefined {
  const name = operation.target ?? '';
  const identity = parseSnapshotName(name);
  if (identity === undefined) return undefined;
  const { kind, metadata, status } = input;
  const owner = ownerOf(kind, metadata, input.policy);
  const savepoint = identity.type === 'SAVEPOINT' ? newSavepoint(input) : undefined;
  return {
    status: { ...status, operation },
    steps: [
      {
        kind: 'create-snapshot',
        snapshot: newSnapshot(owner, name, identity.trigger, savepoint),
        optional: false,
      },
    ],
    settled: carriedOut(input, identity, operation.nonce),
    events: [],
    wakeUp: after(0),
    conditions: [],
  };
}

function newSavepoint<S extends JobResourceStatus>({
  options,
}: JobSnapshotsInput<S>): NonNullable<FlinkStateSnapshotSpec['savepoint']> {
  const path = options.get(checkpointingOptions.savepointDir);
  return {
    ...(path === undefined ? {} : { path }),
    formatType: options.get(resourceOptions.savepointFormatType),
    disposeOnDelete: options.get(resourceOptions.savepointDisposeOnDelete),
    alreadyExists: false,
  };
}

function carriedOut<S extends JobResourceStatus>(
  { status, kind, now }: JobSnapshotsInput<S>,
  { type, trigger, decidedAt }: SnapshotIdentity,
  nonce: number | null | undefined,
): S {
  if (trigger === 'PERIODIC') return withPeriod(status, type, decidedAt);
  return withNonce(status, kind, type, { nonce, now });
}

/**
 * Deletes the objects that the rules of retention let go. One whose data would go with it stays while something may still be
 * started from them.
 */
export function expireObjects<S extends JobResourceStatus>(input: JobSnapshotsInput<S>): JobSnapshots<S> | undefined {
  const { options, policy, readings, status, now } = input;
  const { objects } = readings;
  if (objects === undefined || !options.get(resourceOptions.savepointCleanupEnabled)) return undefined;
  const expired = (['SAVEPOINT', 'CHECKPOINT'] as const).flatMap((type) => {
    const limits = retentionLimits(type, options, policy.caps, now);
    return expiredSnapshots(objects, type, limits).filter((one) => !isBeingTaken(one, limits));
  });
  const steps = expired
    .filter((one) => !takesReferencedData(one, readings.references))
    .map(({ metadata }) => ({
      kind: 'delete-snapshot' as const,
      name: metadata.name ?? '',
      uid: metadata.uid ?? '',
    }));
  if (steps.length === 0) return undefined;
  return { status, steps, events: [], wakeUp: undefined, conditions: [] };
}

/**
 * One that is not finished is not surplus: what it replaces goes when it is. (The Apache operator, which looks only every
 * minute, seldom meets one.) Only what has been unfinished for longer than snapshots are kept at all goes.
 */
function isBeingTaken(snapshot: FlinkStateSnapshot, { cutoff }: RetentionLimits): boolean {
  return isUnfinished(snapshot) && (cutoff === undefined || createdAt(snapshot) >= cutoff);
}

function takesReferencedData(
  { spec, status }: FlinkStateSnapshot,
  references: JobSnapshotsInput<JobResourceStatus>['readings']['references'],
): boolean {
  const path = status?.path;
  if (typeof path !== 'string' || path === '' || spec.savepoint?.disposeOnDelete === false) return false;
  return spec.savepoint !== undefined && spec.savepoint !== null && referenceTo(path, references) !== undefined;
}
