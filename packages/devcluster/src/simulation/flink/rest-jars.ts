import { FlinkConfig } from '@drey/flink';
import { type JobManagerOptions, uuid } from './jobmanager.ts';
import { simulatedOptions } from './mounted-config.ts';
import { randomHex } from './random-hex.ts';
import { type Call, text } from './rest-call.ts';
import { badBody, internal, ok, type RestAnswer, refused } from './rest-errors.ts';
import * as shape from './rest-shapes.ts';
import { vertexParallelism } from './vertex-parallelism.ts';

/** `/jars`: upload, list, delete, run and plan. */
export function jars(method: string, call: Call): RestAnswer | undefined {
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
  const config = configurationOf(body.flinkConfiguration);
  const defaults = { ...jm.options.jobDefaults, ...jobOptions(config) };
  const asked = { jobId, name, savepointPath, ...vertexParallelism(config, parallelism) };
  jm.submit({ ...asked, adaptive: jm.options.adaptive, ...defaults });
  // The default scheduler reads the savepoint while the client waits; the adaptive one later, in the running job.
  const missing = savepointPath !== undefined && jm.options.storage.find(savepointPath) === undefined;
  if (missing && !jm.options.adaptive)
    return failed(
      `java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '${savepointPath}' on file system 'file'.`,
    );
  return ok({ jobid: jobId, ...(jm.options.version.startsWith('2.3') ? { applicationId: jobId } : {}) });
}

/** The configuration in a request to run a jar. */
function configurationOf(given: unknown): FlinkConfig {
  const entries = typeof given === 'object' && given !== null ? Object.entries(given) : [];
  return FlinkConfig.of(Object.fromEntries(entries.map(([key, value]) => [key, String(value)])));
}

/** What the configuration in a request to run a jar says about the job; it wins over that of the cluster. */
function jobOptions(config: FlinkConfig): Partial<JobManagerOptions['jobDefaults']> {
  const { checkpointInterval, checkpointDir, retention } = simulatedOptions;
  return {
    ...(config.has(checkpointInterval) ? { checkpointIntervalMs: config.get(checkpointInterval) } : {}),
    ...(config.has(checkpointDir) ? { checkpointDir: config.get(checkpointDir) } : {}),
    ...(config.has(retention) ? { retainOnCancellation: config.get(retention) === 'RETAIN_ON_CANCELLATION' } : {}),
  };
}
