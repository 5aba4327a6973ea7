import type { FlinkDeployment } from '../kinds/flink-deployment.ts';
import { javaSpec, SpecFormatError } from '../spec/java-spec.ts';
import { parseRecordedSpec, type RecordedSpec, RecordedSpecError } from '../spec/recorded.ts';
import { flattenConfiguration } from '../values/flatten.ts';
import { expandIngressTemplate } from '../values/ingress-template.ts';
import { isJsonObject, isNumber, type Json, type JsonObject, javaNumberText, jsonEqual } from '../values/json.ts';
import { checkAutoscaler } from './autoscaler.ts';
import { SettingError, Settings, type ValidationContext } from './context.ts';
import { checkJob, checkTaskManagerReplicas } from './job.ts';
import { INVALID_LOGGING_KEY, LOGGING_FILES, MESSAGES } from './messages.ts';
import { checkDeploymentName } from './names.ts';
import { firstProblem, problem, type ValidationProblem } from './problem.ts';
import { checkResources, JOB_MANAGER, TASK_MANAGER } from './resources.ts';

/** Keys that follow from the resource itself. */
const FORBIDDEN_KEYS = ['kubernetes.namespace', 'kubernetes.cluster-id', 'high-availability.cluster-id'];
const LOGGING_KEYS: readonly string[] = LOGGING_FILES;
const UNSUPPORTED_VERSIONS = ['v1_13', 'v1_14'];
const RECOVERY = [
  'kubernetes.operator.jm-deployment-recovery.enabled',
  'kubernetes.operator.reconciler.jm-deployment-recovery.enabled',
];
const HEALTH_CHECK = 'kubernetes.operator.cluster.health-check.enabled';
const ROLLBACK = 'kubernetes.operator.deployment.rollback.enabled';

/** What a check of a deployment looks at. */
interface Subject {
  readonly name: string;
  readonly namespace: string;
  readonly spec: JsonObject;
  readonly job: JsonObject | undefined;
  readonly settings: Settings;
  readonly recorded: RecordedSpec | undefined;
  readonly context: ValidationContext;
}

/**
 * Checks a FlinkDeployment, in the order and with the messages of the Apache operator; the first problem counts. Pure: what
 * it needs to know about the operator and about Flink is in `context`.
 */
export function validateFlinkDeployment(
  deployment: Pick<FlinkDeployment, 'metadata'> & { readonly spec?: unknown; readonly status?: unknown },
  context: ValidationContext,
): ValidationProblem | undefined {
  const name = deployment.metadata.name ?? '';
  return checkDeploymentName(name) ?? formatProblems(() => checkSpec(subjectOf(deployment, context)));
}

/** The flat configuration that applies to a deployment: the operator’s defaults and its own. */
export function settingsOf(spec: JsonObject, namespace: string, context: ValidationContext): Settings {
  const version = typeof spec.flinkVersion === 'string' ? spec.flinkVersion : undefined;
  return new Settings({ ...context.defaults(namespace, version), ...flattenConfiguration(spec.flinkConfiguration) });
}

/** Gives values that a kind or an option does not allow, and recorded specs that do not parse, the form of a problem. */
export function formatProblems(check: () => ValidationProblem | undefined): ValidationProblem | undefined {
  try {
    return check();
  } catch (error) {
    if (error instanceof RecordedSpecError)
      return problem(
        'E_RECORDED_SPEC',
        'status.reconciliationStatus.lastReconciledSpec',
        error.message,
        error.nextStep,
      );
    if (error instanceof SettingError)
      return problem(
        'E_VALIDATION_CONFIG',
        `spec.flinkConfiguration[${error.key}]`,
        error.message,
        'Write true or false.',
      );
    if (!(error instanceof SpecFormatError)) throw error;
    return problem(
      'E_VALIDATION_FORMAT',
      error.path === '' ? 'spec' : `spec.${error.path}`,
      `The spec is not of its kind: ${error.message}`,
      'Correct that member of the spec.',
    );
  }
}

/** The spec recorded in a status. */
export function recordedIn(kind: 'FlinkDeployment' | 'FlinkSessionJob', status: unknown): RecordedSpec | undefined {
  const reconciliation = isJsonObject(status) ? status.reconciliationStatus : undefined;
  const stored = isJsonObject(reconciliation) ? reconciliation.lastReconciledSpec : undefined;
  return typeof stored === 'string' && stored !== '' ? parseRecordedSpec(kind, stored) : undefined;
}

