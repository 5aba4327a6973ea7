import { sleep } from '@drey/kube';
import { failure } from '../status.ts';
import type { Call } from './context.ts';

/** How long a read waits for a resourceVersion that is not there yet. */
const PATIENCE_MS = 3_000;

/** Waits until the store has reached `revision`. Throws 504 when it does not within {@link PATIENCE_MS}. */
export async function waitForRevision({ core, request }: Call, revision: number): Promise<void> {
  if (core.store.revision >= revision) return;
  const reached = new AbortController();
  const stop = core.store.subscribe(undefined, (change) => {
    if (change.record.revision >= revision) reached.abort();
  });
  try {
    await sleep(core.clock, PATIENCE_MS, AbortSignal.any([reached.signal, request.signal]));
  } catch (error) {
    if (!reached.signal.aborted) throw error;
  } finally {
    stop();
  }
  if (core.store.revision >= revision) return;
  throw tooLarge(revision, core.store.revision);
}

export function tooLarge(revision: number, current: number): Error {
  return failure(
    {
      code: 504,
      reason: 'Timeout',
      message: `Timeout: Too large resource version: ${revision}, current: ${current}`,
      details: {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
    },
    { 'retry-after': '1' },
  );
}
