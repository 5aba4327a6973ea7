import type { ValidationContext } from '@drey/api';
import { type ConfigEntries, FlinkConfig, jobManagerMemory, taskManagerMemory, valueRules } from '@drey/flink';
import { defaultConfiguration } from '../effective/defaults.ts';
import { CLIENT_VERSION } from '../effective/deploy-config.ts';

/** What validation needs to know about the operator’s configuration and about Flink. */
export function validationContext(
  operatorConfig: ConfigEntries,
  resolveHost?: ValidationContext['resolveHost'],
): ValidationContext {
  return {
    defaults: (namespace, flinkVersion) => defaultConfiguration(operatorConfig, namespace, flinkVersion),
    memoryDefined(role, configuration) {
      const config = FlinkConfig.of(configuration, valueRules(CLIENT_VERSION, 'legacy'));
      const derive = role === 'jobmanager' ? jobManagerMemory : taskManagerMemory;
      return derive(config, { version: CLIENT_VERSION }).ok;
    },
    ...(resolveHost ? { resolveHost } : {}),
  };
}
