import { featuresOf } from '../versions/features.ts';
import type { FlinkVersion } from '../versions/version.ts';
import type { Answer } from './answer.ts';
import { parseCheckpoint, parseCheckpointConfig, parseCheckpoints } from './checkpoints.ts';
import {
  parseAggregatedMetrics,
  parseDashboardConfig,
  parseJobManagerConfig,
  parseMetrics,
  parseOverview,
  parseTaskManagers,
} from './cluster.ts';
import { type Call, exchange, type FlinkEndpoint, jarForm } from './exchange.ts';
import { parseJars, parseRun, parseUpload } from './jars.ts';
import {
  parseExceptions,
  parseExecutionResult,
  parseJobDetails,
  parseJobIds,
  parseJobStatus,
  parseJobsOverview,
  parseResourceRequirements,
  type ResourceRequirements,
  writeResourceRequirements,
} from './jobs.ts';
import {
  parseCheckpointOperation,
  parseDisposalOperation,
  parseSavepointOperation,
  parseTrigger,
} from './operations.ts';

/** What every call may be given. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** A savepoint to be taken. */
export interface SavepointRequest {
  /** Absent: the configured directory. */
  readonly targetDirectory?: string;
  /** From 1.15; before, canonical is the only one. */
  readonly formatType?: 'CANONICAL' | 'NATIVE';
  /** 32 hexadecimal digits; from 1.15. Flink starts no second operation for an id it knows, so triggering may be repeated. */
  readonly triggerId?: string;
}

/** How an uploaded jar is run. */
export interface JarRun {
  readonly entryClass?: string;
  readonly programArgs?: readonly string[];
  readonly parallelism?: number;
  /** 32 hexadecimal digits; makes the submission repeatable, since a second run with the same id is refused. */
  readonly jobId?: string;
  readonly allowNonRestoredState?: boolean;
  readonly savepointPath?: string;
  readonly claimMode?: 'CLAIM' | 'NO_CLAIM' | 'LEGACY';
  /** From 1.17. */
  readonly flinkConfiguration?: Readonly<Record<string, string>>;
}

/**
 * Flink's REST API as the operator uses it.
 *
 * Guarantees: every expected outcome is an {@link Answer}; nothing is retried; fields that the version does not know are
 * not sent (older versions refuse them).
 * Assumptions: `version` is the version of the cluster asked.
 */
export type FlinkRest = ReturnType<typeof flinkRest>;

const hex = (id: string): string => encodeURIComponent(id);

