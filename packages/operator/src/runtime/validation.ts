import { type FlinkDeployment, validateFlinkDeployment } from '@drey/api';
import { type ConfigEntries, type FlinkConfig, FlinkError } from '@drey/flink';
import { ManifestError, validationContext } from '@drey/manifests';

/**
 * Validation inside the loop: the rules of the API first, then whether a configuration can be made of the spec at all. The
 * result is the text of the first problem, in the words of the Apache operator; undefined when there is none.
 */
export function deploymentValidator(
  operatorConfig: ConfigEntries,
  configurationOf: (deployment: FlinkDeployment) => FlinkConfig,
): (deployment: FlinkDeployment) => string | undefined {
  const context = validationContext(operatorConfig);
  return (deployment) =>
    validateFlinkDeployment(deployment, context)?.message ?? configurationProblem(deployment, configurationOf);
}

function configurationProblem(
  deployment: FlinkDeployment,
  configurationOf: (deployment: FlinkDeployment) => FlinkConfig,
): string | undefined {
  try {
    configurationOf(deployment);
    return undefined;
  } catch (error) {
    if (error instanceof ManifestError || error instanceof FlinkError) return error.message;
    throw error;
  }
}
