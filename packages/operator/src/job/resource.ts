import type { FlinkDeploymentSpec, FlinkSessionJobSpec, FlinkSessionJobStatus, RecordedKind } from '@drey/api';

/** The members of a status that everything with a job has: FlinkDeployments and FlinkSessionJobs. */
export type JobResourceStatus = FlinkSessionJobStatus;

/** The spec of each kind that has a job. */
export interface SpecOf {
  readonly FlinkDeployment: FlinkDeploymentSpec;
  readonly FlinkSessionJob: FlinkSessionJobSpec;
}

/** A kind whose spec is recorded in its status. */
export type JobKind = RecordedKind & keyof SpecOf;
