import type { SimulatedJob } from './job.ts';
import type { SimulatedJobManager } from './jobmanager.ts';
import { type Call, failure, hexId, metrics } from './rest-call.ts';
import { checkpoint, checkpoints, checkpointsConfig } from './rest-checkpoints.ts';
import { badParameter, internal, jobNotFound, notFound, ok, type RestAnswer, refused } from './rest-errors.ts';
import * as shape from './rest-shapes.ts';
import { pollCheckpoint, pollSavepoint, triggerCheckpoint, triggerSavepoint, triggerStop } from './rest-snapshots.ts';

/** `/jobs/…`: reads, cancellation, savepoints and resource requirements. */
export function jobs(method: string, call: Call): RestAnswer | undefined {
  const { jm, parts } = call;
  const [, id = '', topic, third, fourth] = parts;
  if (!hexId.test(id)) return badParameter('path', 'jobid', id);
  const job = jm.jobs.get(id.toLowerCase());
  if (topic === undefined && method === 'PATCH') return cancel(call, id, job);
  if (topic === 'savepoints')
    return method === 'POST' ? triggerSavepoint(call, id, job) : pollSavepoint(call, id, third ?? '');
  if (topic === 'stop' && method === 'POST') return triggerStop(call, id, job);
  if (topic === 'checkpoints' && method === 'POST') return triggerCheckpoint(call, id, job);
  if (topic === 'checkpoints' && third !== undefined && hexId.test(third)) return pollCheckpoint(call, id, third);
  if (job === undefined)
    return topic === 'status'
      ? internal(`org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job (${id})`)
      : jobNotFound(id);
  if (topic === 'resource-requirements') return shape.canRescale(call.jm) ? requirements(method, call, job) : undefined;
  if (method !== 'GET') return undefined;
  return readJob(call, job, topic, third, fourth);
}

function readJob(
  call: Call,
  job: SimulatedJob,
  topic: string | undefined,
  third: string | undefined,
  fourth: string | undefined,
): RestAnswer | undefined {
  const { jm } = call;
  switch (topic) {
    case undefined:
      return ok(shape.jobDetails(jm, job));
    case 'status':
      return ok({ status: job.state });
    case 'config':
      return ok({ jid: job.spec.jobId, name: job.spec.name, 'execution-config': executionConfig(jm, job) });
    case 'plan':
      return ok({ plan: shape.plan(job.spec.jobId, job.spec.name, job.parallelism, job.spec.adaptive) });
    case 'exceptions':
      return ok(shape.exceptions(job, jm));
    case 'accumulators':
      return ok({ 'job-accumulators': [], 'user-task-accumulators': [], 'serialized-user-task-accumulators': {} });
    case 'execution-result':
      return ok(executionResult(jm, job));
    case 'metrics':
      return ok(metrics(call, jobMetrics(job)));
    case 'checkpoints':
      return checkpointReads(job, third, fourth);
    case 'vertices':
      return vertexReads(call, job, third, fourth);
    default:
      return undefined;
  }
}

function jobMetrics(job: SimulatedJob): Record<string, number> {
  const completed = job.checkpoints.filter((one) => one.status === 'COMPLETED').length;
  return {
    numRestarts: job.restarts,
    fullRestarts: job.restarts,
    uptime: job.position,
    restartingTime: 0,
    numberOfCompletedCheckpoints: completed,
  };
}

function executionConfig(jm: SimulatedJobManager, job: SimulatedJob): object {
  return {
    ...(shape.isFlink2(jm) ? {} : { 'execution-mode': 'PIPELINED' }),
    'restart-strategy': 'Cluster level default restart strategy',
    'job-parallelism': job.parallelism,
    'object-reuse-mode': false,
    'user-config': {},
  };
}

