import { uuid } from './jobmanager.ts';
import { randomHex } from './random-hex.ts';
import { type Call, text } from './rest-call.ts';
import { badBody, internal, ok, type RestAnswer, refused } from './rest-errors.ts';
import * as shape from './rest-shapes.ts';

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
  jm.submit({ jobId, name, parallelism, savepointPath, adaptive: jm.options.adaptive, ...jm.options.jobDefaults });
  // The default scheduler reads the savepoint while the client waits; the adaptive one later, in the running job.
  const missing = savepointPath !== undefined && jm.options.storage.find(savepointPath) === undefined;
  if (missing && !jm.options.adaptive)
    return failed(
      `java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '${savepointPath}' on file system 'file'.`,
    );
  return ok({ jobid: jobId, ...(jm.options.version.startsWith('2.3') ? { applicationId: jobId } : {}) });
}
