import type { taskManagerStatefulSetOptions } from './kubernetes.ts';
import type { blueGreenOptions, operatorOptions, resourceOptions } from './operator.ts';

/** What the reference says about an option. */
export interface OptionNote {
  readonly meaning: string;
  /**
   * `live`: counts from the next pass on when the configuration changes. `start`: read when the operator starts. `restart`: a change
   * in a resource restarts its cluster. `none`: accepted, as the Apache operator has it, and without effect here for the reason in
   * `why`.
   */
  readonly effect: 'live' | 'start' | 'restart' | 'none';
  readonly why?: string;
}

const live = (meaning: string): OptionNote => ({ meaning, effect: 'live' });
const start = (meaning: string): OptionNote => ({ meaning, effect: 'start' });
const restart = (meaning: string): OptionNote => ({ meaning, effect: 'restart' });
const none = (meaning: string, why: string): OptionNote => ({ meaning, effect: 'none', why });

const FOLLOWED = 'Drey follows watches and the job itself, and looks again sooner while something is under way.';
const METRICS = 'Drey serves all of its metrics for Prometheus.';

/** Notes on the options of the operator itself. */
export const operatorNotes: Readonly<Record<keyof typeof operatorOptions, OptionNote>> = {
  reconcileInterval: live('How often an object at rest is looked at. Changes are seen at once, whatever this says.'),
  reconcileParallelism: start('How many objects of a kind are worked on at once.'),
  restReadyDelay: none('How long to wait before a started JobManager is asked.', FOLLOWED),
  progressCheckInterval: none('How often something under way is looked at.', FOLLOWED),
  flinkClientTimeout: none(
    'How long to wait for an answer of Flink.',
    'Each call has a limit of its own, and none holds anybody up.',
  ),
  flinkClientCancelTimeout: none(
    'How long to wait for a cancellation.',
    'Nobody waits for it: the next pass sees what came of it.',
  ),
  resourceCleanupTimeout: live('How long the end of a cluster may take before it is taken to be stuck.'),
  jobSubmissionTimeout: live('How long the start of a session job may take.'),
  resourceDeletionPropagation: live('How what belongs to a Deployment is deleted with it.'),
  watchedNamespaces: live(
    'Namespaces to watch, separated by commas; JOSDK_ALL_NAMESPACES for all. Counts at once with dynamic namespaces, else at the next start. --watch-namespaces goes before it.',
  ),
  dynamicNamespacesEnabled: live('Whether the watched namespaces follow the configuration while the operator runs.'),
  dynamicConfigEnabled: start('Whether the configuration directory is followed.'),
  dynamicConfigCheckInterval: live('How often the directory is read, beside whenever the system tells of a change.'),
  configCacheSize: none('How many computed configurations are kept.', 'What is kept is small and bounded.'),
  configCacheTimeout: none('How long a computed configuration is kept.', 'What is kept is small and bounded.'),
  labelSelector: start('Only resources with these labels are managed.'),
  rateLimiterLimit: none(
    'Passes over one object in a period.',
    'Passes are few, and repeated ones are spaced by a growing delay.',
  ),
  rateLimiterRefreshPeriod: none('The period of the limit.', 'There is no limit of this kind.'),
  retryInitialInterval: live('How long after a failure the first repetition comes.'),
  retryIntervalMultiplier: live('How much longer each further one takes.'),
  retryMaxAttempts: none(
    'How often a failure is repeated.',
    'Drey never gives up silently: repetitions go on at the longest interval.',
  ),
  retryMaxInterval: live('The longest time between two repetitions.'),
  leaderElectionEnabled: start('Whether only one of several processes works.'),
  leaderElectionLeaseName: start('Name of the Lease in the operator’s namespace; needed for leader election.'),
  leaderElectionLeaseDuration: start('How long a Lease holds that is not renewed.'),
  leaderElectionRenewDeadline: start('How long a leader goes on without a renewal. Nothing is written after it.'),
  leaderElectionShards: start(
    'Into how many shards the work is divided among all candidates, the same for all of them; 1: one works, the others wait.',
  ),
  leaderElectionRetryPeriod: start('How often the Lease is renewed, and tried for.'),
  terminationTimeout: live('How long running passes may take to end when the operator stops.'),
  stopOnInformerError: none(
    'Whether a namespace that cannot be read stops the start.',
    'One that refuses is told and tried again; the others go on.',
  ),
  healthProbeEnabled: start('Whether health and metrics are served on the port below.'),
  healthProbePort: start('Port of /healthz and /metrics, when it is set. --health-port goes before it.'),
  canaryResourceTimeout: live('How soon a change of a canary has to be seen; the operator is unhealthy otherwise.'),
  ingressManage: live('Whether Ingresses are made for resources that ask for one.'),
  resourceViewRefreshInterval: none(
    'How often nodes and quotas are looked at for the autoscaler.',
    'The autoscaler is not part of this version.',
  ),
  userArtifactsBaseDir: none(
    'Where jars of session jobs are kept.',
    'They are passed on to Flink as they come, without a copy.',
  ),
  userArtifactsAllowedSchemes: live('Schemes that a session job’s jar may be fetched by, separated by semicolons.'),
  userArtifactsDisallowRestrictedHosts: live(
    'Whether loopback, link-local and private addresses are refused for jars.',
  ),
  userArtifactsMaxSize: live('The largest jar that is passed on.'),
  exceptionStackTraceEnabled: none(
    'Whether errors in a status have a stack trace.',
    'They have a code and a next step; stacks are in the log.',
  ),
  exceptionStackTraceMaxLength: none('The longest stack trace.', 'Errors have none.'),
  exceptionFieldMaxLength: live('The longest text of a member of an error.'),
  exceptionThrowableListMaxCount: live('How many causes an error tells.'),
  exceptionLabelMapper: live('Regular expressions and the labels that errors matching them get.'),
  eventsExceptionsLimit: live('How many exceptions of a job become events in one pass.'),
  eventsExceptionsStackTraceLines: live('How many lines of a stack trace such an event has.'),
  savepointHistoryMaxCountThreshold: live('The most savepoints that a resource may keep in its history.'),
  savepointHistoryMaxAgeThreshold: live('The longest that a resource may keep a savepoint in its history.'),
  josdkMetricsEnabled: none('Metrics of the Java framework.', METRICS),
  jvmMetricsEnabled: none('Metrics of the JVM.', 'There is no JVM.'),
  kubernetesClientMetricsEnabled: none('Metrics of the Kubernetes client.', METRICS),
  resourceMetricsEnabled: start('Whether the gauges of resources by namespace and state are filled.'),
  resourceLifecycleMetricsEnabled: none('Metrics of lifecycles.', METRICS),
  lifecycleNamespaceHistogramsEnabled: none('Lifecycle histograms for each namespace.', METRICS),
  kubernetesClientMetricsCodeGroupsEnabled: none('Metrics by groups of HTTP codes.', METRICS),
  kubernetesClientMetricsSlowRequest: none('What counts as a slow request.', METRICS),
  metricsHistogramSampleSize: none('Samples of a histogram.', 'Histograms have real buckets and no samples.'),
  metricsScopeSystem: none('Scope format of system metrics.', METRICS),
  metricsScopeNamespace: none('Scope format of metrics of namespaces.', METRICS),
  metricsScopeResource: none('Scope format of metrics of resources.', METRICS),
};

