import type { ObjectMeta } from '@drey/api';
import { type Answer, type FlinkConfig, resourceOptions } from '@drey/flink';
import type { SavepointProgress } from '../../runtime/ports.ts';
import type { CurrentOperation } from '../operation.ts';
import type { WakeUp } from '../planned.ts';
import type { JobKind, JobResourceStatus } from '../resource.ts';
import { after } from '../wake-up.ts';
import type { SnapshotPolicy, SnapshotReadings } from './input.ts';
import { withSavepoint } from './legacy-mode.ts';
import { usesObjects } from './object-mode.ts';
import { newSnapshot, ownerOf, snapshotName } from './snapshot-object.ts';
import type { SnapshotStep } from './steps.ts';

/** What the record of a savepoint that stopped a job is made from. */
export interface UpgradeSnapshotInput<S extends JobResourceStatus> {
  readonly kind: JobKind;
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'labels'>;
  /** The status of this pass before anything was decided, with the operation in it. */
  readonly status: S;
  readonly options: FlinkConfig;
  readonly policy: SnapshotPolicy;
  readonly readings: SnapshotReadings;
  readonly now: number;
}

/** What was decided, as far as it is changed here. */
interface Decided<S extends JobResourceStatus> {
  readonly status: S;
  readonly steps?: readonly { readonly kind: string }[];
  readonly settled?: S;
  readonly wakeUp: WakeUp;
}

/** Where the savepoint lies with which an operation has stopped its job; undefined as long as it has not. */
export function takenByStop(
  operation: CurrentOperation | undefined,
  answer: Answer<SavepointProgress> | undefined,
): string | undefined {
  if (operation?.phase !== 'stopping' || answer?.kind !== 'ok') return undefined;
  if (answer.value.kind === 'completed') return answer.value.location;
  return answer.value.kind === 'failed' ? answer.value.savepoint : undefined;
}

/**
 * Records the savepoint that stopped a job: as a FlinkStateSnapshot, which is made before the status moves on so that a crash
 * loses none, or in the status history. An object that cannot be made holds nothing up. What else was decided for this pass
 * is decided again in the next one, which comes at once.
 */
export function withUpgradeSnapshot<S extends JobResourceStatus, D extends Decided<S>>(
  input: UpgradeSnapshotInput<S>,
  operation: CurrentOperation,
  location: string,
  decided: D,
): D | (Omit<D, 'steps' | 'settled'> & { readonly steps: readonly SnapshotStep[]; readonly settled: S }) {
  const { kind, metadata, options, now } = input;
  const formatType = options.get(resourceOptions.savepointFormatType);
  if (!usesObjects<S>(input)) {
    const taken = { timeStamp: now, location, triggerType: 'UPGRADE', formatType } as const;
    return { ...decided, status: withSavepoint(decided.status, taken) };
  }
  const owner = ownerOf(kind, metadata, input.policy);
  const startedAt = Date.parse(operation.startedAt ?? '');
  const decidedAt = Number.isNaN(startedAt) ? now : startedAt;
  const name = snapshotName(owner.name, { type: 'SAVEPOINT', trigger: 'UPGRADE', decidedAt });
  const snapshot = newSnapshot(owner, name, 'UPGRADE', {
    path: location,
    formatType,
    disposeOnDelete: options.get(resourceOptions.savepointDisposeOnDelete),
    alreadyExists: true,
  });
  return {
    ...decided,
    status: input.status,
    steps: [{ kind: 'create-snapshot', snapshot, optional: true }],
    settled: decided.status,
    wakeUp: after(0),
  };
}
