import type { FlinkDeployment, FlinkSessionJob } from '@drey/api';

/** A FlinkDeployment or a FlinkSessionJob in a few words. */
export interface Summary {
  /** Of session jobs with `sessionjob/` before it, as kubectl would take it. */
  readonly name: string;
  readonly lifecycle: string;
  readonly job: string;
  /** Undefined for session jobs, which have none of their own. */
  readonly jobManager?: string;
  /** What it waits for or what is wrong, in one line; empty when all is well. */
  readonly message: string;
}

/** What comes before the name of a session job. */
export const SESSION_JOB_PREFIX = 'sessionjob/';

/** Reduces an object to what a person looks for first. */
export function summarise(object: FlinkDeployment | FlinkSessionJob): Summary {
  const { status } = object;
  const name = object.metadata.name ?? '';
  return {
    name: object.kind === 'FlinkSessionJob' ? `${SESSION_JOB_PREFIX}${name}` : name,
    lifecycle: status?.lifecycleState ?? 'CREATED',
    job: status?.jobStatus?.state ?? '-',
    ...(object.kind === 'FlinkSessionJob'
      ? {}
      : { jobManager: object.status?.jobManagerDeploymentStatus ?? 'MISSING' }),
    message: problemOf(object),
  };
}

function problemOf(object: FlinkDeployment | FlinkSessionJob): string {
  const { status, metadata } = object;
  if (metadata.deletionTimestamp !== undefined) return 'being deleted';
  if (status?.error) return errorText(status.error);
  const waiting = status?.conditions?.find((one) => one.type === 'Reconciling' && one.status === 'True');
  if (waiting?.message) return waiting.message;
  const behind = status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation;
  return behind ? 'a newer spec is waiting to be taken up' : '';
}

/** The message inside `status.error`, which is JSON in most cases. */
function errorText(error: string): string {
  try {
    const parsed = JSON.parse(error) as { message?: unknown };
    return typeof parsed.message === 'string' ? firstLine(parsed.message) : firstLine(error);
  } catch {
    return firstLine(error); // plain text is allowed there too
  }
}

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
