import type { FlinkConfig } from '@drey/flink';
import { operatorOptions } from '@drey/flink';
import { runElector, type Term } from '@drey/kube';
import { createOperator, type Operator, type OperatorEnv, type OperatorOptions } from './operator.ts';

/** The Lease that candidates for leadership share, and how long its terms are. Times in milliseconds. */
export interface Leadership {
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process, also after a restart. */
  readonly identity: string;
  readonly leaseMs: number;
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
}

/** A configuration in which leader election is on but cannot work. */
export class LeadershipError extends Error {
  readonly code = 'E_OPERATOR_LEASE';
  readonly nextStep =
    `Set ${operatorOptions.leaderElectionLeaseName.key} to a name, and ${operatorOptions.leaderElectionLeaseDuration.key} > ${operatorOptions.leaderElectionRenewDeadline.key} > ${operatorOptions.leaderElectionRetryPeriod.key}.`;
}

/** What the operator's configuration says about leader election; undefined when it is off. Throws {@link LeadershipError}. */
export function leadershipOf(
  options: FlinkConfig,
  who: { readonly namespace: string; readonly identity: string },
): Leadership | undefined {
  if (!options.get(operatorOptions.leaderElectionEnabled)) return undefined;
  const name = options.get(operatorOptions.leaderElectionLeaseName)?.trim() ?? '';
  const leaseMs = options.get(operatorOptions.leaderElectionLeaseDuration);
  const renewDeadlineMs = options.get(operatorOptions.leaderElectionRenewDeadline);
  const retryMs = options.get(operatorOptions.leaderElectionRetryPeriod);
  if (name === '') throw new LeadershipError('Leader election is on, but the Lease has no name.');
  if (!(leaseMs > renewDeadlineMs && renewDeadlineMs > retryMs && retryMs > 0)) {
    throw new LeadershipError(
      `A term of ${leaseMs} ms cannot be held by renewing it every ${retryMs} ms for at most ${renewDeadlineMs} ms.`,
    );
  }
  return { ...who, name, leaseMs, renewDeadlineMs, retryMs };
}

/** Hears of the operator of each term: undefined while this process does not lead. */
export type OnOperator = (operator: Operator | undefined) => void;

/** Why leading ended. */
export type LeadershipEnd = 'stopped' | 'lost' | { readonly fault: unknown };

/**
 * Waits for the Lease, runs an operator while it is held, and tells why that ended. A process that lost it should exit, as the
 * Apache operator does: everything is in the cluster, and another candidate goes on from there.
 *
 * Guarantees: an operator exists only during a term. When the term ends by a loss, nothing is written any more from that moment
 * on, whatever was under way; when it ends by `stop`, running passes end first and the Lease is given back, so that the next
 * candidate need not wait.
 */
export async function runElected(
  env: OperatorEnv,
  options: OperatorOptions,
  leadership: Leadership,
  stop: AbortSignal,
  onOperator: OnOperator = () => undefined,
): Promise<LeadershipEnd> {
  const { clock, random, kube, log } = env;
  const { name, namespace, identity } = leadership;
  const lease = `${namespace}/${name}`;
  let failure: { readonly fault: unknown } | undefined;
  const end = await runElector(
    {
      ...leadership,
      ...{ client: kube, clock, random },
      lead: async (term) => {
        failure = await leadOnce(env, options, term, stop, onOperator);
      },
      observer: {
        leading: (epoch) => log.info({ lease, identity, epoch }, 'this process leads'),
        following: (holder) => log.info({ lease, holder }, 'another process leads'),
        ended: (reason) => log.info({ lease, identity, reason }, 'this process no longer leads'),
        failed: (error) => log.warn({ lease, err: error }, 'the Lease could not be read or renewed'),
      },
    },
    stop,
  );
  return failure ?? (end === 'work ended' ? 'stopped' : end);
}

/** Runs an operator for as long as the term lasts. */
async function leadOnce(
  env: OperatorEnv,
  options: OperatorOptions,
  term: Term,
  stop: AbortSignal,
  onOperator: OnOperator,
): Promise<{ readonly fault: unknown } | undefined> {
  const operator = createOperator(env, { ...options, epoch: () => term.epoch, permit: () => term.check() });
  const over = new Promise<void>((resolve) => {
    if (term.signal.aborted) resolve();
    else term.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  onOperator(operator);
  try {
    // A start that the end of the term interrupts is no failure.
    const started = operator.start().catch(() => undefined);
    await Promise.race([started, over]);
    const ended = await Promise.race([operator.ended, over]);
    return ended?.kind === 'fault' ? { fault: ended.error } : undefined;
  } finally {
    onOperator(undefined);
    await operator.stop(stop.aborted ? {} : { graceMs: 0 });
  }
}
