import {
  type Answer,
  type Checkpoint,
  type FlinkRest,
  type FlinkTransport,
  type FlinkVersion,
  featuresOf,
  flinkRest,
  type JobExceptions,
  type Metric,
  mapAnswer,
  type Operation,
  tryParseFlinkVersion,
} from '@drey/flink';
import { failureOf, snapshotCalls } from './flink-snapshots.ts';
import type {
  FlinkCall,
  FlinkCheckpoint,
  FlinkCheckpoints,
  FlinkCluster,
  FlinkException,
  FlinkJobHealth,
  FlinkPort,
  SavepointProgress,
} from './ports.ts';

/** What a deployment is taken to be that does not say its version; nothing newer than this is asked of it. */
const OLDEST: FlinkVersion = { major: 1, minor: 15, patch: 0 };
/** The operator reads lists and summaries; a longer answer is not one of those. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Flink's REST API as the operator uses it. The transport belongs to the caller. */
export function flinkPort(transport: FlinkTransport): FlinkPort {
  return (baseUrl, flinkVersion) => {
    const version = tryParseFlinkVersion(flinkVersion) ?? OLDEST;
    const rest = (call: FlinkCall): FlinkRest =>
      flinkRest(
        { baseUrl, transport, timeoutMs: call.timeoutMs, submitTimeoutMs: call.timeoutMs, maxBytes: MAX_ANSWER_BYTES },
        version,
      );
    return cluster(rest, featuresOf(version).jobStatus);
  };
}

function cluster(rest: (call: FlinkCall) => FlinkRest, hasJobStatus: boolean): FlinkCluster {
  return {
    ...snapshotCalls(rest),
    jobs: (call) => rest(call).jobsOverview(call),
    facts: async (call) =>
      mapAnswer(await rest(call).dashboardConfig(call), (config) => ({
        version: config.flinkVersion,
        revision: config.flinkRevision,
      })),
    taskManagerCount: async (call) => mapAnswer(await rest(call).overview(call), (overview) => overview.taskManagers),
    checkpoints: async (jobId, call) => mapAnswer(await rest(call).checkpoints(jobId, call), checkpointsOf),
    failure: async (jobId, call) =>
      mapAnswer(
        await rest(call).executionResult(jobId, call),
        (result) => result?.failure && failureOf(result.failure),
      ),
    exceptions: async (jobId, limit, call) => mapAnswer(await rest(call).exceptions(jobId, limit, call), exceptionsOf),
    health: async (jobId, call) => {
      const names = ['numRestarts', 'fullRestarts', 'numberOfCompletedCheckpoints'];
      return mapAnswer(await rest(call).metrics(`/jobs/${jobId}`, names, call), healthOf);
    },
    stopWithSavepoint: async (request, call) => {
      const { jobId, format, targetDirectory, ...more } = request;
      const directory = targetDirectory === '' ? {} : { targetDirectory };
      const answer = await rest(call).stopWithSavepoint(jobId, { ...more, ...directory, formatType: format }, call);
      return mapAnswer(answer, () => undefined);
    },
    savepoint: async (jobId, triggerId, call) =>
      mapAnswer(await rest(call).savepointOperation(jobId, triggerId, call), progressOf),
    cancel: (jobId, call) => rest(call).cancel(jobId, call),
    requirements: async (jobId, call) =>
      mapAnswer(await rest(call).resourceRequirements(jobId, call), (bounds) => Object.fromEntries(bounds)),
    updateRequirements: (jobId, requirements, call) =>
      rest(call).updateResourceRequirements(jobId, new Map(Object.entries(requirements)), call),
    uploadJar: ({ name, bytes }, call) => rest(call).uploadJar(name, bytes, call),
    runJar: (jarId, run, call) => rest(call).runJar(jarId, run, call),
    deleteJar: (jarId, call) => rest(call).deleteJar(jarId, call),
    pulse: (jobId, call) => pulse(rest(call), jobId, hasJobStatus, call),
  };
}

/** Flink looks the state up without going through its caches of a few seconds. */
async function pulse(rest: FlinkRest, jobId: string, hasJobStatus: boolean, call: FlinkCall): Promise<Answer<string>> {
  if (hasJobStatus) return rest.jobStatus(jobId, call);
  return mapAnswer(await rest.jobs(call), (jobs) => jobs.find((job) => job.jobId === jobId)?.state ?? 'missing');
}

function checkpointsOf(checkpoints: {
  readonly latest: {
    readonly completed?: Checkpoint;
    readonly savepoint?: Checkpoint;
    readonly restored?: { readonly id: number; readonly externalPath?: string | undefined };
  };
  readonly history: readonly Checkpoint[];
}): FlinkCheckpoints {
  const { completed, savepoint, restored } = checkpoints.latest;
  return {
    completed: completed && checkpointOf(completed),
    savepoint: savepoint && checkpointOf(savepoint),
    restored: restored && { id: restored.id, path: restored.externalPath, stateSizeBytes: 0, triggeredAt: 0 },
    pendingSince: checkpoints.history.find((one) => one.status === 'IN_PROGRESS')?.triggerTimestamp,
  };
}

function checkpointOf(checkpoint: Checkpoint): FlinkCheckpoint {
  return {
    id: checkpoint.id,
    path: checkpoint.externalPath,
    stateSizeBytes: checkpoint.stateSize,
    triggeredAt: checkpoint.triggerTimestamp,
  };
}

function progressOf(operation: Operation<string>): SavepointProgress {
  switch (operation.kind) {
    case 'in-progress':
      return operation;
    case 'completed':
      return { kind: 'completed', location: operation.value };
    case 'failed':
      return { kind: 'failed', failure: failureOf(operation.failure), savepoint: operation.savepoint };
  }
}

function exceptionsOf({ entries }: JobExceptions): FlinkException[] {
  return entries.map((one) => ({
    exception: one.exceptionName,
    stackTrace: one.stackTrace,
    time: one.timestamp,
    task: one.taskName,
    endpoint: one.endpoint,
    taskManagerId: one.taskManagerId,
    labels: one.failureLabels,
  }));
}

/** `numRestarts` is called `fullRestarts` where a version has only that. */
function healthOf(metrics: readonly Metric[]): FlinkJobHealth {
  const value = (id: string): number | undefined => {
    const text = metrics.find((one) => one.id === id)?.value;
    const number = text === undefined ? Number.NaN : Number(text);
    return Number.isFinite(number) ? number : undefined;
  };
  return {
    restarts: value('numRestarts') ?? value('fullRestarts'),
    completedCheckpoints: value('numberOfCompletedCheckpoints'),
  };
}
