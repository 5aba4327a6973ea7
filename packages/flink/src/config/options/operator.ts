import {
  booleanType,
  type ConfigOption,
  doubleType,
  durationType,
  enumType,
  intType,
  listType,
  mapType,
  memoryType,
  option,
  optionalOption,
  stringType,
  type ValueType,
} from '../option.ts';

const PREFIX = 'kubernetes.operator.';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** An operator option; `older` are the names it had before, under the same prefix. */
function setting<T>(name: string, type: ValueType<T>, value: T, ...older: string[]): ConfigOption<T, T> {
  return option(`${PREFIX}${name}`, type, value, { aliases: older.map((one) => `${PREFIX}${one}`) });
}

function unset<T>(name: string, type: ValueType<T>): ConfigOption<T, undefined> {
  return optionalOption(`${PREFIX}${name}`, type);
}

/** Options that only the operator's own configuration sets. Durations are milliseconds. */
export const operatorOptions = {
  reconcileInterval: setting('reconcile.interval', durationType, MINUTE, 'reconciler.reschedule.interval'),
  reconcileParallelism: setting('reconcile.parallelism', intType, 50, 'reconciler.max.parallelism'),
  restReadyDelay: setting('observer.rest-ready.delay', durationType, 10 * SECOND),
  progressCheckInterval: setting('observer.progress-check.interval', durationType, 10 * SECOND),
  flinkClientTimeout: setting('flink.client.timeout', durationType, 10 * SECOND, 'observer.flink.client.timeout'),
  flinkClientCancelTimeout: setting(
    'flink.client.cancel.timeout',
    durationType,
    MINUTE,
    'reconciler.flink.cancel.job.timeout',
  ),
  resourceCleanupTimeout: setting(
    'resource.cleanup.timeout',
    durationType,
    5 * MINUTE,
    'reconciler.flink.cluster.shutdown.timeout',
  ),
  jobSubmissionTimeout: setting('job.submission.timeout', durationType, 10 * MINUTE),
  resourceDeletionPropagation: setting(
    'resource.deletion.propagation',
    enumType('Foreground', 'Background', 'Orphan'),
    'Foreground',
  ),
  /** `JOSDK_ALL_NAMESPACES` stands for all. */
  watchedNamespaces: setting('watched.namespaces', stringType, 'JOSDK_ALL_NAMESPACES'),
  dynamicNamespacesEnabled: setting('dynamic.namespaces.enabled', booleanType, false),
  dynamicConfigEnabled: setting('dynamic.config.enabled', booleanType, true),
  dynamicConfigCheckInterval: setting('dynamic.config.check.interval', durationType, 5 * MINUTE),
  configCacheSize: setting('config.cache.size', intType, 1000),
  configCacheTimeout: setting('config.cache.timeout', durationType, 10 * MINUTE),
  labelSelector: unset('label.selector', stringType),
  rateLimiterLimit: setting('rate-limiter.limit', intType, 5),
  rateLimiterRefreshPeriod: setting('rate-limiter.refresh-period', durationType, 15 * SECOND),
  retryInitialInterval: setting('retry.initial.interval', durationType, 5 * SECOND),
  retryIntervalMultiplier: setting('retry.interval.multiplier', doubleType, 1.5),
  retryMaxAttempts: setting('retry.max.attempts', intType, 15),
  retryMaxInterval: unset('retry.max.interval', durationType),
  leaderElectionEnabled: setting('leader-election.enabled', booleanType, false),
  leaderElectionLeaseName: unset('leader-election.lease-name', stringType),
  leaderElectionLeaseDuration: setting('leader-election.lease-duration', durationType, 15 * SECOND),
  leaderElectionRenewDeadline: setting('leader-election.renew-deadline', durationType, 10 * SECOND),
  /** Drey's own: all candidates work, each on its share. */
  leaderElectionShards: setting('leader-election.shards', intType, 1),
  leaderElectionRetryPeriod: setting('leader-election.retry-period', durationType, 2 * SECOND),
  terminationTimeout: setting('termination.timeout', durationType, 10 * SECOND),
  stopOnInformerError: setting('startup.stop-on-informer-error', booleanType, true),
  healthProbeEnabled: setting('health.probe.enabled', booleanType, true),
  healthProbePort: setting('health.probe.port', intType, 8085),
  canaryResourceTimeout: setting('health.canary.resource.timeout', durationType, MINUTE),
  ingressManage: setting('ingress.manage', booleanType, true),
  resourceViewRefreshInterval: setting('cluster.resource-view.refresh-interval', durationType, -MINUTE),
  userArtifactsBaseDir: setting('user.artifacts.base.dir', stringType, '/opt/flink/artifacts'),
  userArtifactsAllowedSchemes: setting('user.artifacts.allowed-schemes', listType, ['https']),
  /** Drey's own: a larger jar of a session job is not fetched. */
  userArtifactsMaxSize: setting('user.artifacts.max-size', memoryType, 2n << 30n),
  userArtifactsDisallowRestrictedHosts: setting('user.artifacts.disallow-restricted-hosts', booleanType, true),
  exceptionStackTraceEnabled: setting('exception.stacktrace.enabled', booleanType, false),
  exceptionStackTraceMaxLength: setting('exception.stacktrace.max.length', intType, 2048),
  exceptionFieldMaxLength: setting('exception.field.max.length', intType, 2048),
  exceptionThrowableListMaxCount: setting('exception.throwable.list.max.count', intType, 2),
  exceptionLabelMapper: setting('exception.label.mapper', mapType, new Map<string, string>()),
  eventsExceptionsLimit: setting('events.exceptions.limit-per-reconciliation', intType, 10),
  eventsExceptionsStackTraceLines: setting('events.exceptions.stacktrace-lines', intType, 5),
  savepointHistoryMaxCountThreshold: unset('savepoint.history.max.count.threshold', intType),
  savepointHistoryMaxAgeThreshold: unset('savepoint.history.max.age.threshold', durationType),
  josdkMetricsEnabled: setting('josdk.metrics.enabled', booleanType, true),
  jvmMetricsEnabled: setting('jvm.metrics.enabled', booleanType, true),
  kubernetesClientMetricsEnabled: setting('kubernetes.client.metrics.enabled', booleanType, true),
  resourceMetricsEnabled: setting('resource.metrics.enabled', booleanType, true),
  resourceLifecycleMetricsEnabled: setting('resource.lifecycle.metrics.enabled', booleanType, true),
  lifecycleNamespaceHistogramsEnabled: setting('resource.lifecycle.namespace.histograms.enabled', booleanType, true),
  kubernetesClientMetricsCodeGroupsEnabled: setting(
    'kubernetes.client.metrics.http.response.code.groups.enabled',
    booleanType,
    false,
  ),
  kubernetesClientMetricsSlowRequest: setting(
    'kubernetes.client.metrics.slow.request.threshold',
    durationType,
    5 * SECOND,
  ),
  metricsHistogramSampleSize: setting('metrics.histogram.sample.size', intType, 1000),
  metricsScopeSystem: setting(
    'metrics.scope.k8soperator.system',
    stringType,
    '<host>.k8soperator.<namespace>.<name>.system',
  ),
  metricsScopeNamespace: setting(
    'metrics.scope.k8soperator.resourcens',
    stringType,
    '<host>.k8soperator.<namespace>.<name>.namespace.<resourcens>.<resourcetype>',
  ),
  metricsScopeResource: setting(
    'metrics.scope.k8soperator.resource',
    stringType,
    '<host>.k8soperator.<namespace>.<name>.resource.<resourcens>.<resourcename>.<resourcetype>',
  ),
} as const;

