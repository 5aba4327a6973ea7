import Type, { type Static } from 'typebox';
import { list, object, oneOf, optional, text } from '../schema/fields.ts';

/** Flink's own states of a job. */
export const JOB_STATES = [
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
] as const;
/** Flink's own states of a job. */
export type JobState = (typeof JOB_STATES)[number];

/** Why a snapshot was taken. */
export const SNAPSHOT_TRIGGER_TYPES = ['MANUAL', 'PERIODIC', 'UPGRADE', 'UNKNOWN'] as const;
/** Why a snapshot was taken. */
export type SnapshotTriggerType = (typeof SNAPSHOT_TRIGGER_TYPES)[number];

/** Formats of a savepoint. */
export const SAVEPOINT_FORMATS = ['CANONICAL', 'NATIVE', 'UNKNOWN'] as const;
/** Formats of a savepoint. */
export type SavepointFormat = (typeof SAVEPOINT_FORMATS)[number];

/** Formats of a checkpoint. */
export const CHECKPOINT_FORMATS = ['FULL', 'INCREMENTAL', 'UNKNOWN'] as const;
/** Formats of a checkpoint. */
export type CheckpointFormat = (typeof CHECKPOINT_FORMATS)[number];

const long = (description: string) => Type.Integer({ format: 'int64', description });
const triggerType = optional(oneOf(SNAPSHOT_TRIGGER_TYPES, 'Why it was taken.'));
const savepointFormat = optional(oneOf(SAVEPOINT_FORMATS, 'Format of the savepoint.'));
const checkpointFormat = optional(oneOf(CHECKPOINT_FORMATS, 'Format of the checkpoint.'));

const savepoint = (description: string) =>
  object(description, {
    timeStamp: optional(long('When it was triggered, in epoch milliseconds.')),
    location: optional(text('Where it lies.')),
    triggerType,
    formatType: savepointFormat,
    triggerNonce: optional(long('The savepointTriggerNonce that asked for it.')),
  });

const checkpoint = object('The newest checkpoint taken on request.', {
  timeStamp: optional(long('When it was triggered, in epoch milliseconds.')),
  triggerType,
  formatType: checkpointFormat,
  triggerNonce: optional(long('The checkpointTriggerNonce that asked for it.')),
});

const savepointInfo = object('Savepoints known to the operator, without those kept as FlinkStateSnapshots.', {
  lastSavepoint: optional(savepoint('The newest savepoint.')),
  triggerId: optional(text('Flink’s id of the savepoint in progress.')),
  triggerTimestamp: optional(long('When it was triggered, in epoch milliseconds.')),
  triggerType,
  formatType: savepointFormat,
  savepointHistory: optional(list(savepoint('One savepoint.'), 'Savepoints that are still kept, oldest first.')),
  lastPeriodicSavepointTimestamp: optional(long('When the last periodic savepoint was taken, in epoch milliseconds.')),
});

const checkpointInfo = object('Checkpoints taken on request.', {
  lastCheckpoint: optional(checkpoint),
  triggerId: optional(text('Flink’s id of the checkpoint in progress.')),
  triggerTimestamp: optional(long('When it was triggered, in epoch milliseconds.')),
  triggerType,
  formatType: checkpointFormat,
  lastPeriodicCheckpointTimestamp: optional(
    long('When the last periodic checkpoint was taken, in epoch milliseconds.'),
  ),
});

const newestCheckpoint = object(
  'The newest checkpoint that was seen of a job without high availability. Written now and then, so that it survives the operator.',
  {
    jobId: text('The job that completed it.'),
    path: text('Where it lies.'),
    process: optional(
      text(
        'The JobManager process that ran it: uid of its pod and number of its restarts. Absent once it was started anew.',
      ),
    ),
    recordedAt: text('When it was written here, RFC 3339.'),
    triggeredAt: optional(text('When it was triggered, RFC 3339.')),
  },
);

const lastFailure = object('The newest failure that Flink reported of the job, also when the job went on after it.', {
  jobId: text('The job that failed.'),
  time: text('When it failed, RFC 3339 with milliseconds.'),
  exception: text('Class of the exception.'),
  message: text('What it says: the exceptions and their causes, without the stacks.'),
  task: optional(text('The task that failed.')),
  taskManager: optional(text('The TaskManager on which it failed.')),
});

/** Schema of `status.jobStatus`. */
export const jobStatus = object('The job as it was last seen.', {
  jobName: optional(text('Name of the job.')),
  jobId: optional(text('Flink’s job id, 32 hexadecimal digits.')),
  state: optional(oneOf(JOB_STATES, 'State of the job as Flink reports it.')),
  startTime: optional(text('When the job started, in epoch milliseconds.')),
  updateTime: optional(text('When the state last changed, in epoch milliseconds.')),
  upgradeSavepointPath: optional(text('State that the next start of the job begins from.')),
  savepointInfo: optional(savepointInfo),
  checkpointInfo: optional(checkpointInfo),
  newestCheckpoint: optional(newestCheckpoint),
  lastFailure: optional(lastFailure),
});

/** The job as it was last seen. */
export type JobStatus = Static<typeof jobStatus>;
/** Savepoints known to the operator. */
export type SavepointInfo = Static<typeof savepointInfo>;
/** Checkpoints taken on request. */
export type CheckpointInfo = Static<typeof checkpointInfo>;
/** The newest checkpoint that was seen of a job without high availability. */
export type NewestCheckpoint = Static<typeof newestCheckpoint>;
/** The newest failure that Flink reported of the job. */
export type LastFailure = Static<typeof lastFailure>;
