import { type FlinkDeployment, validateFlinkDeployment } from '@drey/api';
import { type ConfigEntries, FlinkError } from '@drey/flink';
import { buildDeployConfig, ManifestError, validationContext } from '@drey/manifests';

/**
 * Validation inside the loop: the rules of the API first, then whether a configuration can be made of the spec at all. The
 * result is the text of the first problem, in the words of the Apache operator; undefined when there is none.
 */
export function deploymentValidator(
  operatorConfig: ConfigEntries,
): (deployment: FlinkDeployment) => string | undefined {
  const context = validationContext(operatorConfig);
  return (deployment) =>
    validateFlinkDeployment(deployment, context)?.message ?? configurationProblem(deployment, operatorConfig);
}

function configurationProblem(deployment: FlinkDeployment, operatorConfig: ConfigEntries): string | undefined {
  try {
    buildDeployConfig({ deployment, operatorConfig, markGeneration: false });
    return undefined;
  } catch (error) {
    if (error instanceof ManifestError || error instanceof FlinkError) return error.message;
    throw error;
  }
}
