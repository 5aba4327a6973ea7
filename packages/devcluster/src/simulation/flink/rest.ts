import { randomHex, type SimulatedJob } from './job.ts';
import { type SimulatedJobManager, uuid } from './jobmanager.ts';
import type { OperationResult } from './operations.ts';
import { badBody, badParameter, internal, jobNotFound, notFound, ok, type RestAnswer, refused } from './rest-errors.ts';
import * as shape from './rest-shapes.ts';

type Body = Readonly<Record<string, unknown>>;

/** One request as the router sees it. */
interface Call {
  readonly jm: SimulatedJobManager;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly body: Body;
}

const hexId = /^[0-9a-fA-F]{32}$/;

/**
 * Answers a request as Flink's REST API does. A process that is dead or still starting does not come here: the caller then
 * refuses the connection.
 */
export function handleRest(jm: SimulatedJobManager, method: string, target: string, body: unknown): RestAnswer {
  const [path = '', search = ''] = target.split('?', 2);
  const parts = path
    .replace(/^\/v1(?=\/)/, '')
    .split('/')
    .filter(Boolean);
  const call: Call = { jm, parts, query: new URLSearchParams(search), body: isBody(body) ? body : {} };
  return route(method, call) ?? { status: 404, body: { errors: [`Unable to load requested file ${path}.`] } };
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function route(method: string, call: Call): RestAnswer | undefined {
  const { jm, parts } = call;
  const [first] = parts;
  const single = `${method} /${parts.join('/')}`;
  switch (single) {
    case 'GET /overview':
      return ok(overview(jm));
    case 'GET /config':
      return ok(config(jm));
    case 'GET /jobmanager/config':
      return ok([{ key: 'blob.server.port', value: '6124' }]);
    case 'GET /jobmanager/metrics':
      return ok(
        metrics(call, { numRegisteredTaskManagers: jm.taskManagers.size, 'Status.JVM.Memory.Heap.Used': 100_000_000 }),
      );
    case 'GET /jobs':
      return ok({ jobs: [...jm.jobs.values()].map((one) => ({ id: one.spec.jobId, status: one.state })) });
    case 'GET /jobs/overview':
      return ok({ jobs: [...jm.jobs.values()].map((one) => shape.jobOverview(jm, one)) });
    case 'GET /taskmanagers':
      return ok({ taskmanagers: [...jm.taskManagers.values()].map((one) => shape.taskManager(one, jm)) });
    case 'DELETE /cluster':
      jm.shutDown();
      return ok({});
    default:
  }
  if (first === 'jars' && jm.options.application === undefined) return jars(method, call);
  if (first === 'jobs') return jobs(method, call);
  if (first === 'savepoint-disposal') return disposal(method, call);
  return undefined;
}

function overview(jm: SimulatedJobManager): object {
  const states = [...jm.jobs.values()].map((one) => one.state);
  const number = (state: string): number => states.filter((one) => one === state).length;
  const ended = number('FINISHED') + number('CANCELED') + number('FAILED');
  return {
    taskmanagers: jm.taskManagers.size,
    'slots-total': jm.slotsTotal,
    'slots-available': jm.slotsFree,
    'jobs-running': states.length - ended,
    'jobs-finished': number('FINISHED'),
    'jobs-cancelled': number('CANCELED'),
    'jobs-failed': number('FAILED'),
    'flink-version': jm.options.version,
    'flink-commit': '0000000',
  };
}

function config(jm: SimulatedJobManager): object {
  return {
    'refresh-interval': 3000,
    'timezone-name': 'Coordinated Universal Time',
    'timezone-offset': 0,
    'flink-version': jm.options.version,
    'flink-revision': '0000000 @ 1970-01-01T00:00:00Z',
    features: { 'web-submit': true, 'web-cancel': true, 'web-rescale': true, 'web-history': false },
  };
}

function metrics(call: Call, known: Readonly<Record<string, number>>): object {
  const wanted = call.query.get('get');
  if (wanted === null) return Object.keys(known).map((id) => ({ id }));
  return wanted
    .split(',')
    .filter((id) => id in known)
    .map((id) => ({ id, value: String(known[id]) }));
}

function jobs(method: string, call: Call): RestAnswer | undefined {
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
  if (topic === 'resource-requirements') return requirements(method, call, job);
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
  if (third === undefined) return ok(shape.checkpoints(job));
  if (third === 'config') return ok(shape.checkpointsConfig(job));
  if (third !== 'details') return undefined;
  const one = job.checkpoints.find((record) => String(record.id) === fourth);
  if (one === undefined) return refused(404, `Could not find checkpointing statistics for checkpoint ${fourth}.`);
  return ok(shape.checkpoint(job, one, true));
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
    const bounds = { parallelism: { lowerBound: 1, upperBound: job.parallelism } };
    return ok(Object.fromEntries(shape.vertices.map(({ id }) => [id, bounds])));
  }
  if (method !== 'PUT') return undefined;
  const entries = Object.entries(call.body);
  if (entries.length === 0) return refused(400, 'Request body does not specify resource requirements.');
  let upper = 1;
  for (const [id, value] of entries) {
    const { lowerBound = 1, upperBound = 1 } =
      (value as { parallelism?: { lowerBound?: number; upperBound?: number } }).parallelism ?? {};
    if (lowerBound > upperBound)
      return refused(
        400,
        `The requested lower bound [${lowerBound}] for job vertex [${id}] is higher than the upper bound [${upperBound}].`,
      );
    upper = Math.max(upper, upperBound);
  }
  if (!job.spec.adaptive)
    return internal(
      'java.lang.UnsupportedOperationException: Cannot change the parallelism of a job running on the DefaultScheduler.',
    );
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

/** The trigger id of a request: its text, nothing, or the refusal of one that is no 32 hexadecimal digits. */
function triggerIdOf(call: Call, type: string): { id: string | undefined } | RestAnswer {
  const given = call.body.triggerId;
  if (given === undefined || given === null) return { id: undefined };
  if (typeof given === 'string' && hexId.test(given)) return { id: given };
  return badBody(
    type,
    `org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonMappingException: For input string: "${String(given).slice(0, 2)}" under radix 16`,
  );
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function triggerSavepoint(call: Call, id: string, job: SimulatedJob | undefined): RestAnswer {
  const trigger = triggerIdOf(call, 'SavepointTriggerRequestBody');
  if ('status' in trigger) return trigger;
  const directory = text(call.body['target-directory']) ?? call.jm.options.jobDefaults.savepointDir;
  if (directory === undefined)
    return refused(400, 'Config key [state.savepoints.dir] is not set. Property [target-directory] must be provided.');
  return startSnapshot(call, id, job, trigger.id, directory, 'savepoint');
}

function triggerStop(call: Call, id: string, job: SimulatedJob | undefined): RestAnswer {
  const trigger = triggerIdOf(call, 'StopWithSavepointRequestBody');
  if ('status' in trigger) return trigger;
  const directory = text(call.body.targetDirectory) ?? call.jm.options.jobDefaults.savepointDir;
  if (directory === undefined)
    return refused(400, 'Config key [state.savepoints.dir] is not set. Property [targetDirectory] must be provided.');
  return startSnapshot(call, id, job, trigger.id, directory, 'stop');
}

function startSnapshot(
  call: Call,
  id: string,
  job: SimulatedJob | undefined,
  trigger: string | undefined,
  directory: string,
  what: 'savepoint' | 'stop',
): RestAnswer {
  const { jm } = call;
  const requestId = jm.operations.trigger('savepoint', id, trigger, (finish) => {
    jm.options.storage.record({
      type: 'triggered',
      at: jm.timers.now(),
      clusterId: jm.options.clusterId,
      jobId: id,
      triggerId: trigger ?? '',
      what,
    });
    if (job === undefined)
      return finish({
        ok: false,
        error: `org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job (${id})`,
      });
    job.snapshot({ savepoint: true, stop: what === 'stop', directory }, (outcome) =>
      finish(
        'error' in outcome ? { ok: false, error: outcome.error } : { ok: true, value: { location: outcome.path } },
      ),
    );
  });
  return ok({ 'request-id': requestId }, 202);
}

function pollSavepoint(call: Call, id: string, trigger: string): RestAnswer {
  const result = call.jm.operations.poll('savepoint', id, trigger);
  if (result === 'unknown')
    return refused(404, `There is no savepoint operation with triggerId=${trigger} for job ${id}.`);
  return ok(operation(result, 'failure-cause'));
}

function triggerCheckpoint(call: Call, id: string, job: SimulatedJob | undefined): RestAnswer {
  const trigger = triggerIdOf(call, 'CheckpointTriggerRequestBody');
  if ('status' in trigger) return trigger;
  const requestId = call.jm.operations.trigger('checkpoint', id, trigger.id, (finish) => {
    if (job === undefined)
      return finish({
        ok: false,
        error: `org.apache.flink.runtime.messages.FlinkJobNotFoundException: Could not find Flink job (${id})`,
      });
    job.snapshot({ savepoint: false, stop: false, directory: job.spec.checkpointDir }, (outcome) =>
      finish(
        'error' in outcome
          ? { ok: false, error: outcome.error }
          : { ok: true, value: { checkpointId: outcome.checkpointId } },
      ),
    );
  });
  return ok({ 'request-id': requestId }, 202);
}

function pollCheckpoint(call: Call, id: string, trigger: string): RestAnswer {
  const result = call.jm.operations.poll('checkpoint', id, trigger);
  if (result === 'unknown')
    return refused(404, `There is no checkpoint operation with triggerId=${trigger} for job ${id}.`);
  return ok(operation(result, 'failureCause'));
}

function operation(result: 'pending' | OperationResult, failureKey: string): object {
  if (result === 'pending') return { status: { id: 'IN_PROGRESS' }, operation: null };
  return { status: { id: 'COMPLETED' }, operation: result.ok ? result.value : { [failureKey]: failure(result.error) } };
}

function failure(error: string): object {
  return { class: error.split(':')[0], 'stack-trace': error, 'serialized-throwable': 'rO0ABQ==' };
}

function disposal(method: string, call: Call): RestAnswer | undefined {
  const { jm, parts } = call;
  if (method === 'GET') {
    const result = jm.operations.poll('disposal', '', parts[1] ?? '');
    if (result === 'unknown')
      return notFound(
        'Operation not found under key: org.apache.flink.runtime.rest.handler.async.OperationKey@00000000',
      );
    return ok(operation(result, 'failure-cause'));
  }
  if (method !== 'POST') return undefined;
  const path = text(call.body['savepoint-path']);
  if (path === undefined) return refused(400, 'Field savepoint-path must not be omitted or be null.');
  // Flink ignores a chosen trigger id here, and answers 200.
  const requestId = jm.operations.trigger('disposal', '', undefined, (finish) => {
    const gone = jm.options.storage.remove(path);
    finish(
      gone
        ? { ok: true, value: {} }
        : {
            ok: false,
            error: `java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '${path}' on file system 'file'.`,
          },
    );
  });
  return ok({ 'request-id': requestId });
}

function jars(method: string, call: Call): RestAnswer | undefined {
  const { jm, parts } = call;
  const [, id, action] = parts;
  if (id === undefined && method === 'GET') {
    const files = [...jm.jars.values()].map((one) => ({
      id: one.id,
      name: one.name,
      uploaded: one.uploaded,
      entry: [],
    }));
    return ok({ address: `http://${jm.options.host}:8081`, files });
  }
  if (id === 'upload' && method === 'POST') return upload(call);
  if (id !== undefined && action === undefined && method === 'DELETE') {
    if (!jm.jars.delete(id)) return refused(400, `File ${id} does not exist in ${jm.uploadDir}.`);
    return ok({});
  }
  if (id !== undefined && method === 'POST' && (action === 'run' || action === 'plan')) return runJar(call, id, action);
  return undefined;
}

/** The multipart body is decoded by the transport in front; here it is its file name. */
function upload(call: Call): RestAnswer {
  const { jm, body } = call;
  const name = text(body.fileName) ?? 'job.jar';
  if (!name.endsWith('.jar')) return refused(400, 'Only Jar files are allowed.');
  const id = `${uuid(jm.options.random)}_${name}`;
  jm.jars.set(id, { id, name, uploaded: jm.timers.now() });
  return ok({ filename: `${jm.uploadDir}/${id}`, status: 'success' });
}

function runJar(call: Call, jarId: string, action: 'run' | 'plan'): RestAnswer {
  const { jm, body } = call;
  if (body.parallelism !== undefined && body.parallelism !== null && typeof body.parallelism !== 'number') {
    return badBody(
      'JarRunRequestBody',
      `org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.exc.InvalidFormatException: Cannot deserialize value of type \`java.lang.Integer\` from String "${String(body.parallelism)}"`,
    );
  }
  const completion = 'java.util.concurrent.CompletionException';
  if (!jm.jars.has(jarId))
    return internal(
      `${completion}: org.apache.flink.runtime.rest.handler.RestHandlerException: Jar file ${jm.uploadDir}/${jarId} does not exist`,
    );
  const entryClass = text(body.entryClass);
  if (entryClass?.startsWith('does.not.'))
    return internal(
      `${completion}: org.apache.flink.client.program.ProgramInvocationException: The program's entry point class '${entryClass}' was not found in the jar file.`,
    );
  const parallelism = typeof body.parallelism === 'number' ? body.parallelism : 1;
  const jobId = text(body.jobId) ?? randomHex(jm.options.random, 32);
  const name = 'State machine job';
  if (action === 'plan') return ok({ plan: shape.plan(jobId, name, parallelism) });
  const savepointPath = text(body.savepointPath);
  const failed = (cause: string): RestAnswer => refused(400, 'Could not execute application.', cause);
  if (jm.jobs.has(jobId))
    return failed('org.apache.flink.runtime.client.DuplicateJobSubmissionException: Job has already been submitted.');
  jm.submit({ jobId, name, parallelism, savepointPath, adaptive: jm.options.adaptive, ...jm.options.jobDefaults });
  // The default scheduler reads the savepoint while the client waits; the adaptive one later, in the running job.
  const missing = savepointPath !== undefined && jm.options.storage.find(savepointPath) === undefined;
  if (missing && !jm.options.adaptive)
    return failed(
      `java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '${savepointPath}' on file system 'file'.`,
    );
  return ok({ jobid: jobId, ...(jm.options.version.startsWith('2.3') ? { applicationId: jobId } : {}) });
}