/** Options that a resource may set for itself in `spec.flinkConfiguration`. Durations are milliseconds. */
export const resourceOptions = {
  userArtifactsHttpHeader: setting('user.artifacts.http.header', mapType, new Map<string, string>()),
  rollbackEnabled: setting('deployment.rollback.enabled', booleanType, false),
  readinessTimeout: setting('deployment.readiness.timeout', durationType, 5 * MINUTE),
  /**
   * With rollback, how long a job has to run without a break before its spec counts as stable. 0: at once, as the Apache
   * operator does, which has no such option.
   */
  rollbackStabilityWindow: setting('deployment.rollback.stability-window', durationType, MINUTE),
  jmDeploymentRecoveryEnabled: setting(
    'jm-deployment-recovery.enabled',
    booleanType,
    true,
    'reconciler.jm-deployment-recovery.enabled',
  ),
  jmDeploymentShutdownTtl: setting('jm-deployment.shutdown-ttl', durationType, DAY),
  jmStartupProbeEnabled: setting('jm-deployment.startup.probe.enabled', booleanType, true),
  /** Drey's own: a start deletes the results that the starts before it left. */
  jobResultStoreCleanupEnabled: setting('job-result-store.cleanup.enabled', booleanType, false),
  podTemplateMergeArraysByName: setting('pod-template.merge-arrays-by-name', booleanType, false),
  upgradeIgnorePendingSavepoint: setting('job.upgrade.ignore-pending-savepoint', booleanType, false),
  upgradeInplaceScalingEnabled: setting('job.upgrade.inplace-scaling.enabled', booleanType, true),
  upgradeLastStateFallbackEnabled: setting('job.upgrade.last-state-fallback.enabled', booleanType, true),
  upgradeLastStateMaxCheckpointAge: unset('job.upgrade.last-state.max.allowed.checkpoint.age', durationType),
  upgradeLastStateJobCancelEnabled: setting('job.upgrade.last-state.job-cancel.enabled', booleanType, false),
  restartFailedJob: setting('job.restart.failed', booleanType, false),
  savepointOnDeletion: setting('job.savepoint-on-deletion', booleanType, false),
  drainOnSavepointDeletion: setting('job.drain-on-savepoint-deletion', booleanType, false),
  blockOnSessionJobs: setting('session.deletion.block-on-session-jobs', booleanType, true),
  blockOnUnmanagedJobs: setting(
    'session.deletion.block-on-unmanaged-jobs',
    booleanType,
    true,
    'session.block-on-unmanaged-jobs',
  ),
  clusterHealthCheckEnabled: setting('cluster.health-check.enabled', booleanType, false),
  clusterHealthCheckRestartsWindow: setting('cluster.health-check.restarts.window', durationType, 2 * MINUTE),
  clusterHealthCheckRestartsThreshold: setting('cluster.health-check.restarts.threshold', intType, 64),
  clusterHealthCheckCheckpointProgressEnabled: setting(
    'cluster.health-check.checkpoint-progress.enabled',
    booleanType,
    true,
  ),
  clusterHealthCheckCheckpointProgressWindow: unset('cluster.health-check.checkpoint-progress.window', durationType),
  snapshotResourceEnabled: setting('snapshot.resource.enabled', booleanType, true),
  savepointFormatType: setting('savepoint.format.type', enumType('CANONICAL', 'NATIVE'), 'CANONICAL'),
  checkpointType: setting('checkpoint.type', enumType('FULL', 'INCREMENTAL'), 'FULL'),
  savepointTriggerGracePeriod: setting(
    'savepoint.trigger.grace-period',
    durationType,
    MINUTE,
    'observer.savepoint.trigger.grace-period',
  ),
  checkpointTriggerGracePeriod: setting('checkpoint.trigger.grace-period', durationType, MINUTE),
  savepointCleanupEnabled: setting('savepoint.cleanup.enabled', booleanType, true),
  savepointDisposeOnDelete: setting('savepoint.dispose-on-delete', booleanType, false),
  savepointHistoryMaxCount: setting('savepoint.history.max.count', intType, 10),
  savepointHistoryMaxAge: setting('savepoint.history.max.age', durationType, DAY),
  /** A duration or a Quartz cron expression; empty or unset: off. */
  periodicSavepointInterval: setting('periodic.savepoint.interval', stringType, ''),
  periodicCheckpointInterval: setting('periodic.checkpoint.interval', stringType, ''),
} as const;

/** Options of FlinkBlueGreenDeployments, which a resource sets for itself. Durations are milliseconds. */
export const blueGreenOptions = {
  abortGracePeriod: setting('bluegreen.abort.grace-period', durationType, 10 * MINUTE),
  rescheduleInterval: setting('bluegreen.reconciliation.reschedule-interval', durationType, 15 * SECOND),
  deletionDelay: setting('bluegreen.deployment-deletion.delay', durationType, 0),
} as const;

/** Beginnings of operator keys whose rest a user or a plugin chooses. */
export const operatorOpenPrefixes = [
  `${PREFIX}plugins.`,
  // Flink's own metrics options, for the reporters of the operator.
  `${PREFIX}metrics.`,
  `${PREFIX}default-configuration.`,
] as const;

/** Beginnings of operator keys that hold defaults for resources of a namespace or a Flink version. */
export const operatorDefaultPrefixes = {
  namespace: `${PREFIX}default-configuration.namespace.`,
  flinkVersion: `${PREFIX}default-configuration.flink-version.`,
} as const;

/** The beginning of every operator option. */
export const OPERATOR_OPTION_PREFIX = PREFIX;
