import type { FlinkStateSnapshot, SnapshotState } from '@drey/api';
import { snapshotType, TRIGGER_TYPE_LABEL } from '../job/snapshots/snapshot-object.ts';

/** The object with the job, as labels name it. */
export interface LabelledJob {
  readonly kind: string;
  readonly name: string;
}

/**
 * The labels that snapshots are selected by (reference: snapshots.md 9). The reason is kept as it is; a snapshot without one is
 * a person's. Values that are no label, for instance of a job with a very long name, are left out by whoever writes them.
 */
export function snapshotLabels(
  snapshot: FlinkStateSnapshot,
  state: SnapshotState | null | undefined,
  job: LabelledJob | undefined,
): Record<string, string> {
  // A status without a state is that of a snapshot which waits to be triggered.
  const shown = state ?? (snapshot.status ? 'TRIGGER_PENDING' : undefined);
  return {
    'snapshot.type': snapshotType(snapshot),
    [TRIGGER_TYPE_LABEL]: snapshot.metadata.labels?.[TRIGGER_TYPE_LABEL] ?? 'MANUAL',
    ...(shown === undefined ? {} : { 'snapshot.state': shown }),
    ...(job === undefined ? {} : { 'job-reference.kind': job.kind, 'job-reference.name': job.name }),
  };
}

/** Longest value of a label. */
const VALUE_LIMIT = 63;

/** The labels that are to be written: those that differ, and that the API server takes. */
export function changedLabels(
  labels: Readonly<Record<string, string>>,
  current: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).filter(([key, value]) => value !== current?.[key] && value.length <= VALUE_LIMIT),
  );
}
