import { diffSpecs, type FlinkDeployment, type FlinkDeploymentSpec, type JobState, type SpecDiff } from '@drey/api';
import type { FlinkConfig } from '@drey/flink';
import { type ChangeClassification, classifyChange } from '../../job/change-class.ts';
import { isTerminal } from '../../job/upgrade-choice.ts';

/** How a wanted spec differs from a recorded one; undefined when it does not. */
export function specChange(recorded: FlinkDeploymentSpec, wanted: FlinkDeploymentSpec): SpecDiff | undefined {
  const diff = diffSpecs('FlinkDeployment', recorded, wanted, wanted.mode ?? 'native');
  return diff.differences.length === 0 ? undefined : diff;
}

/** What the class of a deployment's change rests on. */
export interface ClassInput {
  readonly wanted: FlinkDeployment;
  readonly options: FlinkConfig;
  readonly runningOptions: FlinkConfig;
  /** State of the job as it was seen. */
  readonly jobState: JobState | undefined;
  readonly defaultLogging: Readonly<Record<string, string>> | undefined;
}

/** What a change of a deployment's spec really takes. */
export function classOfChange(change: SpecDiff | undefined, input: ClassInput): ChangeClassification {
  const { spec } = input.wanted;
  return classifyChange(change, {
    target: spec.job === undefined || spec.job === null ? 'session' : 'application',
    mode: spec.mode ?? 'native',
    flinkVersion: spec.flinkVersion,
    running: input.runningOptions,
    wanted: input.options,
    jobRuns: input.jobState !== undefined && input.jobState !== 'RECONCILING' && !isTerminal(input.jobState),
    defaultLogging: input.defaultLogging,
  });
}
