import type { Told } from './conditions.ts';
import { type CurrentOperation, elapsedMs } from './operation.ts';
import type { PlannedEvent, WakeUp } from './planned.ts';
import { SAVEPOINT_RETRY_MS } from './stop.ts';
import { after } from './wake-up.ts';

const WAITING_MS = 500;

/** The running job is brought down for a change. */
export const SUSPENDED: PlannedEvent = {
  type: 'Normal',
  reason: 'Suspended',
  message: 'Suspending existing deployment.',
  component: 'JobManagerDeployment',
};

/** What an upgrade that has to wait tells, and when it is looked at again. */
export function whileUpgradeWaits(reason: string): { readonly progress: Told; readonly wakeUp: WakeUp } {
  return {
    progress: { reason: 'UpgradePending', message: `The upgrade waits: ${reason}.` },
    wakeUp: after(WAITING_MS),
  };
}

/** A job whose savepoint failed is left alone for a while; undefined: that is over, and it is decided afresh. */
export function whileSavepointRests(
  operation: CurrentOperation,
  now: number,
): { readonly progress: Told; readonly wakeUp: WakeUp } | undefined {
  const left = SAVEPOINT_RETRY_MS - elapsedMs(operation, now);
  if (left <= 0) return undefined;
  return {
    progress: { reason: 'SavepointError', message: 'The savepoint failed and will be tried again.' },
    wakeUp: after(left),
  };
}
