import {
  booleanType,
  durationType,
  enumType,
  intType,
  listType,
  option,
  optionalOption,
  stringType,
} from '../option.ts';

/** Addresses, ports and directories of a cluster. Port options are texts, since some take ranges. */
export const clusterOptions = {
  jobManagerRpcAddress: optionalOption('jobmanager.rpc.address', stringType),
  jobManagerRpcPort: option('jobmanager.rpc.port', intType, 6123),
  jobManagerBindHost: optionalOption('jobmanager.bind-host', stringType),
  taskManagerRpcPort: option('taskmanager.rpc.port', stringType, '0'),
  taskManagerDataPort: option('taskmanager.data.port', intType, 0),
  taskManagerHost: optionalOption('taskmanager.host', stringType),
  taskManagerBindHost: optionalOption('taskmanager.bind-host', stringType),
  taskManagerResourceId: optionalOption('taskmanager.resource-id', stringType),
  taskManagerLogPath: optionalOption('taskmanager.log.path', stringType),
  blobServerPort: option('blob.server.port', stringType, '0'),
  restAddress: optionalOption('rest.address', stringType, { aliases: ['jobmanager.rpc.address'] }),
  restPort: option('rest.port', intType, 8081, { aliases: ['web.port'] }),
  /** Takes the value of `rest.port` when only that is set. */
  restBindPort: option('rest.bind-port', stringType, '8081', {
    aliases: ['rest.port', 'web.port', 'jobmanager.web.port'],
  }),
  restBindAddress: optionalOption('rest.bind-address', stringType, {
    aliases: ['web.address', 'jobmanager.web.address'],
  }),
  restSslEnabled: option('security.ssl.rest.enabled', booleanType, false),
  /** Clients have to show a certificate. */
  restSslAuthenticationEnabled: option('security.ssl.rest.authentication-enabled', booleanType, false),
  metricsInternalQueryServicePort: option('metrics.internal.query-service.port', stringType, '0'),
  webRefreshIntervalMs: option('web.refresh-interval', durationType, 3_000, {
    aliases: ['jobmanager.web.refresh-interval'],
  }),
  webCancelEnabled: option('web.cancel.enable', booleanType, true),
  webSubmitEnabled: option('web.submit.enable', booleanType, true, { aliases: ['jobmanager.web.submit.enable'] }),
  webUploadDir: optionalOption('web.upload.dir', stringType, { aliases: ['jobmanager.web.upload.dir'] }),
  webTmpDir: optionalOption('web.tmpdir', stringType, { aliases: ['jobmanager.web.tmpdir'] }),
  webCheckpointsHistory: option('web.checkpoints.history', intType, 10, {
    aliases: ['jobmanager.web.checkpoints.history'],
  }),
  restAsyncStoreDuration: option('rest.async.store-duration', durationType, 300_000),
  restServerMaxContentLength: option('rest.server.max-content-length', intType, 104_857_600),
  processWorkingDir: optionalOption('process.working-dir', stringType),
  taskManagerWorkingDir: optionalOption('process.taskmanager.working-dir', stringType, {
    aliases: ['process.working-dir'],
  }),
  ioTmpDirs: optionalOption('io.tmp.dirs', stringType, { aliases: ['taskmanager.tmp.dirs'] }),
  clusterRegistrationErrorDelay: option('cluster.registration.error-delay', durationType, 10_000),
  taskManagerTimeout: option('resourcemanager.taskmanager-timeout', durationType, 30_000, {
    aliases: ['slotmanager.taskmanager-timeout'],
  }),
  userArtifactsBaseDir: option('user.artifacts.base-dir', stringType, '/opt/flink/artifacts', { since: '1.19' }),
  userArtifactsList: option('user.artifacts.artifact-list', listType, [], { since: '1.19' }),
  userArtifactsRawHttpEnabled: option('user.artifacts.raw-http-enabled', booleanType, false, { since: '1.19' }),
  kerberosKeytab: optionalOption('security.kerberos.login.keytab', stringType, { aliases: ['security.keytab'] }),
  kerberosPrincipal: optionalOption('security.kerberos.login.principal', stringType, {
    aliases: ['security.principal'],
  }),
  kerberosKrb5ConfPath: optionalOption('security.kerberos.krb5-conf.path', stringType),
  envJavaOptsAll: option('env.java.opts.all', stringType, '', { renamed: [{ since: '1.17', key: 'env.java.opts' }] }),
  envJavaOptsJobManager: option('env.java.opts.jobmanager', stringType, ''),
  envJavaOptsTaskManager: option('env.java.opts.taskmanager', stringType, ''),
  envJavaDefaultOptsAll: option('env.java.default-opts.all', stringType, '', { since: '1.19' }),
  envJavaDefaultOptsJobManager: option('env.java.default-opts.jobmanager', stringType, '', { since: '1.19' }),
  envJavaDefaultOptsTaskManager: option('env.java.default-opts.taskmanager', stringType, '', { since: '1.19' }),
  envJavaHome: optionalOption('env.java.home', stringType),
  envLogDir: optionalOption('env.log.dir', stringType),
  envLogMax: option('env.log.max', intType, 10),
  envPidDir: optionalOption('env.pid.dir', stringType),
  envHadoopConfDir: optionalOption('env.hadoop.conf.dir', stringType),
  envYarnConfDir: optionalOption('env.yarn.conf.dir', stringType),
  envHbaseConfDir: optionalOption('env.hbase.conf.dir', stringType),
} as const;

