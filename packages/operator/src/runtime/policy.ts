import { type ConfigEntries, FlinkConfig, operatorOptions, resourceOptions } from '@drey/flink';
import { buildDeployConfig, DEFAULT_LOGGING } from '@drey/manifests';
import type { DecideConfig } from '../deployment/context.ts';
import { retentionCaps } from '../job/snapshots/retention.ts';
import { selectedLabels } from '../job/snapshots/snapshot-object.ts';
import { rememberedConfiguration } from './configuration-memo.ts';
import { rememberedWarnings } from './configuration-warnings.ts';
import { type DeploymentProblem, deploymentProblems } from './validation.ts';

/** The operator's configuration, as decisions and the runtime use it. */
export interface OperatorPolicy extends DecideConfig {
  readonly options: FlinkConfig;
  /** What is wrong with a deployment, with code and place. */
  readonly problemOf: DeploymentProblem;
}

/** Makes the policy of an operator from its configuration (flat keys and texts). */
export function operatorPolicy(
  operatorConfig: ConfigEntries,
  defaultLogging: Readonly<Record<string, string>> = DEFAULT_LOGGING,
): OperatorPolicy {
  const options = FlinkConfig.of(operatorConfig);
  const configurationOf = rememberedConfiguration(
    (deployment) => buildDeployConfig({ deployment, operatorConfig, markGeneration: false }).config,
  );
  const problemOf = deploymentProblems(operatorConfig, configurationOf);
  return {
    options,
    problemOf,
    configurationOf,
    defaultLogging,
    validate: (deployment) => problemOf(deployment)?.message,
    warningsOf: rememberedWarnings(),
    snapshots: {
      objectsEnabled: options.get(resourceOptions.snapshotResourceEnabled),
      caps: retentionCaps(options),
      inheritedLabels: selectedLabels(options.get(operatorOptions.labelSelector)),
    },
    restIntervalMs: options.get(operatorOptions.reconcileInterval),
    errorLimits: {
      fieldLength: options.get(operatorOptions.exceptionFieldMaxLength),
      causes: options.get(operatorOptions.exceptionThrowableListMaxCount),
      labels: options.get(operatorOptions.exceptionLabelMapper),
    },
    exceptionLimits: {
      perPass: options.get(operatorOptions.eventsExceptionsLimit),
      stackLines: options.get(operatorOptions.eventsExceptionsStackTraceLines),
      fieldLength: options.get(operatorOptions.exceptionFieldMaxLength),
    },
  };
}
