import { type FlinkStateSnapshot, FlinkStateSnapshots } from '@drey/api';
import type { KubeClient } from '@drey/kube';
import { age, columns } from '../output/columns.ts';
import { SESSION_JOB_PREFIX } from './summary.ts';

/** What comes before the name of a snapshot. */
export const SNAPSHOT_PREFIX = 'snapshot/';

/** The snapshots of a namespace, or of all; of one job when that is named as `drey get` names it. Newest first. */
export async function listSnapshots(
  client: KubeClient,
  scope: { readonly namespace?: string },
  job: string | undefined,
): Promise<readonly FlinkStateSnapshot[]> {
  const { items } = await client.list(FlinkStateSnapshots, scope);
  const created = ({ metadata }: FlinkStateSnapshot): number => Date.parse(metadata.creationTimestamp ?? '') || 0;
  return items
    .filter((one) => job === undefined || jobOf(one) === job)
    .sort((left, right) => created(right) - created(left));
}

/** The table of `drey get --snapshots`. */
export function snapshotTable(items: readonly FlinkStateSnapshot[], now: number): string {
  if (items.length === 0) return 'no snapshots here\n';
  const rows = items.map((one) => {
    const { metadata, spec, status } = one;
    const created = Date.parse(metadata.creationTimestamp ?? '');
    const type = spec.savepoint === undefined || spec.savepoint === null ? 'checkpoint' : 'savepoint';
    const told = status?.state === 'COMPLETED' ? (status.path ?? '') : (status?.summary ?? '');
    const state = status?.state ?? 'TRIGGER_PENDING';
    return [SNAPSHOT_PREFIX + metadata.name, jobOf(one), type, state, age(created, now), told];
  });
  return columns(['NAME', 'JOB', 'TYPE', 'STATE', 'AGE', 'PATH OR MESSAGE'], rows);
}

function jobOf({ spec }: FlinkStateSnapshot): string {
  const { kind, name } = spec.jobReference ?? {};
  if (typeof name !== 'string') return '-';
  return kind === 'FlinkSessionJob' ? SESSION_JOB_PREFIX + name : name;
}
