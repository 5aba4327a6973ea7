import type { FlinkDeployment, FlinkDeploymentSpec, FlinkDeploymentStatus, SpecDiff } from '@drey/api';
import type { ConfigurationWarning, FlinkConfig } from '@drey/flink';
import type { ChangeClassification } from '../job/change-class.ts';
import type { ConditionDraft, Told } from '../job/conditions.ts';
import type { ExceptionLimits } from '../job/exceptions.ts';
import type { JobObservation } from '../job/job-observation.ts';
import type { PlannedEvent, WakeUp } from '../job/planned.ts';
import type { RecordedSpec } from '../job/recorded-spec.ts';
import type { ErrorLimits } from '../job/resource-error.ts';
import type { SnapshotPolicy } from '../job/snapshots/input.ts';
import type { JobManagerObservation } from './observation/job-manager-observation.ts';
import type { Step } from './plan.ts';
import type { World } from './world.ts';

/** Policy that comes from outside a decision: the operator's configuration and the pure rules of other packages. */
export interface DecideConfig {
  /** The Flink configuration in force for a deployment: the operator's defaults, then its namespace's, then its own. */
  readonly configurationOf: (deployment: FlinkDeployment) => FlinkConfig;
  /** The first rule that a deployment breaks; undefined when it is valid. */
  readonly validate: (deployment: FlinkDeployment) => string | undefined;
  /** The same rule with its code, the place it is about, and the next step. */
  readonly problemOf?: (
    deployment: FlinkDeployment,
  ) => { readonly code: string; readonly path: string; readonly nextStep: string } | undefined;
  /** What in a deployment's configuration does not do what it looks like. */
  readonly warningsOf?: (deployment: FlinkDeployment) => readonly ConfigurationWarning[];
  readonly errorLimits: ErrorLimits;
  readonly snapshots: SnapshotPolicy;
  readonly exceptionLimits: ExceptionLimits;
  /** Logging files of clusters that bring none; absent: not known. */
  readonly defaultLogging?: Readonly<Record<string, string>>;
  /** How often an object at rest is looked at, in milliseconds. */
  readonly restIntervalMs: number;
}

/** Everything the concerns of a decision share. Made once per pass, never changed. */
export interface Context {
  readonly world: World;
  readonly config: DecideConfig;
  readonly now: number;
  /** The deployment with the spec to act on: the user's when it is valid, otherwise the one that was recorded. */
  readonly wanted: FlinkDeployment;
  /** Generation of that spec. */
  readonly generation: number;
  /** Why the user's spec is not acted on. */
  readonly invalid: string | undefined;
  /** Configuration in force for `wanted`. */
  readonly options: FlinkConfig;
  /** Configuration of the running cluster; before the first deployment that of `wanted`. */
  readonly runningOptions: FlinkConfig;
  /** The spec that the running cluster was made from. */
  readonly recorded: RecordedSpec | undefined;
  /** How `wanted` differs from `recorded`; undefined before the first deployment. */
  readonly change: SpecDiff | undefined;
  /** What that change really takes. */
  readonly classification: ChangeClassification;
  /** The recorded status with this pass's observations in it. */
  readonly status: FlinkDeploymentStatus;
  readonly jobManager: JobManagerObservation;
  readonly job: JobObservation;
  /** Events that the observations gave rise to. */
  readonly events: readonly PlannedEvent[];
}

/** What a concern decided; the rest of a plan (conditions, lifecycle, the observations' events) is the same for all. */
export interface Outcome {
  readonly status: FlinkDeploymentStatus;
  readonly steps?: readonly Step[];
  readonly settled?: FlinkDeploymentStatus;
  readonly events?: readonly PlannedEvent[];
  readonly wakeUp: WakeUp;
  /** What is being done or waited for; absent: everything is as wanted. */
  readonly progress?: Told;
  /** What is waited for once the steps are made; absent: the same as `progress`. */
  readonly settledProgress?: Told;
  /** Nothing will be done until somebody changes something. */
  readonly stalled?: Told;
  /** Conditions beside those that follow from the status. */
  readonly conditions?: readonly ConditionDraft[];
}

/** True for a cluster that runs no job of its own: jobs are submitted to it. */
export function isSessionCluster(spec: FlinkDeploymentSpec): boolean {
  return spec.job === undefined || spec.job === null;
}

/** True when the TaskManagers are a Deployment of their own. */
export function isStandalone(spec: FlinkDeploymentSpec): boolean {
  return spec.mode === 'standalone';
}

/** The job part of a spec that runs one. */
export function jobOf(spec: FlinkDeploymentSpec): NonNullable<FlinkDeploymentSpec['job']> {
  return spec.job ?? {};
}

/** True when the spec wants the job suspended. */
export function isSuspended(spec: FlinkDeploymentSpec): boolean {
  return spec.job?.state === 'suspended';
}