function subjectOf(
  { metadata, spec, status }: Parameters<typeof validateFlinkDeployment>[0],
  context: ValidationContext,
): Subject {
  const view = javaSpec('FlinkDeployment', spec as Json);
  const namespace = metadata.namespace ?? 'default';
  return {
    name: metadata.name ?? '',
    namespace,
    spec: view,
    job: isJsonObject(view.job) ? view.job : undefined,
    settings: settingsOf(view, namespace, context),
    recorded: recordedIn('FlinkDeployment', status),
    context,
  };
}

function checkSpec(subject: Subject): ValidationProblem | undefined {
  const { spec, job, settings, context } = subject;
  const memory = (role: 'jobmanager' | 'taskmanager') => (): boolean => context.memoryDefined(role, settings.entries);
  const jobManager = isJsonObject(spec.jobManager) ? spec.jobManager : undefined;
  const taskManager = isJsonObject(spec.taskManager) ? spec.taskManager : undefined;
  const replicas = count(taskManager?.replicas);
  return firstProblem(
    () => checkVersion(subject),
    () => checkConfiguration(subject),
    () => checkIngress(subject),
    () => checkLogging(spec),
    () => checkJob(job, replicas, settings),
    () => checkResources(JOB_MANAGER, jobManager, memory('jobmanager')),
    () => checkStandbys(jobManager, settings),
    () => checkResources(TASK_MANAGER, taskManager, memory('taskmanager')),
    () =>
      replicas === undefined ? undefined : checkTaskManagerReplicas(replicas, MESSAGES.sessionTaskManagerReplicas),
    () => checkChange(subject),
    () => checkServiceAccount(spec),
    () => checkAutoscaler(settings),
  );
}

function checkVersion({ spec, recorded }: Subject): ValidationProblem | undefined {
  const version = spec.flinkVersion;
  const refuse = (message: string, next: string): ValidationProblem =>
    problem('E_VALIDATION_VERSION', 'spec.flinkVersion', message, next);
  if (typeof version !== 'string') {
    return refuse(MESSAGES.versionMissing, 'Set spec.flinkVersion to the version in the image, for example v1_20.');
  }
  if (UNSUPPORTED_VERSIONS.includes(version)) {
    return refuse(`Flink version ${version} is not supported by this operator version`, 'Use Flink 1.15 or later.');
  }
  const before = isJsonObject(recorded?.spec.job) ? recorded.spec.job : undefined;
  const after = isJsonObject(spec.job) ? spec.job : undefined;
  const suspended = before?.state === 'suspended' && before.upgradeMode === 'last-state';
  const carriesState = after !== undefined && after.upgradeMode !== 'stateless';
  if (!suspended || !carriesState || recorded?.spec.flinkVersion === version) return undefined;
  return refuse(
    'Changing flinkVersion after last-state suspend is not allowed. Restore your cluster with the current flinkVersion and perform the version upgrade afterwards.',
    `Set spec.flinkVersion back to ${String(recorded?.spec.flinkVersion)}, resume, and change it then.`,
  );
}

function checkConfiguration({ settings }: Subject): ValidationProblem | undefined {
  const refuse = (key: string, message: string, next: string): ValidationProblem =>
    problem('E_VALIDATION_CONFIG', `spec.flinkConfiguration[${key}]`, message, next);
  const forbidden = FORBIDDEN_KEYS.find((key) => settings.text(key) !== undefined);
  if (forbidden !== undefined) {
    return refuse(
      forbidden,
      `Forbidden Flink config key: ${forbidden}`,
      `Remove ${forbidden}; it follows from the resource’s name and namespace.`,
    );
  }
  if (settings.flag(false, ROLLBACK) && !settings.highAvailabilityOn) {
    return refuse(
      ROLLBACK,
      'HA must be enabled for rollback support.',
      `Set high-availability.type, or ${ROLLBACK} to false.`,
    );
  }
  if (settings.flag(false, HEALTH_CHECK) && !settings.flag(true, ...RECOVERY)) {
    return refuse(
      HEALTH_CHECK,
      `Deployment recovery (${RECOVERY[0]}) must be enabled for job health check (${HEALTH_CHECK}) support.`,
      `Set ${RECOVERY[0]} to true, or ${HEALTH_CHECK} to false.`,
    );
  }
  return undefined;
}

