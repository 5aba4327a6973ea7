import { copiedTableSize, flattenConfiguration, type JsonObject, javaHashOrder } from '@drey/api';
import {
  atLeast,
  before,
  type ConfigEntries,
  clusterOptions,
  executionOptions,
  FlinkConfig,
  type FlinkVersion,
  highAvailabilityOptions,
  kubernetesOptions,
  mapType,
  resourceOptions,
  tryParseFlinkVersion,
  valueRules,
} from '@drey/flink';
import type { Pod } from '../kubernetes/objects.ts';
import type { ConfigFileFormat } from '../native/input.ts';
import { highAvailabilityOn } from '../native/options.ts';
import { defaultConfiguration } from './defaults.ts';
import { ManifestError } from './errors.ts';
import { withJob } from './job-config.ts';
import { withLocalRecovery } from './local-state.ts';
import { mergePodTemplates, type RestTls, withExtraResources, withStartupProbe } from './pod-templates.ts';
import { roleResources } from './resources.ts';
import { type DeploymentInput, type DeploymentView, numberOf, objectOf, textOf, viewDeployment } from './spec-view.ts';

/** Annotation that says for which generation of the spec a JobManager was deployed. */
export const GENERATION_ANNOTATION = 'flinkdeployment.flink.apache.org/generation';

/** The version of Flink whose client the Apache operator carries: it decides what native objects look like. */
export const CLIENT_VERSION: FlinkVersion = { major: 1, minor: 20, patch: 4 };

/** What a FlinkDeployment is deployed with. */
export interface DeployConfig {
  /** The effective configuration, the operator’s own keys included. */
  readonly config: FlinkConfig;
  /** The same without the operator’s and the autoscaler’s keys: what Flink gets. */
  readonly flinkConfig: FlinkConfig;
  readonly configFile: ConfigFileFormat;
  readonly jobManagerTemplate: Pod | undefined;
  readonly taskManagerTemplate: Pod | undefined;
  /** Logging files of the spec; undefined when it has none and the operator’s own are used. */
  readonly logging: Readonly<Record<string, string>> | undefined;
}

/** What a deploy configuration is made from. */
export interface DeployConfigInput {
  readonly deployment: DeploymentInput;
  /** The operator’s default configuration, flat. */
  readonly operatorConfig: ConfigEntries;
  /** False for the configuration that a running cluster is talked to with: without the mark of its generation. */
  readonly markGeneration?: boolean;
}

const AUTOSCALER_PREFIX = 'job.autoscaler.';
const OPERATOR_PREFIX = 'kubernetes.operator.';

/**
 * The effective Flink configuration of a FlinkDeployment, by the rules of the Apache operator: defaults, the user’s
 * configuration, then what the spec says. Throws `ManifestError` or `FlinkError` for values that cannot be deployed.
 */
export function buildDeployConfig(input: DeployConfigInput): DeployConfig {
  const view = viewDeployment(input.deployment);
  const configFile = configFileOf(view);
  const base = FlinkConfig.of(
    {
      ...defaultConfiguration(input.operatorConfig, view.namespace, view.flinkVersion),
      ...flattenConfiguration(view.spec.flinkConfiguration),
    },
    valueRules(CLIENT_VERSION, configFile),
  );
  const templates = podTemplates(view, base);
  const steps = [
    withDefaults,
    withImage,
    withTemplates(templates),
    withResources,
    withJob,
    withLocalRecovery,
    withIdentity,
  ];
  const built = steps.reduce((config, step) => step(config, view), base);
  const config = input.markGeneration === false ? built : withGeneration(built, view.generation);
  const logging = objectOf(view.spec.logConfiguration) as Record<string, string> | undefined;
  return { config, flinkConfig: withoutOperatorKeys(config), configFile, ...templates, logging };
}

/** A configuration without the keys that are the operator’s and the autoscaler’s own. */
export function withoutOperatorKeys(config: FlinkConfig): FlinkConfig {
  const own = [...config.keys()].filter((key) => key.startsWith(OPERATOR_PREFIX) || key.startsWith(AUTOSCALER_PREFIX));
  return config.without(...own);
}

/** `config.yaml` from 2.0 on; before, the Apache operator writes `flink-conf.yaml`. */
function configFileOf({ flinkVersion }: DeploymentView): ConfigFileFormat {
  const version = flinkVersion === undefined ? undefined : tryParseFlinkVersion(flinkVersion);
  if (version === undefined) {
    throw new ManifestError(
      'E_SPEC_VERSION',
      'spec.flinkVersion is not set',
      'Set it to the version in the image, for example v1_20.',
    );
  }
  return atLeast(version, '2.0') ? 'yaml' : 'legacy';
}

function withDefaults(config: FlinkConfig, view: DeploymentView): FlinkConfig {
  const exposed = config.has(kubernetesOptions.restServiceExposedType)
    ? config
    : config.with(kubernetesOptions.restServiceExposedType.key, 'ClusterIP');
  const cancel = exposed.has(clusterOptions.webCancelEnabled)
    ? exposed
    : exposed.with(clusterOptions.webCancelEnabled.key, 'false');
  const marked = cancel.with('$internal.flink.version', view.flinkVersion ?? '');
  const logging = objectOf(view.spec.logConfiguration);
  return logging === undefined
    ? marked
    : marked.with(executionOptions.deploymentConfigDir.key, `/tmp/flink_op_generated_conf_${contentId(logging)}`);
}

