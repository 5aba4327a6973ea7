import {
  asObject,
  BadAnswer,
  type Compact,
  compact,
  type JsonObject,
  list,
  number,
  numbers,
  optionalNumber,
  optionalObject,
  optionalText,
  text,
  texts,
} from './reader.ts';

/** States of a job, in every version. */
export const jobStates = [
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'FAILING',
  'FAILED',
  'CANCELLING',
  'CANCELED',
  'FINISHED',
  'RESTARTING',
  'SUSPENDED',
  'RECONCILING',
] as const;
export type JobState = (typeof jobStates)[number];

/** Whether a job in this state has ended for good, on every JobManager. */
export function isGloballyTerminal(state: JobState): boolean {
  return state === 'FAILED' || state === 'CANCELED' || state === 'FINISHED';
}

function jobState(from: JsonObject, name: string): JobState {
  const value = text(from, name);
  const found = jobStates.find((state) => state === value);
  if (found !== undefined) return found;
  throw new BadAnswer(`${name} is the unknown job state ${value}`);
}

/** A job in a list. */
export type JobOverview = Compact<{
  readonly jobId: string;
  readonly name: string;
  readonly state: JobState;
  readonly startTime: number;
  /** Absent while the job has not ended. */
  readonly endTime: number | undefined;
  readonly durationMs: number;
  readonly lastModification: number;
  /** Numbers of tasks by state in lower case, and `total`. */
  readonly tasks: Readonly<Record<string, number>>;
}>;

/** `GET /jobs/overview`. */
export function parseJobsOverview(json: unknown): JobOverview[] {
  return list(asObject(json, 'the jobs'), 'jobs', (from) =>
    compact({
      jobId: text(from, 'jid'),
      name: text(from, 'name'),
      state: jobState(from, 'state'),
      startTime: number(from, 'start-time'),
      endTime: positive(number(from, 'end-time')),
      durationMs: number(from, 'duration'),
      lastModification: number(from, 'last-modification'),
      tasks: numbers(from, 'tasks'),
    }),
  );
}

/** `GET /jobs`: ids and states. */
export function parseJobIds(json: unknown): { readonly jobId: string; readonly state: JobState }[] {
  return list(asObject(json, 'the jobs'), 'jobs', (from) => ({
    jobId: text(from, 'id'),
    state: jobState(from, 'status'),
  }));
}

