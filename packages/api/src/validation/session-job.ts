import type { FlinkSessionJob } from '../kinds/flink-session-job.ts';
import { javaSpec } from '../spec/java-spec.ts';
import { flattenConfiguration } from '../values/flatten.ts';
import { isJsonObject, type Json, type JsonObject } from '../values/json.ts';
import { checkAutoscaler } from './autoscaler.ts';
import { Settings, type ValidationContext } from './context.ts';
import { formatProblems, recordedIn, settingsOf } from './deployment.ts';
import { checkJarUri } from './jar-uri.ts';
import { checkJob } from './job.ts';
import { MESSAGES } from './messages.ts';
import { checkDeploymentName } from './names.ts';
import { firstProblem, problem, type ValidationProblem } from './problem.ts';

/** A resource as its users hold it; its parts are read with care. */
interface Held {
  readonly metadata: FlinkSessionJob['metadata'];
  readonly spec?: unknown;
  readonly status?: unknown;
}

/**
 * Checks a FlinkSessionJob. `session` is the FlinkDeployment that it names; while that is unknown only what can be said
 * without it is checked.
 */
export function validateFlinkSessionJob(
  sessionJob: Held,
  session: Held | undefined,
  context: ValidationContext,
): ValidationProblem | undefined {
  return formatProblems(() => {
    const spec = javaSpec('FlinkSessionJob', sessionJob.spec as Json);
    return firstProblem(
      () => checkReference(sessionJob, spec, context),
      () => (session === undefined ? undefined : checkOnSession(sessionJob, spec, session, context)),
    );
  });
}

function checkReference(
  { metadata, status }: Held,
  spec: JsonObject,
  context: ValidationContext,
): ValidationProblem | undefined {
  const { deploymentName, job } = spec;
  const refuse = (path: string, message: string, next: string): ValidationProblem =>
    problem('E_VALIDATION_SESSION', path, message, next);
  const next = 'Set spec.deploymentName to the name of a session FlinkDeployment in the same namespace.';
  if (typeof deploymentName !== 'string') return refuse('spec.deploymentName', MESSAGES.deploymentNameMissing, next);
  const name = checkDeploymentName(deploymentName, 'spec.deploymentName');
  if (name !== undefined) return { ...name, nextStep: next };
  if (!isJsonObject(job)) return refuse('spec.job', MESSAGES.jobMissing, 'Set spec.job.');
  const recorded = recordedIn('FlinkSessionJob', status);
  if (recorded !== undefined && recorded.spec.deploymentName !== deploymentName) {
    return refuse(
      'spec.deploymentName',
      MESSAGES.deploymentNameChanged,
      'Delete the FlinkSessionJob and create it anew.',
    );
  }
  const defaults = new Settings(context.defaults(metadata.namespace ?? 'default', undefined));
  return typeof job.jarURI === 'string' ? checkJarUri(job.jarURI, defaults, context.resolveHost) : undefined;
}

function checkOnSession(
  sessionJob: Held,
  spec: JsonObject,
  session: Held,
  context: ValidationContext,
): ValidationProblem | undefined {
  const cluster = javaSpec('FlinkDeployment', session.spec as Json);
  const refuse = (path: string, message: string, next: string): ValidationProblem =>
    problem('E_VALIDATION_SESSION', path, message, next);
  if (isJsonObject(cluster.job)) {
    return refuse(
      'spec.deploymentName',
      'Can not submit session job to application cluster',
      'Name a FlinkDeployment without spec.job in spec.deploymentName.',
    );
  }
  if (session.metadata.name !== spec.deploymentName) {
    return refuse(
      'spec.deploymentName',
      "The session job's cluster id is not match with the session cluster",
      'Set spec.deploymentName to the name of the session FlinkDeployment.',
    );
  }
  const namespace = sessionJob.metadata.namespace ?? 'default';
  const settings = new Settings({
    ...settingsOf(cluster, namespace, context).entries,
    ...flattenConfiguration(spec.flinkConfiguration),
  });
  return firstProblem(
    () => checkJob(isJsonObject(spec.job) ? spec.job : undefined, undefined, settings),
    () => checkAutoscaler(settings),
  );
}
