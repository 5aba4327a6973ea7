import type { FlinkStateSnapshot } from '@drey/api';
import { randomId } from '../job/fresh-ids.ts';
import { references } from '../job/snapshots/read.ts';
import type { StateReference } from '../job/snapshots/references.ts';
import { snapshotType } from '../job/snapshots/snapshot-object.ts';
import type { Env, FlinkCall, FlinkCluster } from '../runtime/ports.ts';
import { operationOf, statusOf } from './outcome.ts';
import type { FoundTarget } from './target.ts';
import type { SnapshotAnswers, SnapshotWorld } from './world.ts';

/** How long Flink may take to answer an observation. */
const OBSERVATION_TIMEOUT_MS = 3_000;

const NOT_ASKED: SnapshotAnswers = {
  savepoint: undefined,
  checkpoint: undefined,
  place: undefined,
  disposal: undefined,
  jobs: undefined,
};

/** Makes all readings for one snapshot. Rejects only when `signal` aborts. */
export async function observe(
  env: Env,
  snapshot: FlinkStateSnapshot,
  { target, flink }: FoundTarget,
  options: { readonly epoch: number; readonly signal: AbortSignal },
): Promise<SnapshotWorld> {
  const call: FlinkCall = { timeoutMs: OBSERVATION_TIMEOUT_MS, signal: options.signal };
  const jobId = target.kind === 'found' ? target.job.jobId : undefined;
  const answers = flink === undefined ? NOT_ASKED : await readFlink(flink, snapshot, jobId, call);
  options.signal.throwIfAborted();
  return {
    now: env.clock.now(),
    epoch: options.epoch,
    fresh: { operationId: randomId(env.random) },
    snapshot,
    target,
    flink: answers,
    references: snapshot.metadata.deletionTimestamp === undefined ? [] : referencesBeside(env, snapshot),
  };
}

async function readFlink(
  flink: FlinkCluster,
  snapshot: FlinkStateSnapshot,
  currentJobId: string | undefined,
  call: FlinkCall,
): Promise<SnapshotAnswers> {
  const status = statusOf(snapshot.status);
  const operation = operationOf(status);
  if (operation?.kind === 'dispose') {
    const id = operation.triggerId;
    return typeof id === 'string' ? { ...NOT_ASKED, disposal: await flink.disposal(id, call) } : NOT_ASKED;
  }
  const triggerId = operation?.id ?? (status.state === 'IN_PROGRESS' ? status.triggerId : undefined);
  // What another operator triggered does not say of which job it is.
  const jobId = operation?.target ?? currentJobId;
  if (status.state === 'TRIGGER_PENDING' && operation === undefined) {
    return { ...NOT_ASKED, jobs: await flink.jobs(call) };
  }
  if (typeof triggerId !== 'string' || typeof jobId !== 'string') return NOT_ASKED;
  if (snapshotType(snapshot) === 'SAVEPOINT') {
    return { ...NOT_ASKED, savepoint: await flink.savepoint(jobId, triggerId, call) };
  }
  const checkpoint = await flink.checkpoint(jobId, triggerId, call);
  const id =
    checkpoint.kind === 'ok' && checkpoint.value.kind === 'completed' ? checkpoint.value.checkpointId : undefined;
  return {
    ...NOT_ASKED,
    checkpoint,
    place: id === undefined ? undefined : await flink.checkpointPlace(jobId, id, call),
  };
}

/** What else names a place: jobs, and other snapshots of the same files. */
function referencesBeside(env: Env, snapshot: FlinkStateSnapshot): StateReference[] {
  const { namespace = '', name, uid } = snapshot.metadata;
  const others = env.caches.snapshots
    .list(namespace)
    .filter((one) => one.metadata.uid !== uid && one.metadata.name !== name)
    .filter((one) => one.metadata.deletionTimestamp === undefined && typeof one.status?.path === 'string')
    .map((one) => ({ path: one.status?.path ?? '', by: `FlinkStateSnapshot/${one.metadata.name ?? ''}` }));
  return [...references(env, namespace), ...others];
}