/** The type names of `high-availability.type`; any other text is the class name of a factory. */
export const KUBERNETES_HA_FACTORY = 'org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory';

/** Options of high availability. */
export const highAvailabilityOptions = {
  type: option('high-availability.type', stringType, 'NONE', {
    renamed: [{ since: '1.17', key: 'high-availability' }],
    aliases: ['recovery.mode', 'high-availability'],
  }),
  clusterId: option('high-availability.cluster-id', stringType, '/default', {
    aliases: ['high-availability.zookeeper.path.namespace', 'recovery.zookeeper.path.namespace'],
  }),
  storageDir: optionalOption('high-availability.storageDir', stringType, {
    aliases: ['high-availability.zookeeper.storageDir', 'recovery.zookeeper.storageDir'],
  }),
  jobManagerPort: option('high-availability.jobmanager.port', stringType, '0', {
    aliases: ['recovery.jobmanager.port'],
  }),
  useOldServices: option('high-availability.use-old-ha-services', booleanType, false, { since: '1.15', until: '1.16' }),
  zookeeperQuorum: optionalOption('high-availability.zookeeper.quorum', stringType, {
    aliases: ['recovery.zookeeper.quorum'],
  }),
  zookeeperPathRoot: option('high-availability.zookeeper.path.root', stringType, '/flink', {
    aliases: ['recovery.zookeeper.path.root'],
  }),
  zookeeperPathExecutionPlans: option(
    'high-availability.zookeeper.path.execution-plans',
    stringType,
    '/execution-plans',
    {
      renamed: [{ since: '2.0', key: 'high-availability.zookeeper.path.jobgraphs' }],
      aliases: ['recovery.zookeeper.path.jobgraphs', 'high-availability.zookeeper.path.jobgraphs'],
    },
  ),
  zookeeperClientAcl: option('high-availability.zookeeper.client.acl', stringType, 'open'),
  leaseDuration: option('high-availability.kubernetes.leader-election.lease-duration', durationType, 15_000),
  renewDeadline: option('high-availability.kubernetes.leader-election.renew-deadline', durationType, 15_000),
  retryPeriod: option('high-availability.kubernetes.leader-election.retry-period', durationType, 5_000),
  jobResultStorePath: optionalOption('job-result-store.storage-path', stringType, { since: '1.15' }),
  /** Flink 2.3 and later. */
  applicationResultStorePath: optionalOption('application-result-store.storage-path', stringType, { since: '2.0' }),
  jobResultStoreDeleteOnCommit: option('job-result-store.delete-on-commit', booleanType, true, { since: '1.15' }),
} as const;

/** Whether a value of `high-availability.type` switches high availability on, and by which services. */
export function highAvailabilityKind(type: string): 'none' | 'kubernetes' | 'zookeeper' | 'custom' {
  const lower = type.toLowerCase();
  // The old word for none.
  if (lower === 'none' || lower === 'standalone') return 'none';
  if (lower === 'zookeeper') return 'zookeeper';
  return lower === 'kubernetes' || type === KUBERNETES_HA_FACTORY ? 'kubernetes' : 'custom';
}

/** Options of the schedulers. */
export const schedulerOptions = {
  jobManagerScheduler: optionalOption('jobmanager.scheduler', enumType('Default', 'Adaptive', 'AdaptiveBatch', 'Ng')),
  schedulerMode: optionalOption('scheduler-mode', enumType('REACTIVE')),
  resourceWaitTimeout: option('jobmanager.adaptive-scheduler.submission.resource-wait-timeout', durationType, 300_000, {
    renamed: [{ since: '2.0', key: 'jobmanager.adaptive-scheduler.resource-wait-timeout' }],
  }),
  resourceStabilizationTimeout: option(
    'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout',
    durationType,
    10_000,
    { renamed: [{ since: '2.0', key: 'jobmanager.adaptive-scheduler.resource-stabilization-timeout' }] },
  ),
  cooldownAfterRescaling: option(
    'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling',
    durationType,
    30_000,
    { since: '1.19', renamed: [{ since: '2.0', key: 'jobmanager.adaptive-scheduler.scaling-interval.min' }] },
  ),
} as const;
