import { type ConfigEntries, FlinkConfig, operatorOptions, resourceOptions } from '@drey/flink';
import { buildDeployConfig, DEFAULT_LOGGING } from '@drey/manifests';
import type { DecideConfig } from '../deployment/context.ts';
import { retentionCaps } from '../job/snapshots/retention.ts';
import { rememberedConfiguration } from './configuration-memo.ts';
import { deploymentValidator } from './validation.ts';

/** The operator's configuration, as decisions and the runtime use it. */
export interface OperatorPolicy extends DecideConfig {
  readonly options: FlinkConfig;
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
  return {
    options,
    configurationOf,
    defaultLogging,
    validate: deploymentValidator(operatorConfig, configurationOf),
    snapshots: { objectsEnabled: options.get(resourceOptions.snapshotResourceEnabled), caps: retentionCaps(options) },
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
