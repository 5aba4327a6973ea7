import Type, { type Static } from 'typebox';
import { list, object, oneOf, optional, text } from '../schema/fields.ts';
import { jobStatus } from './job-status.ts';

/** Where a resource stands in its life. */
export const LIFECYCLE_STATES = [
  'CREATED',
  'SUSPENDED',
  'UPGRADING',
  'DEPLOYED',
  'STABLE',
  'ROLLING_BACK',
  'ROLLED_BACK',
  'FAILED',
  'DELETING',
  'DELETED',
] as const;
/** Where a resource stands in its life. */
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

/** How far the recorded spec has been carried out. */
export const RECONCILIATION_STATES = ['DEPLOYED', 'UPGRADING', 'ROLLING_BACK', 'ROLLED_BACK'] as const;
/** How far the recorded spec has been carried out. */
export type ReconciliationState = (typeof RECONCILIATION_STATES)[number];

const reconciliationStatus = object('What was recorded about the spec that runs.', {
  reconciliationTimestamp: optional(
    Type.Integer({ format: 'int64', description: 'When the record was written, in epoch milliseconds.' }),
  ),
  lastReconciledSpec: optional(text('The spec that was last acted on, as JSON.')),
  lastStableSpec: optional(text('The spec that was last seen to run well, as JSON.')),
  state: optional(oneOf(RECONCILIATION_STATES, 'How far the recorded spec has been carried out.')),
});

/** What was recorded about the spec that runs. */
export type ReconciliationStatus = Static<typeof reconciliationStatus>;

/**
 * Schema of `status.operation`, the record written before anything outside is touched. It makes every step repeatable:
 * whoever continues after a crash
 * finds the id under which the step was asked for.
 */
export const operation = object('The operation in progress. Written before anything outside is touched.', {
  id: text('Id of the operation; savepoints use it as their trigger id.'),
  kind: text('What is being done.'),
  target: optional(text('What it is done to, for example a job id.')),
  epoch: optional(Type.Integer({ format: 'int64', description: 'Leadership epoch of the operator that recorded it.' })),
  startedAt: optional(text('When it was recorded, RFC 3339.')),
  triggerId: optional(text('Id under which Flink knows it.')),
  jobManager: optional(text('The JobManager that was asked, by the uid of its Deployment.')),
  phase: optional(text('How far it has come.')),
  previous: optional(text('What was before, where the operation can be taken back, as JSON.')),
  nonce: optional(Type.Integer({ format: 'int64', description: 'The nonce of the spec that asked for it.' })),
});

/** The operation in progress. */
export type Operation = Static<typeof operation>;

const pastOperation = object('An operation that interrupted the job. Times are RFC 3339.', {
  kind: text('What was done.'),
  startedAt: optional(text('When it was recorded.')),
  downAt: optional(text('When the job was down.')),
  upAt: optional(text('When the job was seen to run again; absent until then.')),
});

/** An operation that interrupted the job. */
export type PastOperation = Static<typeof pastOperation>;

/** Members of the status that FlinkDeployment and FlinkSessionJob share. */
export const commonStatus = {
  jobStatus: optional(jobStatus),
  error: optional(text('The last error, as JSON with type and message.')),
  summary: optional(text('One line for people: how it is, or what is waited for.')),
  observedGeneration: optional(
    Type.Integer({ format: 'int64', description: 'The generation of the spec that was last acted on.' }),
  ),
  lifecycleState: optional(oneOf(LIFECYCLE_STATES, 'Where the resource stands in its life.')),
  reconciliationStatus: optional(reconciliationStatus),
  operation: optional(operation),
  lastOperations: optional(list(pastOperation, 'The last operations that interrupted the job, newest first.')),
};
