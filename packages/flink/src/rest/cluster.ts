import {
  asArray,
  asObject,
  type Compact,
  compact,
  flag,
  type JsonObject,
  list,
  number,
  numbers,
  optionalNumber,
  optionalObject,
  optionalText,
  text,
} from './reader.ts';

/** `GET /overview`. */
export interface ClusterOverview {
  readonly taskManagers: number;
  readonly slotsTotal: number;
  readonly slotsAvailable: number;
  /** Every job that has not ended. */
  readonly jobsRunning: number;
  readonly jobsFinished: number;
  readonly jobsCancelled: number;
  readonly jobsFailed: number;
  readonly flinkVersion: string;
  readonly flinkCommit: string;
}

export function parseOverview(json: unknown): ClusterOverview {
  const from = asObject(json, 'the overview');
  return {
    taskManagers: number(from, 'taskmanagers'),
    slotsTotal: number(from, 'slots-total'),
    slotsAvailable: number(from, 'slots-available'),
    jobsRunning: number(from, 'jobs-running'),
    jobsFinished: number(from, 'jobs-finished'),
    jobsCancelled: number(from, 'jobs-cancelled'),
    jobsFailed: number(from, 'jobs-failed'),
    flinkVersion: text(from, 'flink-version'),
    flinkCommit: text(from, 'flink-commit'),
  };
}

/** `GET /config`: of the web interface, and answered as soon as a leader is there. */
export interface DashboardConfig {
  readonly refreshIntervalMs: number;
  readonly timezoneName: string;
  readonly flinkVersion: string;
  readonly flinkRevision: string;
  readonly features: {
    readonly webSubmit: boolean;
    readonly webCancel: boolean;
    readonly webHistory: boolean;
    readonly webRescale: boolean;
  };
}

export function parseDashboardConfig(json: unknown): DashboardConfig {
  const from = asObject(json, 'the configuration');
  const features = optionalObject(from, 'features') ?? {};
  return {
    refreshIntervalMs: number(from, 'refresh-interval'),
    timezoneName: text(from, 'timezone-name'),
    flinkVersion: text(from, 'flink-version'),
    flinkRevision: text(from, 'flink-revision'),
    features: {
      webSubmit: flag(features, 'web-submit'),
      webCancel: flag(features, 'web-cancel'),
      webHistory: flag(features, 'web-history'),
      webRescale: flag(features, 'web-rescale'),
    },
  };
}

/** `GET /jobmanager/config`: keys and texts; Flink masks secrets itself. */
export function parseJobManagerConfig(json: unknown): Map<string, string> {
  const pairs = asArray(json, 'the configuration').map((item) => asObject(item, 'an entry'));
  return new Map(pairs.map((pair) => [text(pair, 'key'), text(pair, 'value')]));
}

/** Resources of a TaskManager or of a slot; memory in mebibytes. */
export interface SlotResources {
  readonly cpuCores: number;
  readonly taskHeapMemory: number;
  readonly taskOffHeapMemory: number;
  readonly managedMemory: number;
  readonly networkMemory: number;
  readonly extendedResources: Readonly<Record<string, number>>;
}

/** One TaskManager. `id` is the pod's name in native mode. */
export interface TaskManagerInfo {
  readonly id: string;
  readonly path: string;
  readonly dataPort: number;
  readonly slotsNumber: number;
  readonly freeSlots: number;
  /** Milliseconds since the epoch; 0 when none came yet. */
  readonly lastHeartbeat: number;
  readonly totalResource: SlotResources | undefined;
  readonly freeResource: SlotResources | undefined;
  readonly hardware: Readonly<Record<string, number>>;
  /** Bytes, by component. */
  readonly memoryConfiguration: Readonly<Record<string, number>>;
  readonly blocked: boolean;
}

export function parseTaskManagers(json: unknown): TaskManagerInfo[] {
  return list(asObject(json, 'the TaskManagers'), 'taskmanagers', parseTaskManager);
}

export function parseTaskManager(from: JsonObject): TaskManagerInfo {
  return {
    id: text(from, 'id'),
    path: text(from, 'path'),
    dataPort: number(from, 'dataPort'),
    slotsNumber: number(from, 'slotsNumber'),
    freeSlots: number(from, 'freeSlots'),
    lastHeartbeat: number(from, 'timeSinceLastHeartbeat'),
    totalResource: slotResources(from, 'totalResource'),
    freeResource: slotResources(from, 'freeResource'),
    hardware: numbers(from, 'hardware'),
    memoryConfiguration: numbers(from, 'memoryConfiguration'),
    blocked: flag(from, 'blocked'),
  };
}

function slotResources(from: JsonObject, name: string): SlotResources | undefined {
  const value = optionalObject(from, name);
  if (value === undefined) return undefined;
  return {
    cpuCores: number(value, 'cpuCores'),
    taskHeapMemory: number(value, 'taskHeapMemory'),
    taskOffHeapMemory: number(value, 'taskOffHeapMemory'),
    managedMemory: number(value, 'managedMemory'),
    networkMemory: number(value, 'networkMemory'),
    extendedResources: numbers(value, 'extendedResources'),
  };
}

/** A metric and its value as text; the value is absent where only names were asked for. */
export interface Metric {
  readonly id: string;
  readonly value: string | undefined;
}

export function parseMetrics(json: unknown): Metric[] {
  return asArray(json, 'the metrics').map((item) => {
    const from = asObject(item, 'a metric');
    return { id: text(from, 'id'), value: optionalText(from, 'value') };
  });
}

/** A metric summed up over subtasks, TaskManagers or jobs. */
export type AggregatedMetric = Compact<{
  readonly id: string;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly avg: number | undefined;
  readonly sum: number | undefined;
  readonly skew: number | undefined;
}>;

export function parseAggregatedMetrics(json: unknown): AggregatedMetric[] {
  return asArray(json, 'the metrics').map((item) => {
    const from = asObject(item, 'a metric');
    return compact({
      id: text(from, 'id'),
      min: optionalNumber(from, 'min'),
      max: optionalNumber(from, 'max'),
      avg: optionalNumber(from, 'avg'),
      sum: optionalNumber(from, 'sum'),
      skew: optionalNumber(from, 'skew'),
    });
  });
}
