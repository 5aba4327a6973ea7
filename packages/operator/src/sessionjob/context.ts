import type { FlinkDeployment, FlinkSessionJob, FlinkSessionJobSpec, FlinkSessionJobStatus, SpecDiff } from '@drey/api';
import type { ConfigurationWarning, FlinkConfig } from '@drey/flink';
import type { ArtifactAccess } from '../artifact/artifact.ts';
import type { ConditionDraft, Told } from '../job/conditions.ts';
import type { ExceptionLimits } from '../job/exceptions.ts';
import type { JobObservation } from '../job/job-observation.ts';
import type { PlannedEvent, WakeUp } from '../job/planned.ts';
import type { RecordedSpec } from '../job/recorded-spec.ts';
import type { ErrorLimits } from '../job/resource-error.ts';
import type { SnapshotPolicy } from '../job/snapshots/input.ts';
import type { SessionJobStep } from './plan.ts';
import type { SessionCluster, SessionJobWorld } from './world.ts';

/** Policy that comes from outside a decision: the operator's configuration and the pure rules of other packages. */
export interface SessionJobConfig {
  /** The configuration in force for a job on its cluster; of the operator's defaults alone while that is not known. */
  readonly configurationOf: (sessionJob: FlinkSessionJob, cluster: FlinkDeployment | undefined) => FlinkConfig;
  /** The first rule that a job breaks; undefined when it is valid. */
  readonly validate: (sessionJob: FlinkSessionJob, cluster: FlinkDeployment | undefined) => string | undefined;
  /** The same rule with its code, the place it is about, and the next step. */
  readonly problemOf?: (
    sessionJob: FlinkSessionJob,
    cluster: FlinkDeployment | undefined,
  ) => { readonly code: string; readonly path: string; readonly nextStep: string } | undefined;
  /** What in a job's configuration does not do what it looks like on a cluster. */
  readonly warningsOf?: (sessionJob: FlinkSessionJob, cluster: FlinkDeployment) => readonly ConfigurationWarning[];
  /** What the operator may fetch for a job. */
  readonly artifactAccess: (sessionJob: FlinkSessionJob, options: FlinkConfig) => ArtifactAccess;
  readonly snapshots: SnapshotPolicy;
  readonly errorLimits: ErrorLimits;
  readonly exceptionLimits: ExceptionLimits;
  /** How often an object at rest is looked at, in milliseconds. */
  readonly restIntervalMs: number;
  /** Limits of a fetch with its upload, and of a run. */
  readonly submissionTimeoutMs: number;
  /** How long a deletion waits for a cluster that does not answer. */
  readonly cleanupTimeoutMs: number;
  readonly retry: RetryPolicy;
}

/** Times between attempts, in milliseconds: the first, times the factor each, never more than the cap, without end. */
export interface RetryPolicy {
  readonly firstMs: number;
  readonly factor: number;
  readonly capMs: number;
}

/** Everything the concerns of a decision share. Made once per pass, never changed. */
export interface SessionJobContext {
  readonly world: SessionJobWorld;
  readonly config: SessionJobConfig;
  readonly now: number;
  /** The job with the spec to act on: the user's when it is valid, otherwise the one that was recorded. */
  readonly wanted: FlinkSessionJob;
  /** Generation of that spec. */
  readonly generation: number;
  /** Why the user's spec is not acted on. */
  readonly invalid: string | undefined;
  /** Configuration in force for `wanted`. */
  readonly options: FlinkConfig;
  readonly recorded: RecordedSpec<'FlinkSessionJob'> | undefined;
  /** How `wanted` differs from `recorded`; undefined before the first start, and where it does not. */
  readonly change: SpecDiff | undefined;
  /** The recorded status with this pass's observations in it. */
  readonly status: FlinkSessionJobStatus;
  readonly job: JobObservation;
  /** undefined: not known, or there is none. */
  readonly cluster: SessionCluster | undefined;
  /** Events that the observations gave rise to. */
  readonly events: readonly PlannedEvent[];
}

/** What a concern decided; the rest of a plan is the same for all. */
export interface SessionJobOutcome {
  readonly status: FlinkSessionJobStatus;
  readonly steps?: readonly SessionJobStep[];
  readonly settled?: FlinkSessionJobStatus;
  readonly events?: readonly PlannedEvent[];
  readonly wakeUp: WakeUp;
  /** What is being done or waited for; absent: everything is as wanted. */
  readonly progress?: Told;
  /** Nothing will be done until somebody changes something. */
  readonly stalled?: Told;
  /** Conditions beside those that follow from the status. */
  readonly conditions?: readonly ConditionDraft[];
}

/** The job part of a spec. */
export function jobOf(spec: FlinkSessionJobSpec): NonNullable<FlinkSessionJobSpec['job']> {
  return spec.job ?? {};
}

/** True when the spec wants the job suspended. */
export function isSuspended(spec: FlinkSessionJobSpec): boolean {
  return spec.job?.state === 'suspended';
}

/** How the user wants state to be carried. */
export function wantedMode(spec: FlinkSessionJobSpec) {
  return jobOf(spec).upgradeMode ?? 'stateless';
}