function checkIngress({ spec, name, namespace }: Subject): ValidationProblem | undefined {
  if (!isJsonObject(spec.ingress)) return undefined;
  const { template } = spec.ingress;
  const next =
    'Write spec.ingress.template as host/path, for example {{name}}.example.com or /{{namespace}}/{{name}}(/|$)(.*).';
  if (typeof template !== 'string')
    return problem('E_VALIDATION_INGRESS', 'spec.ingress.template', MESSAGES.ingressTemplateMissing, next);
  const target = expandIngressTemplate(template, name, namespace);
  return target.ok ? undefined : problem('E_VALIDATION_INGRESS', 'spec.ingress.template', target.reason, next);
}

function checkLogging({ logConfiguration }: JsonObject): ValidationProblem | undefined {
  if (!isJsonObject(logConfiguration)) return undefined;
  const wrong = Object.keys(logConfiguration).find((key) => !LOGGING_KEYS.includes(key));
  if (wrong === undefined) return undefined;
  return problem(
    'E_VALIDATION_LOGGING',
    `spec.logConfiguration[${wrong}]`,
    INVALID_LOGGING_KEY.join(wrong),
    `Rename the entry to one of ${LOGGING_FILES.join(' and ')}, the files that Flink’s pods read.`,
  );
}

function checkStandbys(jobManager: JsonObject | undefined, settings: Settings): ValidationProblem | undefined {
  const replicas = count(jobManager?.replicas);
  const refuse = (message: string, next: string): ValidationProblem =>
    problem('E_VALIDATION_JOB_MANAGER', 'spec.jobManager.replicas', message, next);
  if (replicas === undefined) return undefined;
  if (replicas < 1) {
    return refuse(MESSAGES.jobManagerReplicas, 'Set spec.jobManager.replicas to 1, or leave it out.');
  }
  if (replicas === 1 || settings.highAvailabilityOn) return undefined;
  return refuse(
    'High availability should be enabled when starting standby JobManagers.',
    'Set high-availability.type, or spec.jobManager.replicas to 1.',
  );
}

function checkChange({ spec, job, recorded }: Subject): ValidationProblem | undefined {
  if (recorded === undefined) return undefined;
  const refuse = (path: string, message: string, next: string): ValidationProblem =>
    problem('E_VALIDATION_SPEC_CHANGE', path, message, next);
  const previous = isJsonObject(recorded.spec.job) ? recorded.spec.job : undefined;
  const recreate = 'Delete the FlinkDeployment and create it anew, or use another name.';
  if (previous === undefined && job !== undefined) return refuse('spec.job', MESSAGES.sessionToJob, recreate);
  if (previous !== undefined && job === undefined) return refuse('spec.job', MESSAGES.jobToSession, recreate);
  const [from, to] = [recorded.spec.mode, spec.mode].map((mode) => (mode === 'standalone' ? 'standalone' : 'native'));
  if (from !== to) {
    const message = to === 'standalone' ? MESSAGES.nativeToStandalone : MESSAGES.standaloneToNative;
    return refuse('spec.mode', message, recreate);
  }
  const nonce = job?.savepointRedeployNonce ?? null;
  const path = job?.initialSavepointPath;
  const redeploy = nonce !== null && !jsonEqual(nonce, previous?.savepointRedeployNonce ?? null);
  if (!redeploy || (typeof path === 'string' && path.trim() !== '')) return undefined;
  return refuse(
    'spec.job.initialSavepointPath',
    MESSAGES.redeployWithoutPath,
    'Set spec.job.initialSavepointPath to the state to start from.',
  );
}

function checkServiceAccount({ serviceAccount }: JsonObject): ValidationProblem | undefined {
  if (typeof serviceAccount === 'string') return undefined;
  return problem(
    'E_VALIDATION_SERVICE_ACCOUNT',
    'spec.serviceAccount',
    MESSAGES.serviceAccountMissing,
    'Set spec.serviceAccount to an account that may create pods, for example flink.',
  );
}

function count(value: Json | undefined): number | undefined {
  return isNumber(value) ? Number(javaNumberText(value)) : undefined;
}
