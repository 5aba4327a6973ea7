import { type FlinkDeployment, type FlinkSessionJob, validateFlinkSessionJob } from '@drey/api';
import { type ConfigEntries, FlinkConfig, FlinkError, operatorOptions, resourceOptions } from '@drey/flink';
import {
  buildObserveConfig,
  buildSessionJobConfig,
  defaultConfiguration,
  ManifestError,
  validationContext,
} from '@drey/manifests';
import type { ArtifactAccess } from '../artifact/artifact.ts';
import { s3AccessOf } from '../artifact/s3-access.ts';
import { lastReconciled } from '../job/recorded-spec.ts';
import { warningsOfConfiguration } from '../runtime/configuration-warnings.ts';
import type { OperatorPolicy } from '../runtime/policy.ts';
import { problemOfBuilding, type Refusal } from '../runtime/validation.ts';
import type { SessionJobConfig } from './context.ts';

/** Longest pause between two attempts where the configuration names none. */
const RETRY_CAP_MS = 300_000;

/** An address in the documentation's range: whether a host may be reached is decided when the jar is fetched. */
const NOT_RESOLVED_HERE = ['203.0.113.1'];

const known = new WeakMap<OperatorPolicy, SessionJobConfig>();

/** What decisions about session jobs take from the operator's configuration. */
export function sessionJobPolicy(policy: OperatorPolicy): SessionJobConfig {
  const made = known.get(policy) ?? makePolicy(policy);
  known.set(policy, made);
  return made;
}

function makePolicy({
  options,
  errorLimits,
  exceptionLimits,
  restIntervalMs,
  snapshots,
}: OperatorPolicy): SessionJobConfig {
  const operatorConfig = options.toRecord();
  const context = validationContext(operatorConfig, () => NOT_RESOLVED_HERE);
  const configurations = new Configurations(operatorConfig);
  const problemOf = (sessionJob: FlinkSessionJob, cluster: FlinkDeployment | undefined): Refusal | undefined =>
    validateFlinkSessionJob(sessionJob, cluster, context) ??
    problemOfBuilding(() => configurations.build(sessionJob, cluster));
  return {
    configurationOf: (sessionJob, cluster) => configurations.of(sessionJob, cluster),
    problemOf,
    validate: (sessionJob, cluster) => problemOf(sessionJob, cluster)?.message,
    warningsOf: (sessionJob, cluster) =>
      warningsOfConfiguration(sessionJob.spec.flinkConfiguration, cluster.spec.flinkVersion),
    artifactAccess: (sessionJob, own) => artifactAccess(sessionJob, own, operatorConfig),
    snapshots,
    errorLimits,
    exceptionLimits,
    restIntervalMs,
    submissionTimeoutMs: options.get(operatorOptions.jobSubmissionTimeout),
    cleanupTimeoutMs: options.get(operatorOptions.resourceCleanupTimeout),
    retry: {
      firstMs: options.get(operatorOptions.retryInitialInterval),
      factor: options.get(operatorOptions.retryIntervalMultiplier),
      capMs: options.get(operatorOptions.retryMaxInterval) ?? RETRY_CAP_MS,
    },
  };
}

/** Which addresses and how much may be fetched is the administrator's; the headers may be the job's own. */
function artifactAccess(sessionJob: FlinkSessionJob, own: FlinkConfig, operatorConfig: ConfigEntries): ArtifactAccess {
  const namespace = sessionJob.metadata.namespace ?? 'default';
  const defaults = FlinkConfig.of(defaultConfiguration(operatorConfig, namespace, undefined));
  return {
    allowedSchemes: defaults
      .get(operatorOptions.userArtifactsAllowedSchemes)
      .map((scheme) => scheme.trim().toLowerCase()),
    restrictHosts: defaults.get(operatorOptions.userArtifactsDisallowRestrictedHosts),
    maxBytes: Number(defaults.get(operatorOptions.userArtifactsMaxSize)),
    headers: own.get(resourceOptions.userArtifactsHttpHeader),
    s3: s3AccessOf(defaults),
  };
}

/** Configurations of jobs on clusters, remembered as long as the objects they were made from live. */
class Configurations {
  readonly #operatorConfig: ConfigEntries;
  readonly #clusters = new WeakMap<FlinkDeployment, FlinkConfig>();
  readonly #jobs = new WeakMap<FlinkConfig, WeakMap<object, FlinkConfig>>();

  constructor(operatorConfig: ConfigEntries) {
    this.#operatorConfig = operatorConfig;
  }

  /** Never throws: of a cluster or a job that makes no configuration, the operator's defaults. */
  of(sessionJob: FlinkSessionJob, cluster: FlinkDeployment | undefined): FlinkConfig {
    try {
      return this.build(sessionJob, cluster);
    } catch (error) {
      if (error instanceof ManifestError || error instanceof FlinkError) return this.#defaults(sessionJob);
      throw error;
    }
  }

  /** Throws a ManifestError or a FlinkError where no configuration can be made. */
  build(sessionJob: FlinkSessionJob, cluster: FlinkDeployment | undefined): FlinkConfig {
    if (cluster === undefined) return buildSessionJobConfig(this.#defaults(sessionJob), sessionJob);
    const config = this.#clusters.get(cluster) ?? this.#observe(cluster);
    this.#clusters.set(cluster, config);
    const jobs = this.#jobs.get(config) ?? new WeakMap<object, FlinkConfig>();
    this.#jobs.set(config, jobs);
    const own = jobs.get(sessionJob.spec) ?? buildSessionJobConfig(config, sessionJob);
    jobs.set(sessionJob.spec, own);
    return own;
  }

  #observe(cluster: FlinkDeployment): FlinkConfig {
    const deployedSpec = lastReconciled(cluster.status ?? {})?.spec ?? cluster.spec;
    return buildObserveConfig({ deployment: cluster, deployedSpec, operatorConfig: this.#operatorConfig });
  }

  #defaults({ metadata }: FlinkSessionJob): FlinkConfig {
    return FlinkConfig.of(defaultConfiguration(this.#operatorConfig, metadata.namespace ?? 'default', undefined));
  }
}
