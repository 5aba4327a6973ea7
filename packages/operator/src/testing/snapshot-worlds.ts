import type { FlinkStateSnapshot, FlinkStateSnapshotSpec, FlinkStateSnapshotStatus } from '@drey/api';
import type { SnapshotConfig } from '../snapshot/decide.ts';
import type { SnapshotPlan } from '../snapshot/plan.ts';
import type { SnapshotAnswers, SnapshotTarget, SnapshotWorld, TargetJob } from '../snapshot/world.ts';

/** Worlds for tests of decisions about snapshots: plain values that a test changes where it matters. */

export const SNAPSHOT_NOW = Date.parse('2026-01-01T00:00:00Z');
export const TRIGGER_ID = 'a'.repeat(32);
const JOB_ID = 'b'.repeat(32);

export const SNAPSHOT_CONFIG: SnapshotConfig = {
  errorLimits: { fieldLength: 2048, causes: 2, labels: new Map() },
  restIntervalMs: 60_000,
  cleanupTimeoutMs: 300_000,
};

const NOT_ASKED: SnapshotAnswers = {
  savepoint: undefined,
  checkpoint: undefined,
  place: undefined,
  disposal: undefined,
  jobs: undefined,
};

interface SnapshotChanges {
  readonly spec?: Partial<FlinkStateSnapshotSpec>;
  readonly metadata?: Partial<FlinkStateSnapshot['metadata']>;
  readonly status?: FlinkStateSnapshotStatus;
}

/** A savepoint of the deployment `app`, just created. */
export function aSnapshot(changes: SnapshotChanges = {}): FlinkStateSnapshot {
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkStateSnapshot',
    metadata: {
      name: 'snap',
      namespace: 'default',
      uid: '77777777-2222-3333-4444-555555555555',
      generation: 1,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      finalizers: ['flinkstatesnapshots.flink.apache.org/finalizer'],
      ...changes.metadata,
    },
    spec: { jobReference: { kind: 'FlinkDeployment', name: 'app' }, savepoint: {}, ...changes.spec },
    ...(changes.status === undefined ? {} : { status: changes.status }),
  };
}

/** The same as a checkpoint. */
export function aCheckpoint(changes: SnapshotChanges = {}): FlinkStateSnapshot {
  const snapshot = aSnapshot(changes);
  const { savepoint: _, ...spec } = snapshot.spec;
  return { ...snapshot, spec: { ...spec, checkpoint: {} } };
}

/** The running job of `app`. */
export function aTarget(changes: Partial<TargetJob> = {}): SnapshotTarget {
  return {
    kind: 'found',
    job: {
      kind: 'FlinkDeployment',
      name: 'app',
      jobId: JOB_ID,
      state: 'RUNNING',
      starting: true,
      clusterGone: false,
      jobManager: 'jm-1',
      savepointDirectory: 'file:///state/savepoints',
      flinkVersion: 'v1_20',
      readinessTimeoutMs: 300_000,
      ...changes,
    },
  };
}

/** A world in which nothing was asked of Flink. */
export function aSnapshotWorld(
  snapshot: FlinkStateSnapshot,
  changes: Partial<Omit<SnapshotWorld, 'flink'>> & { readonly flink?: Partial<SnapshotAnswers> } = {},
): SnapshotWorld {
  return {
    now: SNAPSHOT_NOW,
    epoch: 0,
    fresh: { operationId: TRIGGER_ID },
    snapshot,
    target: aTarget(),
    references: [],
    ...changes,
    flink: { ...NOT_ASKED, ...changes.flink },
  };
}

/** The snapshot as it is after a plan: with the status written last, and its labels. */
export function afterPlan(snapshot: FlinkStateSnapshot, plan: SnapshotPlan): FlinkStateSnapshot {
  const labels = { ...snapshot.metadata.labels, ...plan.labels };
  return { ...snapshot, metadata: { ...snapshot.metadata, labels }, status: plan.settled ?? plan.status };
}
