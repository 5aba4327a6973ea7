import {
  booleanType,
  type ConfigOption,
  doubleType,
  durationType,
  enumType,
  intType,
  listType,
  memoryType,
  option,
  optionalOption,
  stringType,
  type ValueType,
} from '../option.ts';

const PREFIX = 'job.autoscaler.';
/** Where the options were before, and may still be. */
const OLD_PREFIX = 'kubernetes.operator.job.autoscaler.';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** An option of the autoscaler; `older` are other keys that are read, before the deprecated ones. */
function setting<T>(name: string, type: ValueType<T>, value: T, ...older: string[]): ConfigOption<T, T> {
  return option(`${PREFIX}${name}`, type, value, { aliases: aliases(name, older) });
}

function unset<T>(name: string, type: ValueType<T>): ConfigOption<T, undefined> {
  return optionalOption(`${PREFIX}${name}`, type, { aliases: aliases(name, []) });
}

function aliases(name: string, older: readonly string[]): string[] {
  return older.length > 0 ? [...older] : [`${OLD_PREFIX}${name}`];
}

/** Options of the autoscaler, which a resource may set for itself. Durations are milliseconds. */
export const autoscalerOptions = {
  enabled: setting('enabled', booleanType, false),
  scalingEnabled: setting('scaling.enabled', booleanType, true),
  metricsWindow: setting('metrics.window', durationType, 15 * MINUTE),
  stabilizationInterval: setting('stabilization.interval', durationType, 5 * MINUTE),
  excludedPeriods: setting('excluded.periods', listType, []),
  utilizationTarget: setting(
    'utilization.target',
    doubleType,
    0.7,
    `${OLD_PREFIX}utilization.target`,
    `${OLD_PREFIX}target.utilization`,
    `${PREFIX}target.utilization`,
  ),
  targetUtilizationBoundary: setting('target.utilization.boundary', doubleType, 0.3),
  utilizationMax: unset('utilization.max', doubleType),
  utilizationMin: unset('utilization.min', doubleType),
  scaleDownInterval: setting(
    'scale-down.interval',
    durationType,
    HOUR,
    `${OLD_PREFIX}scale-up.grace-period`,
    `${OLD_PREFIX}scale-down.interval`,
    `${PREFIX}scale-up.grace-period`,
  ),
  vertexMinParallelism: setting('vertex.min-parallelism', intType, 1),
  vertexMaxParallelism: setting('vertex.max-parallelism', intType, 200),
  scaleDownMaxFactor: setting('scale-down.max-factor', doubleType, 0.6),
  scaleUpMaxFactor: setting('scale-up.max-factor', doubleType, 100_000),
  catchUpDuration: setting('catch-up.duration', durationType, 30 * MINUTE),
  restartTime: setting('restart.time', durationType, 5 * MINUTE),
  restartTimeTrackingEnabled: setting('restart.time-tracking.enabled', booleanType, false),
  restartTimeTrackingLimit: setting('restart.time-tracking.limit', durationType, 15 * MINUTE),
  backlogProcessingLagThreshold: setting('backlog-processing.lag-threshold', durationType, 5 * MINUTE),
  observedRateLagThreshold: setting('observed-true-processing-rate.lag-threshold', durationType, 30 * SECOND),
  observedRateSwitchThreshold: setting('observed-true-processing-rate.switch-threshold', doubleType, 0.15),
  observedRateMinObservations: setting('observed-true-processing-rate.min-observations', intType, 2),
  effectivenessDetectionEnabled: setting('scaling.effectiveness.detection.enabled', booleanType, false),
  effectivenessThreshold: setting('scaling.effectiveness.threshold', doubleType, 0.1),
  gcPressureThreshold: setting('memory.gc-pressure.threshold', doubleType, 1),
  heapUsageThreshold: setting('memory.heap-usage.threshold', doubleType, 1),
  memoryTuningEnabled: setting('memory.tuning.enabled', booleanType, false),
  memoryTuningScaleDownCompensationEnabled: setting('memory.tuning.scale-down-compensation.enabled', booleanType, true),
  memoryTuningOverhead: setting('memory.tuning.overhead', doubleType, 0.2),
  memoryTuningMaximizeManaged: setting('memory.tuning.maximize-managed-memory', booleanType, false),
  historyMaxCount: setting('history.max.count', intType, 3),
  historyMaxAge: setting('history.max.age', durationType, 24 * HOUR),
  busyTimeAggregator: setting('metrics.busy-time.aggregator', enumType('MAX', 'MIN', 'AVG'), 'MAX'),
  vertexExcludeIds: setting('vertex.exclude.ids', listType, []),
  scalingEventInterval: setting('scaling.event.interval', durationType, 30 * MINUTE),
  restClientTimeout: setting('flink.rest-client.timeout', durationType, 10 * SECOND),
  quotaMemory: unset('quota.memory', memoryType),
  quotaCpu: unset('quota.cpu', doubleType),
  keyGroupAdjustMode: setting(
    'scaling.key-group.partitions.adjust.mode',
    enumType('EVENLY_SPREAD', 'MAXIMIZE_UTILISATION'),
    'EVENLY_SPREAD',
  ),
  parallelismAlignmentMode: setting('scaling.parallelism-alignment.mode', stringType, 'BALANCED'),
  observedScalabilityEnabled: setting('observed-scalability.enabled', booleanType, false),
  observedScalabilityMinObservations: setting('observed-scalability.min-observations', intType, 3),
  observedScalabilityCoefficientMin: setting('observed-scalability.coefficient-min', doubleType, 0.5),
  customEvaluators: setting('metrics.custom-evaluators', listType, []),
  customExecutors: setting('scaling.custom-executors', listType, []),
} as const;

/** Beginnings of autoscaler keys whose rest a user or a plugin chooses. */
export const autoscalerOpenPrefixes = [
  `${PREFIX}scaling.parallelism-alignment.mode.`,
  `${PREFIX}metrics.custom-evaluator.`,
  `${PREFIX}scaling.custom-executor.`,
] as const;
