import type { FlinkDeployment } from '@drey/api';
import { type ConfigEntries, FlinkConfig, operatorOptions } from '@drey/flink';
import { buildDeployConfig } from '@drey/manifests';
import type { DecideConfig } from '../deployment/context.ts';
import { deploymentValidator } from './validation.ts';

/** The operator's configuration, as decisions and the runtime use it. */
export interface OperatorPolicy extends DecideConfig {
  readonly options: FlinkConfig;
}

/** Makes the policy of an operator from its configuration (flat keys and texts). */
export function operatorPolicy(operatorConfig: ConfigEntries): OperatorPolicy {
  const options = FlinkConfig.of(operatorConfig);
  const computed = new WeakMap<object, FlinkConfig>();
  const configurationOf = (deployment: FlinkDeployment): FlinkConfig => {
    const known = computed.get(deployment.spec);
    if (known !== undefined) return known;
    const config = buildDeployConfig({ deployment, operatorConfig, markGeneration: false }).config;
    computed.set(deployment.spec, config);
    return config;
  };
  return {
    options,
    configurationOf,
    validate: deploymentValidator(operatorConfig),
    restIntervalMs: options.get(operatorOptions.reconcileInterval),
    errorLimits: {
      fieldLength: options.get(operatorOptions.exceptionFieldMaxLength),
      causes: options.get(operatorOptions.exceptionThrowableListMaxCount),
      labels: options.get(operatorOptions.exceptionLabelMapper),
    },
  };
}