/** One vertex of a job. */
export interface JobVertex {
  readonly id: string;
  readonly name: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly status: string;
  /** Numbers of subtasks by execution state. */
  readonly tasks: Readonly<Record<string, number>>;
  /** Input and output counters and accumulated times; absent ones are not reported yet. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** `GET /jobs/:jobid`. */
export type JobDetails = Compact<{
  readonly jobId: string;
  readonly name: string;
  readonly state: JobState;
  readonly startTime: number;
  readonly endTime: number | undefined;
  readonly durationMs: number;
  /** The JobManager's clock. */
  readonly now: number;
  readonly maxParallelism: number | undefined;
  /** When the job last entered each state; 0: never. */
  readonly timestamps: Readonly<Record<string, number>>;
  readonly vertices: readonly JobVertex[];
  readonly statusCounts: Readonly<Record<string, number>>;
  readonly jobType: string | undefined;
  readonly schedulerType: string | undefined;
  readonly applicationId: string | undefined;
  /** The plan as Flink gives it. */
  readonly plan: JsonObject | undefined;
}>;

export function parseJobDetails(json: unknown): JobDetails {
  const from = asObject(json, 'the job');
  return compact({
    jobId: text(from, 'jid'),
    name: text(from, 'name'),
    state: jobState(from, 'state'),
    startTime: number(from, 'start-time'),
    endTime: positive(number(from, 'end-time')),
    durationMs: number(from, 'duration'),
    now: number(from, 'now'),
    maxParallelism: positive(optionalNumber(from, 'maxParallelism') ?? -1),
    timestamps: numbers(from, 'timestamps'),
    vertices: list(from, 'vertices', parseVertex),
    statusCounts: numbers(from, 'status-counts'),
    jobType: optionalText(from, 'job-type'),
    schedulerType: optionalText(from, 'schedulerType'),
    applicationId: optionalText(from, 'application-id'),
    plan: optionalObject(from, 'plan'),
  });
}

function parseVertex(from: JsonObject): JobVertex {
  return {
    id: text(from, 'id'),
    name: text(from, 'name'),
    parallelism: number(from, 'parallelism'),
    maxParallelism: number(from, 'maxParallelism'),
    status: text(from, 'status'),
    tasks: numbers(from, 'tasks'),
    metrics: numbers(from, 'metrics'),
  };
}

/** `GET /jobs/:jobid/status`. */
export function parseJobStatus(json: unknown): JobState {
  return jobState(asObject(json, 'the status'), 'status');
}

/** One failure of a job. */
export type JobException = Compact<{
  readonly exceptionName: string;
  readonly stackTrace: string;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly taskName: string | undefined;
  /** Host and port. */
  readonly endpoint: string | undefined;
  readonly taskManagerId: string | undefined;
  readonly failureLabels: Readonly<Record<string, string>>;
}>;

/** `GET /jobs/:jobid/exceptions`: newest first. */
export interface JobExceptions {
  readonly entries: readonly (JobException & { readonly concurrent: readonly JobException[] })[];
  /** There were more. */
  readonly truncated: boolean;
}

export function parseExceptions(json: unknown): JobExceptions {
  const from = asObject(json, 'the exceptions');
  const history = optionalObject(from, 'exceptionHistory');
  if (history !== undefined) {
    const entries = list(history, 'entries', (entry) => ({
      ...parseException(entry),
      concurrent: list(entry, 'concurrentExceptions', parseException),
    }));
    return { entries, truncated: history.truncated === true };
  }
  const root = optionalText(from, 'root-exception');
  if (root === undefined) return { entries: [], truncated: false };
  const exceptionName = /^[\w.$]+/.exec(root)?.[0] ?? 'unknown';
  const timestamp = optionalNumber(from, 'timestamp') ?? 0;
  const entry = { exceptionName, stackTrace: root, timestamp, failureLabels: {}, concurrent: [] };
  return { entries: [entry], truncated: from.truncated === true };
}

function parseException(from: JsonObject): JobException {
  return compact({
    exceptionName: text(from, 'exceptionName'),
    stackTrace: text(from, 'stacktrace'),
    timestamp: number(from, 'timestamp'),
    taskName: optionalText(from, 'taskName'),
    endpoint: optionalText(from, 'endpoint') ?? optionalText(from, 'location'),
    taskManagerId: optionalText(from, 'taskManagerId'),
    failureLabels: texts(from, 'failureLabels'),
  });
}

/** How a job ended. */
export type ExecutionResult = Compact<{
  readonly jobId: string;
  readonly applicationStatus: 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'UNKNOWN';
  readonly netRuntimeMs: number;
  readonly failure: OperationFailure | undefined;
}>;

/** `GET /jobs/:jobid/execution-result`; undefined while the job runs. */
export function parseExecutionResult(json: unknown): ExecutionResult | undefined {
  const from = asObject(json, 'the result');
  const status = text(asObject(from.status, 'status'), 'id');
  if (status !== 'COMPLETED') return undefined;
  const result = asObject(from['job-execution-result'], 'job-execution-result');
  const applicationStatus = text(result, 'application-status');
  const known = (['SUCCEEDED', 'FAILED', 'CANCELED', 'UNKNOWN'] as const).find((one) => one === applicationStatus);
  return compact({
    jobId: text(result, 'id'),
    applicationStatus: known ?? 'UNKNOWN',
    netRuntimeMs: number(result, 'net-runtime'),
    failure: parseFailure(result['failure-cause']),
  });
}

/** An exception that Flink reports as a result. */
export interface OperationFailure {
  readonly className: string;
  readonly stackTrace: string;
}

export function parseFailure(json: unknown): OperationFailure | undefined {
  if (json === undefined || json === null) return undefined;
  const from = asObject(json, 'failure-cause');
  return { className: optionalText(from, 'class') ?? 'unknown', stackTrace: optionalText(from, 'stack-trace') ?? '' };
}

/** Parallelism bounds of each vertex. */
export type ResourceRequirements = ReadonlyMap<string, { readonly lowerBound: number; readonly upperBound: number }>;

/** `GET /jobs/:jobid/resource-requirements`. */
export function parseResourceRequirements(json: unknown): ResourceRequirements {
  const vertices = Object.entries(asObject(json, 'the requirements'));
  return new Map(
    vertices.map(([vertex, value]) => {
      const bounds = asObject(asObject(value, vertex).parallelism, 'parallelism');
      return [vertex, { lowerBound: number(bounds, 'lowerBound'), upperBound: number(bounds, 'upperBound') }];
    }),
  );
}

/** The body of `PUT /jobs/:jobid/resource-requirements`. */
export function writeResourceRequirements(requirements: ResourceRequirements): string {
  const bodies = [...requirements].map(([vertex, parallelism]) => [vertex, { parallelism }]);
  return JSON.stringify(Object.fromEntries(bodies));
}

function positive(value: number): number | undefined {
  return value < 0 ? undefined : value;
}