/** Notes on the options that resources set for themselves. */
export const resourceNotes: Readonly<Record<keyof typeof resourceOptions, OptionNote>> = {
  userArtifactsHttpHeader: live('Headers for fetching jars.'),
  rollbackEnabled: live('Whether a deployment that does not become stable is rolled back. Needs high availability.'),
  readinessTimeout: live('How long a deployment may take to become stable before it is rolled back.'),
  rollbackStabilityWindow: live('How long a job has to run without restarts to count as stable.'),
  jmDeploymentRecoveryEnabled: live('Whether a lost JobManager is brought back.'),
  jmDeploymentShutdownTtl: live('How long the JobManager of a job that is over is kept.'),
  jmStartupProbeEnabled: live('Whether the JobManager has a startup probe.'),
  jobResultStoreCleanupEnabled: live(
    'Whether a new JobManager deletes the files of results that earlier starts of its job left in the HA directory. Only for storage that is mounted into its pod.',
  ),
  podTemplateMergeArraysByName: live('Whether lists of pod templates are merged by name instead of by position.'),
  upgradeIgnorePendingSavepoint: live('Whether an upgrade goes ahead while a savepoint is being taken.'),
  upgradeInplaceScalingEnabled: live('Whether parallelisms change without a restart where Flink can.'),
  upgradeLastStateFallbackEnabled: live(
    'Whether an upgrade with a savepoint may fall back to the last state of an unhealthy job.',
  ),
  upgradeLastStateMaxCheckpointAge: live('With an older checkpoint than this a savepoint is taken.'),
  upgradeLastStateJobCancelEnabled: live('Whether last-state upgrades cancel the job instead of deleting its cluster.'),
  restartFailedJob: live('Whether a job that failed for good is started again.'),
  savepointOnDeletion: live('Whether a savepoint is taken when a resource is deleted.'),
  drainOnSavepointDeletion: live(
    'Whether stopping with a savepoint drains the job: for good, with all windows closed.',
  ),
  blockOnSessionJobs: live('Whether a session cluster waits for its FlinkSessionJobs before it is deleted.'),
  blockOnUnmanagedJobs: live('Whether it waits for jobs that nobody manages, too.'),
  clusterHealthCheckEnabled: live('Whether unhealthy jobs are restarted.'),
  clusterHealthCheckRestartsWindow: live('The time in which restarts are counted.'),
  clusterHealthCheckRestartsThreshold: live('How many restarts in it make a job unhealthy.'),
  clusterHealthCheckCheckpointProgressEnabled: live('Whether a job without new checkpoints is unhealthy.'),
  clusterHealthCheckCheckpointProgressWindow: live('How long there may be none.'),
  snapshotResourceEnabled: live(
    'Whether snapshots are FlinkStateSnapshots. In the operator’s configuration it counts for all.',
  ),
  savepointFormatType: live('Format of savepoints.'),
  checkpointType: live('Type of checkpoints that a nonce or a schedule asks for.'),
  savepointTriggerGracePeriod: live('How long a savepoint may stay unseen before it is taken to be lost.'),
  checkpointTriggerGracePeriod: live('The same for a checkpoint.'),
  savepointCleanupEnabled: live('Whether old snapshots are disposed of.'),
  savepointDisposeOnDelete: live(
    'Whether the data of a savepoint goes with the FlinkStateSnapshot that Drey made for it.',
  ),
  savepointHistoryMaxCount: live('How many snapshots of a kind are kept.'),
  savepointHistoryMaxAge: live('How long a snapshot is kept.'),
  periodicSavepointInterval: live('When savepoints are taken: a duration or a cron expression.'),
  periodicCheckpointInterval: live('When checkpoints are taken, beside Flink’s own.'),
};

/** Notes on the options for TaskManagers of standalone clusters. */
export const taskManagerStatefulSetNotes: Readonly<Record<keyof typeof taskManagerStatefulSetOptions, OptionNote>> = {
  enabled: restart(
    'Whether the TaskManagers are a StatefulSet, so that one that is started again finds its local state.',
  ),
  volumeSize: restart(
    'Each TaskManager gets a PersistentVolumeClaim of this size for its working directory. Without it the directory lasts as long as the pod, unless a pod template mounts a volume there.',
  ),
  volumeStorageClass: restart('Storage class of the claims; without it the default class.'),
};

/** Notes on the options of FlinkBlueGreenDeployments. */
export const blueGreenNotes: Readonly<Record<keyof typeof blueGreenOptions, OptionNote>> = {
  abortGracePeriod: none('How long the new deployment may take before it is given up.', 'Not part of this version.'),
  rescheduleInterval: none('How often a transition is looked at.', 'Not part of this version.'),
  deletionDelay: none('How long the old deployment stays after the switch.', 'Not part of this version.'),
};
