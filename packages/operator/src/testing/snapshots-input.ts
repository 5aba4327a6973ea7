import type { FlinkDeploymentStatus, FlinkStateSnapshot, JobSpec, SnapshotState, SnapshotTriggerType } from '@drey/api';
import { FlinkConfig } from '@drey/flink';
import { writeRecorded } from '../job/recorded-spec.ts';
import type { JobSnapshots, JobSnapshotsInput } from '../job/snapshots/input.ts';

/** Inputs for tests of what is decided about a job's snapshots. */
/** Epoch milliseconds at which the worlds of these tests are seen. */
export const INPUT_NOW = Date.parse('2026-01-01T12:00:00Z');
/** What operator options begin with. */
export const K = 'kubernetes.operator.';
const SAVEPOINTS = { 'execution.checkpointing.savepoint-dir': 'file:///state/savepoints' };
const LEGACY = { [`${K}snapshot.resource.enabled`]: 'false' };
/** An answer of Flink. */
export const ok = <T>(value: T) => ({ kind: 'ok', value }) as const;
/** Flink knows nothing of it. */
export const notFound = { kind: 'not-found', message: 'unknown trigger' } as const;

export type SnapshotsInput = JobSnapshotsInput<FlinkDeploymentStatus>;

/** What a test changes of a world. */
export interface SnapshotsChanges {
  readonly job?: Partial<JobSpec>;
  readonly recorded?: Partial<JobSpec>;
  readonly config?: Readonly<Record<string, string>>;
  readonly jobStatus?: FlinkDeploymentStatus['jobStatus'];
  readonly objects?: readonly FlinkStateSnapshot[] | undefined;
  readonly readings?: Partial<SnapshotsInput['readings']>;
  readonly more?: Partial<SnapshotsInput>;
}

/** A running job at rest whose kind of snapshots are objects. */
export function snapshotsInput(changes: SnapshotsChanges = {}): SnapshotsInput {
  const recorded = { spec: { job: { jarURI: 'local:///job.jar', state: 'running', ...changes.recorded } } } as const;
  return {
    kind: 'FlinkDeployment',
    metadata: { name: 'app', namespace: 'default', creationTimestamp: '2026-01-01T11:00:00Z' },
    job: { ...changes.recorded, ...changes.job },
    flinkVersion: 'v1_20',
    status: {
      jobStatus: { state: 'RUNNING', jobId: 'b'.repeat(32), ...changes.jobStatus },
      reconciliationStatus: {
        state: 'DEPLOYED',
        lastReconciledSpec: writeRecorded('FlinkDeployment', recorded.spec, true),
      },
    },
    operation: undefined,
    stateIsKnown: true,
    tasksStarting: false,
    options: FlinkConfig.of({ ...SAVEPOINTS, ...changes.config }),
    policy: { objectsEnabled: true, caps: { maxCount: undefined, maxAgeMs: undefined }, inheritedLabels: [] },
    readings: {
      objects: 'objects' in changes ? changes.objects : [],
      savepoint: undefined,
      checkpoint: undefined,
      references: [],
      ...changes.readings,
    },
    now: INPUT_NOW,
    epoch: 0,
    freshId: 'a'.repeat(32),
    ...changes.more,
  };
}

/** The same where only the status knows snapshots. */
export const legacyInput = (changes: SnapshotsChanges = {}): SnapshotsInput =>
  snapshotsInput({ ...changes, config: { ...LEGACY, ...changes.config } });
/** The steps of a result, by kind. */
export const stepKinds = (result: JobSnapshots<FlinkDeploymentStatus>): string[] =>
  result.steps.map((step) => step.kind);

/** The input of the next pass, after all of this one's steps. */
export function nextInput(
  from: SnapshotsInput,
  result: JobSnapshots<FlinkDeploymentStatus>,
  changes: Partial<SnapshotsInput> = {},
): SnapshotsInput {
  const { operation: _, ...status } = result.settled ?? result.status;
  return { ...from, status, operation: (result.settled ?? result.status).operation, ...changes };
}

let count = 0;
/** An object of the job's snapshots. */
export function anObject(
  ageSeconds: number,
  trigger: SnapshotTriggerType,
  state: SnapshotState,
  spec: FlinkStateSnapshot['spec'] = { savepoint: { disposeOnDelete: false } },
): FlinkStateSnapshot {
  count += 1;
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkStateSnapshot',
    metadata: {
      name: `s${count}`,
      uid: `uid-${count}`,
      namespace: 'default',
      creationTimestamp: new Date(INPUT_NOW - ageSeconds * 1000).toISOString(),
      labels: { 'snapshot.trigger-type': trigger },
    },
    spec,
    status: { state, path: `file:/sp/${count}` },
  };
}
