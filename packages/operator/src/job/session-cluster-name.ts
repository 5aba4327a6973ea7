import type { FlinkSessionJob } from '@drey/api';
import { lastReconciled } from './recorded-spec.ts';

/**
 * Name of the session cluster that a job is on: the one it was submitted to, whatever its spec says since, because a job never
 * moves. Asked elsewhere, Flink would not know the job, and one that still runs would be taken for lost. Before anything was
 * done, and where the record cannot be read (then nothing is done), the one that the spec names.
 */
export function sessionClusterName({ spec, status }: Pick<FlinkSessionJob, 'spec' | 'status'>): string {
  return recordedName(status) ?? spec.deploymentName ?? '';
}

function recordedName(status: FlinkSessionJob['status']): string | undefined {
  try {
    return lastReconciled<'FlinkSessionJob'>(status ?? {})?.spec?.deploymentName ?? undefined;
  } catch {
    return undefined; // the pass over the object says what is wrong with it
  }
}
