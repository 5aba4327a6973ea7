import type { LastFailure } from '@drey/api';
import { type Answer, summarise } from '@drey/flink';
import { javaHashCode } from '../runtime/event-recorder.ts';
import type { FlinkException } from '../runtime/ports.ts';
import { sanitizedAnnotations } from './annotations.ts';
import type { PlannedEvent } from './planned.ts';
import type { JobResourceStatus } from './resource.ts';
import { withJob } from './status.ts';

/** How much of Flink's exceptions is told. */
export interface ExceptionLimits {
  /** Events in one pass. */
  readonly perPass: number;
  /** Lines of a stack in one event. */
  readonly stackLines: number;
  /** Longest text in the status, in UTF-16 code units. */
  readonly fieldLength: number;
}

export interface ExceptionsInput<S extends JobResourceStatus> {
  readonly status: S;
  /** Flink's history of the job's failures, newest first; undefined: not asked. */
  readonly exceptions: Answer<readonly FlinkException[]> | undefined;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly limits: ExceptionLimits;
  /** Cleans a text of another program of what must not be told. */
  readonly clean: (text: string) => string;
}

/** Of a job that was not followed before, what is older than this is history. */
const NEWS_MS = 30 * 60_000;

/**
 * Tells what Flink newly reports in its history of a job's failures: an event for each, as the Apache operator writes them
 * (reference: apache-operator.md 2.8 and 3.3), and the newest in the status, by which a later pass, also of another
 * process, knows what was told.
 */
export function withExceptions<S extends JobResourceStatus>(
  input: ExceptionsInput<S>,
): { readonly status: S; readonly events: readonly PlannedEvent[] } {
  const { status, exceptions, now, limits } = input;
  const jobId = status.jobStatus?.jobId ?? '';
  if (exceptions?.kind !== 'ok') return { status, events: [] };
  const told = status.jobStatus?.lastFailure;
  const since = told?.jobId === jobId ? Date.parse(told.time) : now - NEWS_MS;
  const news = exceptions.value.filter(({ time }) => time > since).slice(0, limits.perPass);
  const [newest] = news;
  if (newest === undefined) return { status, events: [] };
  return {
    status: withJob(status, { lastFailure: failureOf(newest, jobId, input) }),
    events: news.toReversed().map((one) => eventOf(one, input)),
  };
}

function failureOf<S extends JobResourceStatus>(
  { exception, stackTrace, time, task, endpoint, taskManagerId }: FlinkException,
  jobId: string,
  { limits, clean }: ExceptionsInput<S>,
): LastFailure {
  const taskManager = endpoint ?? taskManagerId;
  return {
    ...{ jobId, time: new Date(time).toISOString(), exception },
    message: clean(summarise(stackTrace)).slice(0, limits.fieldLength),
    ...(task === undefined ? {} : { task }),
    ...(taskManager === undefined ? {} : { taskManager }),
  };
}

function eventOf<S extends JobResourceStatus>(
  { stackTrace, time, task, endpoint, taskManagerId, labels }: FlinkException,
  { limits, clean }: ExceptionsInput<S>,
): PlannedEvent {
  const lines = clean(stackTrace.trimEnd()).split('\n');
  const more = lines.length - limits.stackLines;
  const shown = lines.slice(0, limits.stackLines).map((line) => `${line}\n`);
  const text = [...shown, ...(more > 0 ? [`... (${more} more lines)`] : [])].join('');
  const where = Object.entries({ 'task-name': task, endpoint, 'tm-id': taskManagerId }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return {
    type: 'Warning',
    reason: 'JobException',
    message: text.trim(),
    key: exceptionKey(text),
    component: 'Job',
    annotations: sanitizedAnnotations({
      'exception-timestamp': new Date(time).toISOString(),
      ...Object.fromEntries(where),
      ...Object.fromEntries(Object.entries(labels).map(([name, label]) => [`failure-label-${name}`, label])),
    }),
  };
}

/** What the Apache operator tells the events of failures apart by. */
export function exceptionKey(text: string): string {
  return `jobmanager-exception-${((31 + javaHashCode(text)) >>> 0).toString(16)}`;
}
