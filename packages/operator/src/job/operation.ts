import type { Operation } from '@drey/api';
import type { JobResourceStatus } from './resource.ts';

/**
 * What is being done to a deployment:
 * - deploy: the first start, or a start after a suspension; upgrade: replacement by a changed spec;
 * - suspend: bring the job down and leave it so; recover: replace a lost or failed cluster by the same spec;
 * - redeploy: start anew from a savepoint the user named; expire: remove the idle cluster of a job that is over;
 * - rollback: put the last spec that ran well back in the place of one that does not;
 * - rescale: other parallelisms of the running job, in place;
 * - delete: remove everything.
 */
export type OperationKind =
  | 'deploy'
  | 'upgrade'
  | 'suspend'
  | 'recover'
  | 'redeploy'
  | 'expire'
  | 'rollback'
  | 'rescale'
  | 'delete';

/**
 * How far an operation has come. `stopping` and `cancelling` act on the running job, `removing` takes the cluster away,
 * `leaving` too, but leaves what its job could be taken up from,
 * `deploying` creates the new one, or brings a session job's jar to its cluster, `submitting` runs that jar, `rescaling` asks the running job. `failed`: the job could not be stopped and goes on running.
 */
export type OperationPhase =
  | 'stopping'
  | 'cancelling'
  | 'removing'
  | 'leaving'
  | 'deploying'
  | 'submitting'
  | 'rescaling'
  | 'failed';

/** The intent record with the values this package writes. */
export interface CurrentOperation extends Operation {
  readonly kind: OperationKind;
  readonly phase: OperationPhase;
}

const KINDS: readonly string[] = [
  'deploy',
  'upgrade',
  'suspend',
  'recover',
  'redeploy',
  'expire',
  'rollback',
  'rescale',
  'delete',
];
const PHASES: readonly string[] = [
  'stopping',
  'cancelling',
  'removing',
  'leaving',
  'deploying',
  'submitting',
  'rescaling',
  'failed',
];

/** The operation in a status; undefined when there is none, or one of a form this version does not know. */
export function currentOperation(operation: Operation | null | undefined): CurrentOperation | undefined {
  if (operation === null || operation === undefined) return undefined;
  if (!KINDS.includes(operation.kind) || !PHASES.includes(operation.phase ?? '')) return undefined;
  return operation as CurrentOperation;
}

/**
 * The job that an object is about: the one that is brought down or started, else the one of its status. The target of a
 * snapshot that is being asked for is no job.
 */
export function followedJob(status: Pick<JobResourceStatus, 'operation' | 'jobStatus'>): string | undefined {
  return currentOperation(status.operation)?.target ?? status.jobStatus?.jobId ?? undefined;
}

/** What a new record is made from. */
export interface OperationContext {
  readonly now: number;
  readonly world: { readonly epoch: number; readonly fresh: { readonly operationId: string } };
}

/** A new record; `target` is the job that is brought down or started. */
export function beginOperation(
  context: OperationContext,
  kind: OperationKind,
  phase: OperationPhase,
  target?: string | null,
): CurrentOperation {
  const { world, now } = context;
  return {
    id: world.fresh.operationId,
    kind,
    ...(target === undefined || target === null ? {} : { target }),
    epoch: world.epoch,
    phase,
    startedAt: new Date(now).toISOString(),
  };
}

/** Milliseconds since the operation began. */
export function elapsedMs(operation: Operation, now: number): number {
  const started = Date.parse(operation.startedAt ?? '');
  return Number.isNaN(started) ? 0 : now - started;
}

/**
 * True when a newer leader recorded the operation: this process must not touch it. Without leader election (epoch 0) there is no
 * other process, and what an elected one left is taken up.
 */
export function isOfLaterLeader(operation: Operation | null | undefined, epoch: number): boolean {
  return epoch > 0 && (operation?.epoch ?? 0) > epoch;
}
