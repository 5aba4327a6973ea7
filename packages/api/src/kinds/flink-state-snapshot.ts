import type { Static } from 'typebox';
import { flag, integer, list, object, oneOf, optional, text } from '../schema/fields.ts';
import { condition } from '../schema/kubernetes.ts';
import { operation } from './common-status.ts';
import { SAVEPOINT_FORMATS } from './job-status.ts';
import type { ObjectMeta } from './metadata.ts';

/** Kinds that a snapshot can be of. */
export const SNAPSHOT_JOB_KINDS = ['FlinkDeployment', 'FlinkSessionJob'] as const;

/** States of a snapshot. */
export const SNAPSHOT_STATES = ['TRIGGER_PENDING', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'ABANDONED'] as const;
/** States of a snapshot. */
export type SnapshotState = (typeof SNAPSHOT_STATES)[number];

/** Schema of a FlinkStateSnapshot’s `spec`. */
export const flinkStateSnapshotSpec = object('What to take, and of which job.', {
  jobReference: optional(
    object('The job, in the same namespace.', {
      kind: optional(oneOf(SNAPSHOT_JOB_KINDS, 'Kind of the resource that runs the job.')),
      name: optional(text('Name of that resource.')),
    }),
  ),
  savepoint: optional(
    object('Take a savepoint.', {
      path: optional(text('Directory to write into; for an existing savepoint its location.')),
      formatType: optional(oneOf(SAVEPOINT_FORMATS, 'Format. CANONICAL when absent.')),
      disposeOnDelete: optional(flag('Delete the savepoint’s data with this object. true when absent.')),
      alreadyExists: optional(flag('The savepoint exists already; nothing is triggered.')),
    }),
  ),
  checkpoint: optional(object('Take a checkpoint.', {})),
  backoffLimit: optional(integer('How many failed attempts are repeated; -1, or absent, means without end.')),
});

/** What to take, and of which job. */
export type FlinkStateSnapshotSpec = Static<typeof flinkStateSnapshotSpec>;

/** Schema of a FlinkStateSnapshot’s `status`. */
export const flinkStateSnapshotStatus = object('How the snapshot went.', {
  state: optional(oneOf(SNAPSHOT_STATES, 'State of the snapshot.')),
  triggerId: optional(text('Flink’s id of the snapshot.')),
  triggerTimestamp: optional(text('When it was triggered, RFC 3339.')),
  resultTimestamp: optional(text('When it ended, RFC 3339.')),
  path: optional(text('Where it lies.')),
  jobId: optional(text('The job that it was asked of, by Flink’s id.')),
  error: optional(text('The last error.')),
  failures: optional(integer('How many attempts failed.')),
  operation: optional(operation),
  summary: optional(text('One line for people: how it is, or what is waited for.')),
  conditions: optional(list(condition, 'What is currently true of the snapshot.')),
});

/** How a snapshot went. */
export type FlinkStateSnapshotStatus = Static<typeof flinkStateSnapshotStatus>;

/** A savepoint or checkpoint as an object. */
export interface FlinkStateSnapshot {
  apiVersion: 'flink.apache.org/v1beta1';
  kind: 'FlinkStateSnapshot';
  metadata: ObjectMeta;
  spec: FlinkStateSnapshotSpec;
  status?: FlinkStateSnapshotStatus;
}