function withImage(config: FlinkConfig, { spec, flinkVersion }: DeploymentView): FlinkConfig {
  const { image, imagePullPolicy, serviceAccount } = spec;
  const entries: Record<string, string> = {};
  const legacy = isBefore117(flinkVersion);
  if (textOf(image))
    entries[legacy ? 'kubernetes.container.image' : kubernetesOptions.containerImage.key] = textOf(image) ?? '';
  if (textOf(imagePullPolicy))
    entries[kubernetesOptions.imagePullPolicy.key] = pullPolicy(textOf(imagePullPolicy) ?? '');
  if (textOf(serviceAccount)) entries[kubernetesOptions.serviceAccount.key] = textOf(serviceAccount) ?? '';
  return config.withAll(entries);
}

function pullPolicy(text: string): string {
  if (['Always', 'IfNotPresent', 'Never'].includes(text)) return text;
  throw new ManifestError(
    'E_SPEC_IMAGE_PULL_POLICY',
    `spec.imagePullPolicy "${text}" is unknown`,
    'Write Always, IfNotPresent or Never.',
  );
}

function restTls(config: FlinkConfig): RestTls {
  if (!config.get(clusterOptions.restSslEnabled)) return 'none';
  return config.get(clusterOptions.restSslAuthenticationEnabled) ? 'mutual' : 'server';
}

interface Templates {
  readonly jobManagerTemplate: Pod | undefined;
  readonly taskManagerTemplate: Pod | undefined;
}

function podTemplates({ spec }: DeploymentView, config: FlinkConfig): Templates {
  const byName = config.get(resourceOptions.podTemplateMergeArraysByName);
  const template = (role: 'jobmanager' | 'taskmanager', own: JsonObject | undefined): Pod | undefined => {
    const merged = mergePodTemplates(spec.podTemplate ?? null, own?.podTemplate ?? null, byName);
    const { extraRequests, extraLimits } = roleResources(role, own ?? {}, false);
    return withExtraResources(merged, extraRequests, extraLimits);
  };
  const jobManager = template('jobmanager', objectOf(spec.jobManager));
  return {
    jobManagerTemplate: config.get(resourceOptions.jmStartupProbeEnabled)
      ? withStartupProbe(jobManager, restTls(config))
      : jobManager,
    taskManagerTemplate: template('taskmanager', objectOf(spec.taskManager)),
  };
}

/** Flink’s client would read templates from files; the keys name them although the contents are passed on directly. */
function withTemplates({ jobManagerTemplate, taskManagerTemplate }: Templates) {
  return (config: FlinkConfig): FlinkConfig => {
    const file = (template: Pod): string => `/tmp/flink_op_generated_podTemplate_${contentId(template)}.yaml`;
    return config.withAll({
      ...(jobManagerTemplate && { 'kubernetes.pod-template-file.jobmanager': file(jobManagerTemplate) }),
      ...(taskManagerTemplate && { 'kubernetes.pod-template-file.taskmanager': file(taskManagerTemplate) }),
    });
  };
}

function withResources(config: FlinkConfig, { spec, flinkVersion }: DeploymentView): FlinkConfig {
  const legacy = isBefore117(flinkVersion);
  const jobManager = objectOf(spec.jobManager);
  const taskManager = objectOf(spec.taskManager);
  return config.withAll({
    ...(jobManager && roleResources('jobmanager', jobManager, legacy).entries),
    ...((numberOf(jobManager?.replicas) ?? 0) > 0 && {
      'kubernetes.jobmanager.replicas': String(jobManager?.replicas),
    }),
    ...(taskManager && roleResources('taskmanager', taskManager, legacy).entries),
  });
}

function withIdentity(config: FlinkConfig, { namespace, name }: DeploymentView): FlinkConfig {
  return config.withAll({
    [kubernetesOptions.namespace.key]: namespace,
    [kubernetesOptions.clusterId.key]: name,
    ...(highAvailabilityOn(config) && { [highAvailabilityOptions.clusterId.key]: name }),
  });
}

function withGeneration(config: FlinkConfig, generation: number | undefined): FlinkConfig {
  if (generation === undefined) return config;
  const key = 'kubernetes.jobmanager.annotations';
  const text = config.raw(key);
  const given = text === undefined ? new Map<string, string>() : mapType.parse(text, config.rules);
  const annotations = new Map([...given, [GENERATION_ANNOTATION, String(generation)] as const]);
  const order = javaHashOrder([...annotations.keys()], copiedTableSize(given.size));
  return config.with(
    key,
    mapType.format(new Map(order.map((name) => [name, annotations.get(name) ?? ''])), config.rules),
  );
}

function isBefore117(flinkVersion: string | undefined): boolean {
  const version = flinkVersion === undefined ? undefined : tryParseFlinkVersion(flinkVersion);
  return version !== undefined && before(version, '1.17');
}

/** A number that follows from the content alone, so that the same spec always gives the same configuration. */
function contentId(content: unknown): string {
  let hash = 0xcbf29ce484222325n;
  for (const char of JSON.stringify(content)) {
    hash = ((hash ^ BigInt(char.codePointAt(0) ?? 0)) * 0x100000001b3n) & 0x7fffffffffffffffn;
  }
  return String(hash);
}
