import type { FlinkStateSnapshot } from '@drey/api';
import type { Env, FlinkCall, FlinkCluster } from '../../runtime/ports.ts';
import type { JobKind, JobResourceStatus } from '../resource.ts';
import type { SnapshotReadings } from './input.ts';
import { referencesOf, type StateReference } from './references.ts';
import { isUnderWay, pendingTrigger } from './snapshot-memory.ts';

/** The object whose job's snapshots are read. */
export interface SnapshotSubject {
  readonly kind: JobKind;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
  readonly status?: JobResourceStatus;
}

/**
 * Reads what decisions about a job's snapshots rest on: the objects from the cache, and from Flink only what the status says
 * is under way. Never rejects. `flink` is undefined where it is not to be asked.
 */
export async function readSnapshots(
  env: Env,
  subject: SnapshotSubject,
  flink: FlinkCluster | undefined,
  call: FlinkCall,
): Promise<SnapshotReadings> {
  const { namespace = '', name = '' } = subject.metadata;
  const { snapshots } = env.caches;
  const status = subject.status ?? {};
  const jobId = status.jobStatus?.jobId ?? '';
  const savepointId = pendingTrigger(status, 'SAVEPOINT').triggerId ?? '';
  const checkpointId = pendingTrigger(status, 'CHECKPOINT').triggerId ?? '';
  const [savepoint, checkpoint] = await Promise.all([
    isUnderWay(status, 'SAVEPOINT') ? flink?.savepoint(jobId, savepointId, call) : undefined,
    isUnderWay(status, 'CHECKPOINT') ? flink?.checkpoint(jobId, checkpointId, call) : undefined,
  ]);
  const objects = snapshots.byIndex('job', `${subject.kind}/${namespace}/${name}`) as FlinkStateSnapshot[];
  const history = status.jobStatus?.savepointInfo?.savepointHistory ?? [];
  return {
    objects: snapshots.listed(namespace) ? objects : undefined,
    savepoint,
    checkpoint,
    // Looked for only where something may be deleted.
    references: objects.length > 0 || history.length > 0 ? references(env, namespace) : [],
  };
}

/** What the objects with jobs in a namespace name as places of state. */
export function references(env: Pick<Env, 'caches'>, namespace: string): StateReference[] {
  const { flinkDeployments, sessionJobs } = env.caches;
  return [...flinkDeployments.list(namespace), ...sessionJobs.list(namespace)].flatMap(referencesOf);
}
