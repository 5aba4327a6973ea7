import { type DeploymentMode, diffSpecs, type FlinkDeploymentSpec, type RecordedKind } from '@drey/api';
import { FlinkConfig } from '@drey/flink';
import { type ChangeInput, classifyChange } from '../job/change-class.ts';

/** Pairs of specs for tests of what a change takes. */

export type Spec = Partial<FlinkDeploymentSpec>;

export const ADAPTIVE = { 'jobmanager.scheduler': 'adaptive' };
export const REACTIVE = { 'scheduler-mode': 'reactive', 'jobmanager.scheduler': 'adaptive' };
export const OVERRIDES = 'pipeline.jobvertex-parallelism-overrides';
export const WATCHED = 'monitorInterval = 30\nrootLogger.level = INFO\n';
export const LOUD = 'monitorInterval = 30\nrootLogger.level = DEBUG\n';
export const DEAF = 'rootLogger.level = INFO\n';
export const SCANNED = '<?xml version="1.0"?>\n<configuration scan="true"><root level="INFO"/></configuration>';

export const base: FlinkDeploymentSpec = {
  image: 'flink:1.20',
  flinkVersion: 'v1_20',
  job: { jarURI: 'local:///job.jar', parallelism: 2, upgradeMode: 'savepoint' },
  taskManager: { resource: { memory: '1g', cpu: 1 } },
};

export function spec(changes: Spec = {}, configuration: Readonly<Record<string, unknown>> = {}): FlinkDeploymentSpec {
  return { ...base, ...changes, flinkConfiguration: configuration };
}

export interface Given extends Partial<ChangeInput> {
  readonly kind?: RecordedKind;
}

/** Configuration in force is taken to be what the specs say. */
export function classify(left: FlinkDeploymentSpec, right: FlinkDeploymentSpec, given: Given = {}) {
  const { kind = 'FlinkDeployment', ...input } = given;
  const mode: DeploymentMode = input.mode ?? right.mode ?? 'native';
  const config = (one: FlinkDeploymentSpec) => FlinkConfig.of(one.flinkConfiguration as Record<string, string>);
  return classifyChange(diffSpecs(kind, left, right, mode), {
    target: right.job === undefined || right.job === null ? 'session' : 'application',
    mode,
    flinkVersion: right.flinkVersion,
    running: config(left),
    wanted: config(right),
    jobRuns: true,
    defaultLogging: { 'log4j-console.properties': WATCHED },
    ...input,
  });
}

export const log = (text: string, name = 'log4j-console.properties'): Spec => ({ logConfiguration: { [name]: text } });
export const job = (changes: Record<string, unknown>): Spec => ({ job: { ...base.job, ...changes } });
export const session: Spec = { job: undefined as never };
export const standalone: Spec = { mode: 'standalone' };
export const replicas = (count: number): Spec => ({ taskManager: { ...base.taskManager, replicas: count } });
