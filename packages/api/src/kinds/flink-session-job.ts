import Type, { type Static } from 'typebox';
import { list, object, optional, text } from '../schema/fields.ts';
import { condition } from '../schema/kubernetes.ts';
import { commonStatus } from './common-status.ts';
import { flinkConfiguration } from './flink-deployment.ts';
import { jobSpec } from './job.ts';
import type { ObjectMeta } from './metadata.ts';

/** Schema of a FlinkSessionJob’s `spec`. */
export const flinkSessionJobSpec = object('What the job shall be.', {
  job: optional(jobSpec),
  restartNonce: optional(
    Type.Integer({ format: 'int64', description: 'A new value restarts the job with its state.' }),
  ),
  flinkConfiguration: optional(flinkConfiguration),
  deploymentName: optional(text('The session FlinkDeployment, in the same namespace, that runs the job.')),
});

/** What a FlinkSessionJob shall be. */
export type FlinkSessionJobSpec = Static<typeof flinkSessionJobSpec>;

/** Schema of a FlinkSessionJob’s `status`. */
export const flinkSessionJobStatus = object('What was last seen and done.', {
  ...commonStatus,
  conditions: optional(list(condition, 'What is currently true of the job.')),
});

/** What was last seen of a FlinkSessionJob. */
export type FlinkSessionJobStatus = Static<typeof flinkSessionJobStatus>;

/** A job on a session cluster. */
export interface FlinkSessionJob {
  apiVersion: 'flink.apache.org/v1beta1';
  kind: 'FlinkSessionJob';
  metadata: ObjectMeta;
  spec: FlinkSessionJobSpec;
  status?: FlinkSessionJobStatus;
}
