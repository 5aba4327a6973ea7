import { type FlinkDeployment, type ValidationProblem, validateFlinkDeployment } from '@drey/api';
import { type ConfigEntries, type FlinkConfig, FlinkError } from '@drey/flink';
import {
  buildDeploymentObjects,
  buildTaskManagerPod,
  ManifestError,
  type ManifestErrorCode,
  type ManifestObject,
  UNKNOWN_JOB_MANAGER,
  validationContext,
} from '@drey/manifests';
import { rememberedConfiguration } from './configuration-memo.ts';

/** Why a resource is not acted on: a code, the member, what is wrong and what to do. */
export interface Refusal extends Omit<ValidationProblem, 'code'> {
  readonly code: string;
}

/** What is wrong with a deployment; undefined when nothing is. */
export type DeploymentProblem = (deployment: FlinkDeployment) => Refusal | undefined;

/**
 * Validation of whole deployments, the same in the loop and at admission: the rules of the API first, then whether everything that
 * would be created can be made of the spec, so that nothing that runs is taken down for something that cannot start. Messages are
 * the Apache operator's where it makes the same check. What was found about a spec's objects is remembered.
 */
export function deploymentProblems(
  operatorConfig: ConfigEntries,
  configurationOf: (deployment: FlinkDeployment) => FlinkConfig,
): DeploymentProblem {
  const context = validationContext(operatorConfig);
  const built = rememberedConfiguration((deployment) => {
    const { cluster, taskManagers, ingress } = buildDeploymentObjects({
      deployment,
      operatorConfig,
      decision: PLACEHOLDER,
    });
    // In native mode the JobManager makes these, when the job is down already.
    if (taskManagers === undefined) buildTaskManagerPod(cluster, UNKNOWN_JOB_MANAGER);
    checkHosts(ingress);
    return configurationOf(deployment);
  });
  return (deployment) => validateFlinkDeployment(deployment, context) ?? problemOfBuilding(() => built(deployment));
}

/** Ids of a start that is only tried out. */
const PLACEHOLDER = { jobId: '0'.repeat(32), resultStoreId: '0'.repeat(32) };

const HOST = /^(?:\*\.)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** Hosts that an API server would refuse, when everything else is there already. */
function checkHosts(ingress: ManifestObject | undefined): void {
  const rules = (ingress?.spec as { readonly rules?: readonly { readonly host?: string }[] } | undefined)?.rules ?? [];
  const wrong = rules.find(({ host }) => host !== undefined && !(host.length <= 253 && HOST.test(host)))?.host;
  if (wrong === undefined) return;
  throw new ManifestError(
    'E_SPEC_INGRESS',
    `The ingress template gives the host "${wrong}", which is none`,
    'Write spec.ingress.template as host/path with a host of lower-case letters, digits, dashes and dots.',
  );
}

/** What is wrong with a spec of which something cannot be built; undefined when it can. */
export function problemOfBuilding(build: () => unknown): Refusal | undefined {
  try {
    build();
    return undefined;
  } catch (error) {
    if (error instanceof ManifestError) {
      const { code, message, nextStep } = error;
      return { code, message, nextStep, path: PLACES[code] };
    }
    if (error instanceof FlinkError) {
      const { code, message, nextStep } = error;
      return { code, message, nextStep, path: 'spec.flinkConfiguration' };
    }
    throw error;
  }
}

const PLACES: Readonly<Record<ManifestErrorCode, string>> = {
  E_SPEC_MEMORY: 'spec',
  E_SPEC_RESOURCES: 'spec',
  E_SPEC_JAR_URI: 'spec.job.jarURI',
  E_SPEC_IMAGE_PULL_POLICY: 'spec.imagePullPolicy',
  E_SPEC_VERSION: 'spec.flinkVersion',
  E_SPEC_INGRESS: 'spec.ingress.template',
  E_SPEC_STATEFUL_SET: 'spec.flinkConfiguration',
};
