import type { ObjectMeta } from '@drey/api';
import { type Answer, type FlinkConfig, resourceOptions } from '@drey/flink';
import type { SavepointProgress } from '../../runtime/ports.ts';
import { type CurrentOperation, currentOperation } from '../operation.ts';
import type { WakeUp } from '../planned.ts';
import type { JobKind, JobResourceStatus } from '../resource.ts';
import { after } from '../wake-up.ts';
import type { SnapshotPolicy, SnapshotReadings } from './input.ts';
import { withSavepoint } from './legacy-mode.ts';
import { usesObjects } from './object-mode.ts';
import { newSnapshot, ownerOf, snapshotName } from './snapshot-object.ts';
import type { SnapshotStep } from './steps.ts';

/** What the record of a savepoint that stopped a job is made from. */
interface UpgradeSnapshotInput<S extends JobResourceStatus> {
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

/** A pass in which a job may have been stopped. */
interface StopPass<S extends JobResourceStatus>
  extends Omit<UpgradeSnapshotInput<S>, 'kind' | 'metadata' | 'policy' | 'readings'> {
  readonly wanted: Pick<UpgradeSnapshotInput<S>, 'kind' | 'metadata'>;
  readonly config: { readonly snapshots: SnapshotPolicy };
  readonly world: {
    readonly flink: { readonly savepoint: Answer<SavepointProgress> | undefined };
    readonly snapshots: SnapshotReadings;
  };
}

/**
 * What is decided when a savepoint has stopped the job: that savepoint is recorded first. `recorded` is the operation that
 * the status named when the pass began.
 */
export function withStopRecorded<S extends JobResourceStatus, D extends Decided<S>>(
  context: StopPass<S>,
  recorded: S['operation'],
  decided: D,
) {
  const { world, wanted, status, options, now, config } = context;
  const operation = currentOperation(recorded);
  const location = takenByStop(operation, world.flink.savepoint);
  if (operation === undefined || location === undefined) return decided;
  const { operation: next, jobStatus } = decided.status;
  const movedOn = next?.phase !== 'stopping' || next.id !== operation.id;
  if (!movedOn || jobStatus?.upgradeSavepointPath !== location) return decided;
  const { kind, metadata } = wanted;
  const input = { kind, metadata, status, options, policy: config.snapshots, readings: world.snapshots, now };
  return withUpgradeSnapshot<S, D>(input, operation, location, decided);
}

/** Where the savepoint lies with which an operation has stopped its job; undefined as long as it has not. */
function takenByStop(
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
function withUpgradeSnapshot<S extends JobResourceStatus, D extends Decided<S>>(
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