function executionResult(jm: SimulatedJobManager, job: SimulatedJob): object {
  if (!job.isTerminal) return { status: { id: 'IN_PROGRESS' }, 'job-execution-result': null };
  const outcome = { FINISHED: 'SUCCEEDED', CANCELED: 'CANCELED', FAILED: 'FAILED' }[
    job.state as 'FINISHED' | 'CANCELED' | 'FAILED'
  ];
  const newer = jm.options.version.startsWith('2.3');
  return {
    status: { id: 'COMPLETED' },
    'job-execution-result': {
      id: job.spec.jobId,
      ...(newer ? { name: job.spec.name } : {}),
      'application-status': outcome,
      'accumulator-results': {},
      'net-runtime': job.endedAt - job.startedAt,
      ...(newer ? { 'application-id': job.spec.jobId, 'start-time': job.startedAt, 'end-time': job.endedAt } : {}),
      ...(job.failure === undefined ? {} : { 'failure-cause': failure(job.failure) }),
    },
  };
}

function checkpointReads(
  job: SimulatedJob,
  third: string | undefined,
  fourth: string | undefined,
): RestAnswer | undefined {
  if (third === undefined) return ok(checkpoints(job));
  if (third === 'config') return ok(checkpointsConfig(job));
  if (third !== 'details') return undefined;
  const one = job.checkpoints.find((record) => String(record.id) === fourth);
  if (one === undefined) return refused(404, `Could not find checkpointing statistics for checkpoint ${fourth}.`);
  return ok(checkpoint(job, one, true));
}

function vertexReads(
  call: Call,
  job: SimulatedJob,
  third: string | undefined,
  fourth: string | undefined,
): RestAnswer | undefined {
  const vertex = shape.vertices.find((one) => one.id === third);
  if (vertex === undefined) return notFound(`JobVertex ${third} not found`);
  if (fourth === undefined) return ok(shape.vertexDetails(call.jm, job, vertex));
  if (fourth === 'watermarks' || fourth === 'metrics') return ok([]);
  if (fourth === 'subtasks') return ok([]);
  if (fourth === 'backpressure')
    return ok({ status: 'deprecated', backpressureLevel: 'ok', 'end-timestamp': call.jm.timers.now(), subtasks: [] });
  return undefined;
}

function requirements(method: string, call: Call, job: SimulatedJob): RestAnswer | undefined {
  if (method === 'GET') {
    if (!job.spec.adaptive) {
      return internal(
        'java.lang.UnsupportedOperationException: The DefaultScheduler does not support changing the parallelism without a job restart. This feature is currently only expected to work with the AdaptiveScheduler.',
      );
    }
    const all = { lowerBound: 1, upperBound: job.wantedParallelism };
    return ok(
      Object.fromEntries(shape.vertices.map(({ id }) => [id, { parallelism: job.requirements.get(id) ?? all }])),
    );
  }
  if (method !== 'PUT') return undefined;
  const entries = Object.entries(call.body);
  if (entries.length === 0) return refused(400, 'Request body does not specify resource requirements.');
  let upper = 1;
  const asked = new Map<string, { lowerBound: number; upperBound: number }>();
  for (const [id, value] of entries) {
    const { lowerBound = 1, upperBound = 1 } =
      (value as { parallelism?: { lowerBound?: number; upperBound?: number } }).parallelism ?? {};
    if (lowerBound > upperBound)
      return refused(
        400,
        `The requested lower bound [${lowerBound}] for job vertex [${id}] is higher than the upper bound [${upperBound}].`,
      );
    upper = Math.max(upper, upperBound);
    asked.set(id, { lowerBound, upperBound });
  }
  if (!job.spec.adaptive)
    return internal(
      'java.lang.UnsupportedOperationException: Cannot change the parallelism of a job running on the DefaultScheduler.',
    );
  job.requirements = asked;
  job.rescale(upper);
  return ok({});
}

function cancel(call: Call, id: string, job: SimulatedJob | undefined): RestAnswer {
  const mode = call.query.get('mode') ?? 'cancel';
  if (mode !== 'cancel' && mode !== 'stop') return badParameter('query', 'mode', mode);
  if (mode === 'stop')
    return refused(
      308,
      'The termination mode "stop" has been removed. For an ungraceful shutdown, please use "cancel" instead. For a graceful shutdown, please use "jobs/:jobId/stop" instead.',
    );
  if (job === undefined)
    return refused(
      404,
      'Job could not be found.',
      `org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job (${id})`,
    );
  if (job.state === 'FINISHED' || job.state === 'FAILED')
    return refused(
      409,
      `Job cancellation failed because the job has already reached another terminal state (${job.state}).`,
    );
  job.cancel();
  return ok({}, 202);
}
