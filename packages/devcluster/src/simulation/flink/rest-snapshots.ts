import type { SimulatedJob } from './job.ts';
import type { OperationResult } from './operations.ts';
import { type Call, failure, hexId, text } from './rest-call.ts';
import { badBody, notFound, ok, type RestAnswer, refused } from './rest-errors.ts';

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

export function triggerSavepoint(call: Call, id: string, job: SimulatedJob | undefined): RestAnswer {
  const trigger = triggerIdOf(call, 'SavepointTriggerRequestBody');
  if ('status' in trigger) return trigger;
  const directory = text(call.body['target-directory']) ?? call.jm.options.jobDefaults.savepointDir;
  if (directory === undefined)
    return refused(400, 'Config key [state.savepoints.dir] is not set. Property [target-directory] must be provided.');
  return startSnapshot(call, id, job, trigger.id, directory, 'savepoint');
}

export function triggerStop(call: Call, id: string, job: SimulatedJob | undefined): RestAnswer {
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
    noteTrigger(call, id, trigger, what);
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

/** For whoever watches what is asked of Flink. */
function noteTrigger({ jm }: Call, jobId: string, triggerId: string | undefined, what: string): void {
  const { storage, clusterId } = jm.options;
  storage.record({ type: 'triggered', at: jm.timers.now(), clusterId, jobId, triggerId: triggerId ?? '', what });
}

export function pollSavepoint(call: Call, id: string, trigger: string): RestAnswer {
  const result = call.jm.operations.poll('savepoint', id, trigger);
  if (result === 'unknown')
    return refused(404, `There is no savepoint operation with triggerId=${trigger} for job ${id}.`);
  return ok(operation(result, 'failure-cause'));
}

export function triggerCheckpoint(call: Call, id: string, job: SimulatedJob | undefined): RestAnswer {
  const trigger = triggerIdOf(call, 'CheckpointTriggerRequestBody');
  if ('status' in trigger) return trigger;
  const requestId = call.jm.operations.trigger('checkpoint', id, trigger.id, (finish) => {
    noteTrigger(call, id, trigger.id, 'checkpoint');
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

export function pollCheckpoint(call: Call, id: string, trigger: string): RestAnswer {
  const result = call.jm.operations.poll('checkpoint', id, trigger);
  if (result === 'unknown')
    return refused(404, `There is no checkpoint operation with triggerId=${trigger} for job ${id}.`);
  return ok(operation(result, 'failureCause'));
}

function operation(result: 'pending' | OperationResult, failureKey: string): object {
  if (result === 'pending') return { status: { id: 'IN_PROGRESS' }, operation: null };
  return { status: { id: 'COMPLETED' }, operation: result.ok ? result.value : { [failureKey]: failure(result.error) } };
}

export function disposal(method: string, call: Call): RestAnswer | undefined {
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
    const { storage, clusterId } = jm.options;
    const gone = storage.remove(path);
    if (gone) storage.record({ type: 'disposed', at: jm.timers.now(), clusterId, path });
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
