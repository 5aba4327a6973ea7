import {
  booleanType,
  durationType,
  enumType,
  intType,
  listType,
  mapType,
  option,
  optionalOption,
  stringType,
} from '../option.ts';

/** Options of a job and of how it is deployed. */
export const executionOptions = {
  target: optionalOption('execution.target', stringType),
  attached: option('execution.attached', booleanType, false),
  runtimeMode: option('execution.runtime-mode', enumType('STREAMING', 'BATCH', 'AUTOMATIC'), 'STREAMING'),
  parallelismDefault: option('parallelism.default', intType, 1),
  pipelineName: optionalOption('pipeline.name', stringType),
  pipelineJars: option('pipeline.jars', listType, []),
  pipelineClasspaths: option('pipeline.classpaths', listType, []),
  pipelineMaxParallelism: option('pipeline.max-parallelism', intType, -1),
  jobVertexParallelismOverrides: option(
    'pipeline.jobvertex-parallelism-overrides',
    mapType,
    new Map<string, string>(),
    {
      since: '1.17',
    },
  ),
  shutdownOnApplicationFinish: option('execution.shutdown-on-application-finish', booleanType, true, {
    since: '1.15',
  }),
  submitFailedJobOnApplicationError: option('execution.submit-failed-job-on-application-error', booleanType, false, {
    since: '1.15',
  }),
  restartStrategy: optionalOption('restart-strategy.type', stringType, {
    renamed: [{ since: '1.17', key: 'restart-strategy' }],
  }),
  /** Keys that Flink's client sets and its entrypoints read. */
  clusterExecutionMode: option('internal.cluster.execution-mode', enumType('NORMAL', 'DETACHED'), 'NORMAL'),
  applicationMain: optionalOption('$internal.application.main', stringType),
  applicationProgramArgs: option('$internal.application.program-args', listType, []),
  pipelineJobId: optionalOption('$internal.pipeline.job-id', stringType),
  applicationId: optionalOption('$internal.application.id', stringType, { since: '2.3' }),
  deploymentConfigDir: optionalOption('$internal.deployment.config-dir', stringType),
} as const;

/** Options of checkpoints, savepoints and restoring from them. */
export const checkpointingOptions = {
  /** Unset: checkpoints are off. */
  interval: optionalOption('execution.checkpointing.interval', durationType),
  timeout: option('execution.checkpointing.timeout', durationType, 600_000),
  tolerableFailedCheckpoints: option('execution.checkpointing.tolerable-failed-checkpoints', intType, 0),
  mode: option('execution.checkpointing.mode', enumType('EXACTLY_ONCE', 'AT_LEAST_ONCE'), 'EXACTLY_ONCE'),
  externalizedRetention: option(
    'execution.checkpointing.externalized-checkpoint-retention',
    enumType('DELETE_ON_CANCELLATION', 'RETAIN_ON_CANCELLATION', 'NO_EXTERNALIZED_CHECKPOINTS'),
    'NO_EXTERNALIZED_CHECKPOINTS',
  ),
  checkpointDir: optionalOption('execution.checkpointing.dir', stringType, {
    renamed: [{ since: '1.20', key: 'state.checkpoints.dir' }],
    aliases: ['state.backend.fs.checkpointdir'],
  }),
  savepointDir: optionalOption('execution.checkpointing.savepoint-dir', stringType, {
    renamed: [{ since: '1.20', key: 'state.savepoints.dir' }],
    aliases: ['savepoints.state.backend.fs.dir'],
  }),
  incremental: option('execution.checkpointing.incremental', booleanType, false, {
    renamed: [{ since: '1.20', key: 'state.backend.incremental' }],
  }),
  numRetained: option('execution.checkpointing.num-retained', intType, 1, {
    renamed: [{ since: '1.20', key: 'state.checkpoints.num-retained' }],
  }),
  storage: optionalOption('execution.checkpointing.storage', stringType, {
    renamed: [{ since: '1.20', key: 'state.checkpoint-storage' }],
  }),
  unaligned: option('execution.checkpointing.unaligned.enabled', booleanType, false, {
    renamed: [{ since: '1.20', key: 'execution.checkpointing.unaligned' }],
  }),
  backend: optionalOption('state.backend.type', stringType, {
    renamed: [{ since: '1.17', key: 'state.backend' }],
  }),
  changelogEnabled: option('state.changelog.enabled', booleanType, false, {
    aliases: ['state.backend.changelog.enabled'],
  }),
  /** The savepoint or checkpoint a job starts from. */
  recoveryPath: optionalOption('execution.state-recovery.path', stringType, {
    renamed: [{ since: '1.20', key: 'execution.savepoint.path' }],
  }),
  ignoreUnclaimedState: option('execution.state-recovery.ignore-unclaimed-state', booleanType, false, {
    renamed: [{ since: '1.20', key: 'execution.savepoint.ignore-unclaimed-state' }],
  }),
  claimMode: option('execution.state-recovery.claim-mode', enumType('NO_CLAIM', 'CLAIM', 'LEGACY'), 'NO_CLAIM', {
    since: '1.15',
    renamed: [{ since: '1.20', key: 'execution.savepoint-restore-mode' }],
  }),
} as const;
