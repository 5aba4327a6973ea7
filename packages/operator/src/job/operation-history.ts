import type { PastOperation } from '@drey/api';
import { currentOperation, type OperationKind } from './operation.ts';
import type { JobResourceStatus } from './resource.ts';
import { isTerminal } from './upgrade-choice.ts';

/** How many are kept; expectations need no more. */
const KEPT = 5;
/** Operations that take a running job down and bring it up again. */
const INTERRUPTING: readonly OperationKind[] = ['upgrade', 'redeploy', 'recover'];

/**
 * A status with the operations that interrupted its job, newest first: when each began, when the job was down, and when it was
 * seen to run again. What `drey plan` expects of the next one rests on these. It changes only in writes that are made anyway.
 */
export function withHistory<S extends JobResourceStatus>(
  before: JobResourceStatus | undefined,
  after: S,
  now: number,
): S {
  const past = before?.lastOperations ?? [];
  const next = historyOf(past, after, now);
  return next.length === 0 ? after : { ...after, lastOperations: [...next] };
}

/** Whether the job was not seen to run again since it was brought down last. */
export function isStillDown({ lastOperations }: JobResourceStatus): boolean {
  const newest = lastOperations?.[0];
  return newest !== undefined && !hasText(newest.upAt);
}

/**
 * Whether the spec that is recorded as stable was never seen to run: a redeployment records its spec as stable at once, as
 * the Apache operator does, since what ran before is not what its user wants any more.
 */
export function isStableUnproven(status: JobResourceStatus): boolean {
  const { lastReconciledSpec, lastStableSpec } = status.reconciliationStatus ?? {};
  const isRedeployed = isStillDown(status) && status.lastOperations?.[0]?.kind === 'redeploy';
  return isRedeployed && lastReconciledSpec === lastStableSpec;
}

function historyOf(past: readonly PastOperation[], status: JobResourceStatus, now: number): readonly PastOperation[] {
  const [newest, ...older] = past;
  const operation = currentOperation(status.operation);
  const isOpen = newest !== undefined && !hasText(newest.upAt);
  const at = new Date(now).toISOString();
  if (operation !== undefined) {
    const down = operation.phase === 'removing' || operation.phase === 'deploying';
    // Whoever redeploys while the job is down begins anew, whatever brought it down.
    if (isOpen && down && operation.kind === 'redeploy') return [{ ...newest, kind: operation.kind }, ...older];
    if (isOpen || !down || !INTERRUPTING.includes(operation.kind)) return past;
    const begun: PastOperation = { kind: operation.kind, startedAt: operation.startedAt ?? at, downAt: at };
    return [begun, ...past].slice(0, KEPT);
  }
  if (!isOpen) return past;
  const state = status.jobStatus?.state ?? undefined;
  if (state === 'RUNNING') return [{ ...newest, upAt: at }, ...older];
  // A job that ended, or was suspended, before it was seen to run tells nothing about the next one.
  return isTerminal(state) ? older : past;
}

function hasText(text: string | null | undefined): boolean {
  return text !== undefined && text !== null && text !== '';
}

/** How long the job was down in each of these, in milliseconds, newest first; those that have not ended are left out. */
export function downtimes(past: readonly PastOperation[]): readonly number[] {
  return past
    .map(({ downAt, upAt }) => Date.parse(upAt ?? '') - Date.parse(downAt ?? ''))
    .filter((ms) => Number.isFinite(ms) && ms >= 0);
}
