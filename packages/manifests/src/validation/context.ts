import type { ValidationContext } from '@drey/api';
import {
  type ConfigEntries,
  FlinkConfig,
  jobManagerMemory,
  taskManagerMemory,
  taskManagerMemoryOptions,
  valueRules,
} from '@drey/flink';
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
      // The oldest options of memory stand for the heap of a JobManager here; for TaskManagers they do not count.
      if (role === 'jobmanager') return jobManagerMemory(config, { version: CLIENT_VERSION, deployment: 'scripts' }).ok;
      const { legacyHeapSize, legacyHeapMebibytes } = taskManagerMemoryOptions;
      const current = config.without(legacyHeapSize.key, legacyHeapMebibytes.key);
      return taskManagerMemory(current, { version: CLIENT_VERSION }).ok;
    },
    ...(resolveHost ? { resolveHost } : {}),
  };
}
