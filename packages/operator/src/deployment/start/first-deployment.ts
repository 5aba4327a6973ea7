import type { UpgradeMode } from '@drey/api';
import { beginOperation } from '../../job/operation.ts';
import { withJob } from '../../job/status.ts';
import { ON_CHANGE } from '../../job/wake-up.ts';
import { type Context, isSuspended, jobOf, type Outcome } from '../context.ts';
import { nameTaken } from './foreign-cluster.ts';
import { startCluster } from './start.ts';

/**
 * The very first start. The user's upgrade mode does not matter yet: the job starts from `initialSavepointPath`, else
 * from empty state.
 */
export function firstDeployment(context: Context): Outcome {
  const { wanted, world, status } = context;
  if (isSuspended(wanted.spec)) return { status, wakeUp: ON_CHANGE };
  const existing = world.jobManager.known ? world.jobManager.value : undefined;
  if (existing !== undefined && existing.ownerUid !== wanted.metadata.uid) return nameTaken(context);
  const path = jobOf(wanted.spec).initialSavepointPath ?? undefined;
  const restore: UpgradeMode = path === undefined || path === '' ? 'stateless' : 'savepoint';
  const given = restore === 'savepoint' ? withJob(status, { upgradeSavepointPath: path ?? null }) : status;
  const outcome = startCluster(
    { ...context, status: given },
    beginOperation(context, 'deploy', 'deploying'),
    restore,
    true,
  );
  return { ...outcome, steps: [{ kind: 'add-finalizer' }, ...(outcome.steps ?? [])] };
}