/** A client for one cluster. */
export function flinkRest(endpoint: FlinkEndpoint, version: FlinkVersion) {
  const features = featuresOf(version);
  const call = <T>(one: Call<T>, options: CallOptions = {}): Promise<Answer<T>> =>
    exchange(endpoint, options.signal === undefined ? one : { ...one, signal: options.signal });
  const get = <T>(path: string, parse: (json: unknown) => T, options?: CallOptions): Promise<Answer<T>> =>
    call({ method: 'GET', path, parse }, options);
  const post = <T>(path: string, parse: (json: unknown) => T, body: unknown, options?: CallOptions) =>
    call({ method: 'POST', path, parse, body }, options);
  const nothing = (): undefined => undefined;
  const named = (triggerId: string | undefined) => (features.triggerId && triggerId !== undefined ? { triggerId } : {});
  const format = (type: SavepointRequest['formatType']) =>
    features.savepointFormat && type !== undefined ? { formatType: type } : {};

  return {
    version,
    overview: (options?: CallOptions) => get('/overview', parseOverview, options),
    dashboardConfig: (options?: CallOptions) => get('/config', parseDashboardConfig, options),
    jobManagerConfig: (options?: CallOptions) => get('/jobmanager/config', parseJobManagerConfig, options),
    /** Ids and states of all jobs. */
    jobs: (options?: CallOptions) => get('/jobs', parseJobIds, options),
    jobsOverview: (options?: CallOptions) => get('/jobs/overview', parseJobsOverview, options),
    job: (jobId: string, options?: CallOptions) => get(`/jobs/${hex(jobId)}`, parseJobDetails, options),
    /** Cheaper than `job`, from 1.16. */
    jobStatus: (jobId: string, options?: CallOptions) => get(`/jobs/${hex(jobId)}/status`, parseJobStatus, options),
    exceptions: (jobId: string, limit: number, options?: CallOptions) =>
      get(`/jobs/${hex(jobId)}/exceptions?maxExceptions=${limit}`, parseExceptions, options),
    /** `value` is undefined while the job runs. */
    executionResult: (jobId: string, options?: CallOptions) =>
      get(`/jobs/${hex(jobId)}/execution-result`, parseExecutionResult, options),
    /** `not-found` also when checkpointing is off: ask `job` to tell the two apart. */
    checkpoints: (jobId: string, options?: CallOptions) =>
      get(`/jobs/${hex(jobId)}/checkpoints`, parseCheckpoints, options),
    checkpointConfig: (jobId: string, options?: CallOptions) =>
      get(`/jobs/${hex(jobId)}/checkpoints/config`, parseCheckpointConfig, options),
    checkpoint: (jobId: string, checkpointId: number, options?: CallOptions) =>
      get(`/jobs/${hex(jobId)}/checkpoints/details/${checkpointId}`, parseCheckpoint, options),

    /** Starts a savepoint; the value is the id to poll `savepointOperation` with. Also accepted for unknown jobs. */
    triggerSavepoint: (jobId: string, request: SavepointRequest, options?: CallOptions) =>
      post(
        `/jobs/${hex(jobId)}/savepoints`,
        parseTrigger,
        {
          ...(request.targetDirectory === undefined ? {} : { 'target-directory': request.targetDirectory }),
          'cancel-job': false,
          ...format(request.formatType),
          ...named(request.triggerId),
        },
        options,
      ),
    /** Stops the job with a savepoint; `drain` ends event time, for jobs that will not be resumed. */
    stopWithSavepoint: (jobId: string, request: SavepointRequest & { drain: boolean }, options?: CallOptions) =>
      post(
        `/jobs/${hex(jobId)}/stop`,
        parseTrigger,
        {
          ...(request.targetDirectory === undefined ? {} : { targetDirectory: request.targetDirectory }),
          drain: request.drain,
          ...format(request.formatType),
          ...named(request.triggerId),
        },
        options,
      ),
    /** The state of a savepoint or a stop; the value is the savepoint's directory. */
    savepointOperation: (jobId: string, triggerId: string, options?: CallOptions) =>
      get(`/jobs/${hex(jobId)}/savepoints/${hex(triggerId)}`, parseSavepointOperation, options),
    /** From 1.17; older versions answer `not-found`. */
    triggerCheckpoint: (
      jobId: string,
      request: { readonly checkpointType?: 'CONFIGURED' | 'FULL' | 'INCREMENTAL'; readonly triggerId?: string },
      options?: CallOptions,
    ) => post(`/jobs/${hex(jobId)}/checkpoints`, parseTrigger, { ...request }, options),
    checkpointOperation: (jobId: string, triggerId: string, options?: CallOptions) =>
      get(`/jobs/${hex(jobId)}/checkpoints/${hex(triggerId)}`, parseCheckpointOperation, options),
    /** Deletes a savepoint's files; the value is the id to poll, which Flink always chooses itself. */
    disposeSavepoint: (path: string, options?: CallOptions) =>
      post('/savepoint-disposal', parseTrigger, { 'savepoint-path': path }, options),
    disposalOperation: (triggerId: string, options?: CallOptions) =>
      get(`/savepoint-disposal/${hex(triggerId)}`, parseDisposalOperation, options),
    /** Asks for the job to be cancelled; `rejected` with status 409 when it has ended otherwise. */
    cancel: (jobId: string, options?: CallOptions) =>
      call({ method: 'PATCH', path: `/jobs/${hex(jobId)}?mode=cancel`, parse: nothing }, options),

    /** From 1.18, with the adaptive scheduler; otherwise `not-found` or `rejected`. */
    resourceRequirements: (jobId: string, options?: CallOptions) =>
      get(`/jobs/${hex(jobId)}/resource-requirements`, parseResourceRequirements, options),
    updateResourceRequirements: (jobId: string, requirements: ResourceRequirements, options?: CallOptions) =>
      call(
        {
          method: 'PUT',
          path: `/jobs/${hex(jobId)}/resource-requirements`,
          parse: nothing,
          body: writeResourceRequirements(requirements),
        },
        options,
      ),

    taskManagers: (options?: CallOptions) => get('/taskmanagers', parseTaskManagers, options),
    /** Metrics below a path such as `/jobmanager` or `/jobs/<id>`; without names, the names there are. */
    metrics: (scope: string, names: readonly string[], options?: CallOptions) =>
      get(`${scope}/metrics${query(names)}`, parseMetrics, options),
    /** Metrics of all subtasks of a vertex, aggregated. */
    vertexMetrics: (jobId: string, vertexId: string, names: readonly string[], options?: CallOptions) => {
      const path = `/jobs/${hex(jobId)}/vertices/${hex(vertexId)}/subtasks/metrics${query(names)}`;
      return get(path, parseAggregatedMetrics, options);
    },

    jars: (options?: CallOptions) => get('/jars', parseJars, options),
    /** Uploads a jar to the JobManager that answers, as it comes; the value is the jar's id. */
    uploadJar: (name: string, jar: Uint8Array | AsyncIterable<Uint8Array>, options?: CallOptions) =>
      call({ method: 'POST', path: '/jars/upload', parse: parseUpload, raw: jarForm(name, jar), slow: true }, options),
    /** Runs an uploaded jar; the value is the job's id. */
    runJar: (jarId: string, run: JarRun, options?: CallOptions) =>
      call(
        { method: 'POST', path: `/jars/${hex(jarId)}/run`, parse: parseRun, body: runBody(run), slow: true },
        options,
      ),
    deleteJar: (jarId: string, options?: CallOptions) =>
      call({ method: 'DELETE', path: `/jars/${hex(jarId)}`, parse: nothing }, options),
    /** Ends the cluster **and removes its high-availability data**: not the way to stop one that will be resumed. */
    shutDownCluster: (options?: CallOptions) => call({ method: 'DELETE', path: '/cluster', parse: nothing }, options),
  };

  function runBody(run: JarRun): Record<string, unknown> {
    const { programArgs, claimMode, flinkConfiguration, ...rest } = run;
    return {
      ...rest,
      ...(programArgs === undefined ? {} : { programArgsList: programArgs }),
      ...(claimMode === undefined || features.claimField === undefined ? {} : { [features.claimField]: claimMode }),
      ...(flinkConfiguration === undefined || !features.runConfiguration ? {} : { flinkConfiguration }),
    };
  }
}

function query(names: readonly string[]): string {
  return names.length === 0 ? '' : `?get=${names.map(encodeURIComponent).join(',')}`;
}
