import type { FlinkDeployment } from '@drey/api';
import type { ConfigEntries, FlinkConfig } from '@drey/flink';

/** The first rule that a deployment breaks; undefined when it can be deployed. */
export function validateDeployment(
  deployment: FlinkDeployment,
  _operatorConfig: ConfigEntries,
  configurationOf: (deployment: FlinkDeployment) => FlinkConfig,
): string | undefined {
  try {
    configurationOf(deployment);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
