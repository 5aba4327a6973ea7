import { type OperationFailure, parseFailure } from './jobs.ts';
import { asObject, BadAnswer, compact, type JsonObject, number, optionalObject, text } from './reader.ts';

/** The state of an asynchronous operation. Flink says COMPLETED for failures too; here they are told apart. */
export type Operation<T> =
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'completed'; readonly value: T }
  | {
      readonly kind: 'failed';
      readonly failure: OperationFailure;
      /** The savepoint that was completed although stopping the job failed. */
      readonly savepoint?: string;
    };

/** The id by which an operation is polled. */
export function parseTrigger(json: unknown): string {
  return text(asObject(json, 'the trigger'), 'request-id');
}

/** `GET /jobs/:jobid/savepoints/:triggerid`: the directory of the savepoint. */
export function parseSavepointOperation(json: unknown): Operation<string> {
  return parseOperation(json, 'failure-cause', (operation) => text(operation, 'location'));
}

/** `GET /jobs/:jobid/checkpoints/:triggerid`: the id of the checkpoint. */
export function parseCheckpointOperation(json: unknown): Operation<number> {
  return parseOperation(json, 'failureCause', (operation) => number(operation, 'checkpointId'));
}

/** `GET /savepoint-disposal/:triggerid`. */
export function parseDisposalOperation(json: unknown): Operation<undefined> {
  return parseOperation(json, 'failure-cause', () => undefined);
}

function parseOperation<T>(json: unknown, failureKey: string, read: (operation: JsonObject) => T): Operation<T> {
  const from = asObject(json, 'the operation');
  const status = text(asObject(from.status, 'status'), 'id');
  if (status === 'IN_PROGRESS') return { kind: 'in-progress' };
  if (status !== 'COMPLETED') throw new BadAnswer(`the operation has the unknown status ${status}`);
  const operation = optionalObject(from, 'operation') ?? {};
  const failure = parseFailure(operation[failureKey]);
  if (failure === undefined) return { kind: 'completed', value: read(operation) };
  return compact({ kind: 'failed' as const, failure, savepoint: savepointInFailure(failure) });
}

/**
 * The savepoint that a failed stop has left: Flink took it, but could not end the job afterwards, and names it only in the
 * message. It is consistent, though transactions of sinks may be uncommitted.
 */
export function savepointInFailure(failure: OperationFailure): string | undefined {
  if (!`${failure.className}\n${failure.stackTrace}`.includes('StopWithSavepointStoppingException')) return undefined;
  return /savepoint has been created at:?\s+([^\s,]+)/i.exec(failure.stackTrace)?.[1];
}
