import { flattenConfiguration, type Json, javaSpec } from '@drey/api';
import { type ConfigEntries, checkpointingOptions, FlinkConfig } from '@drey/flink';
import { buildDeployConfig } from './deploy-config.ts';
import { withJobDefaults } from './job-config.ts';
import { type DeploymentInput, objectOf } from './spec-view.ts';

/** What the configuration of a running cluster is made from. */
export interface ObserveConfigInput {
  /** The resource as it is now. */
  readonly deployment: DeploymentInput;
  /** The spec that runs: the last reconciled one, or the last stable one after a rollback. */
  readonly deployedSpec: unknown;
  readonly operatorConfig: ConfigEntries;
}

/**
 * The configuration that a running cluster is talked to with: that of the spec which runs, with the operator’s own keys and
 * the savepoint directory of the resource as it is now.
 */
export function buildObserveConfig({ deployment, deployedSpec, operatorConfig }: ObserveConfigInput): FlinkConfig {
  const deployed = buildDeployConfig({
    deployment: { ...deployment, spec: deployedSpec },
    operatorConfig,
    markGeneration: false,
  }).config;
  const current = javaSpec('FlinkDeployment', deployment.spec as Json).flinkConfiguration;
  return withCurrentSettings(deployed, flattenConfiguration(current));
}

/** The configuration of a job on a session cluster: the cluster’s, the job’s own on top, then what its spec says. */
export function buildSessionJobConfig(cluster: FlinkConfig, sessionJob: DeploymentInput): FlinkConfig {
  const spec = javaSpec('FlinkSessionJob', sessionJob.spec as Json);
  const own = cluster.withAll(flattenConfiguration(spec.flinkConfiguration));
  const job = objectOf(spec.job);
  return job === undefined ? own : withJobDefaults(own, job, sessionJob.metadata.name ?? '');
}

function withCurrentSettings(deployed: FlinkConfig, current: Record<string, string>): FlinkConfig {
  const own = Object.entries(current).filter(
    ([key]) => key.startsWith('kubernetes.operator.') || key.startsWith('job.autoscaler.'),
  );
  const directory = FlinkConfig.of(current, deployed.rules).get(checkpointingOptions.savepointDir);
  return deployed.withAll([
    ...own,
    ...(directory === undefined ? [] : [[checkpointingOptions.savepointDir.key, directory] as const]),
  ]);
}
