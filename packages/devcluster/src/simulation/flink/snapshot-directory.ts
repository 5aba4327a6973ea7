import type { Random } from '@drey/kube';
import type { CheckpointRecord } from './job-records.ts';
import { randomHex } from './random-hex.ts';

/** Where a snapshot is written, as Flink names it; undefined: into the JobManager's memory. */
export function directoryOf(
  record: CheckpointRecord,
  jobId: string,
  directory: string | undefined,
  random: Random,
): string | undefined {
  if (directory === undefined) return undefined;
  const base = directory.replace(/^file:\/*/, 'file:/').replace(/\/+$/, '');
  if (!record.savepoint) return `${base}/${jobId}/chk-${record.id}`;
  return `${base}/savepoint-${jobId.slice(0, 6)}-${randomHex(random, 12)}`;
}
