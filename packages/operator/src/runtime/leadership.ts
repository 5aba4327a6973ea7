import type { FlinkConfig } from '@drey/flink';
import { operatorOptions } from '@drey/flink';
import { runElector, runShardElector, type Term } from '@drey/kube';
import { createOperator, type Operator, type OperatorEnv, type OperatorOptions } from './operator.ts';
import { SHARDS_ANNOTATION, shardOf } from './shards.ts';

/** The Lease that candidates for leadership share, and how long its terms are. Times in milliseconds. */
export interface Leadership {
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process, also after a restart. */
  readonly identity: string;
  readonly leaseMs: number;
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
  /** Into how many shards the work is divided among all candidates; 1: one of them does all of it. */
  readonly shards: number;
}

/** More would only make each share's queues emptier. */
const MAX_SHARDS = 64;

/** A configuration in which leader election, or sharing by it, is on but cannot work. */
export class LeadershipError extends Error {
  readonly code = 'E_OPERATOR_LEASE';
  readonly nextStep =
    `Set ${operatorOptions.leaderElectionEnabled.key} to true, ${operatorOptions.leaderElectionLeaseName.key} to a name, ${operatorOptions.leaderElectionShards.key} to 1–${MAX_SHARDS}, and ${operatorOptions.leaderElectionLeaseDuration.key} > ${operatorOptions.leaderElectionRenewDeadline.key} > ${operatorOptions.leaderElectionRetryPeriod.key}.`;
}

/** What the operator's configuration says about leader election; undefined when it is off. Throws {@link LeadershipError}. */
export function leadershipOf(
  options: FlinkConfig,
  who: { readonly namespace: string; readonly identity: string },
): Leadership | undefined {
  const shards = options.get(operatorOptions.leaderElectionShards);
  if (!(shards >= 1 && shards <= MAX_SHARDS))
    throw new LeadershipError(`The work cannot be divided into ${shards} shards.`);
  if (!options.get(operatorOptions.leaderElectionEnabled)) {
    // Several that share nothing but the number would all do everything.
    if (shards > 1) throw new LeadershipError('The work is to be shared, but leader election is off.');
    return undefined;
  }
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
  return { ...who, name, leaseMs, renewDeadlineMs, retryMs, shards };
}

/** Hears of the operator of this process: undefined when there is none any more. */
export type OnOperator = (operator: Operator | undefined) => void;

/** Why it ended. */
export type LeadershipEnd = 'stopped' | 'lost' | { readonly fault: unknown };

/**
 * Runs an operator that works while it holds the Lease, or, with several shards, on those that the Lease says are its own, until
 * `stop` or until the Lease is lost. A process that lost it should exit, as the Apache operator does: everything is in the cluster,
 * and another candidate goes on from there.
 *
 * Guarantees: the operator watches from the start, and works only during a term. When a term ends by a loss, nothing is written any
 * more from that moment on, whatever was under way; when it ends by `stop`, or since another process is to have the shard,
 * running passes end first and it is given back, so that the next candidate need not wait.
 */
export async function runElected(
  env: OperatorEnv,
  options: OperatorOptions,
  leadership: Leadership,
  stop: AbortSignal,
  onOperator: OnOperator = () => undefined,
): Promise<LeadershipEnd> {
  const operator = createOperator(env, { ...options, standby: true });
  const halted = new AbortController();
  let fault: { readonly fault: unknown } | undefined;
  void operator.ended.then((end) => {
    if (end.kind === 'fault') fault = { fault: end.error };
    halted.abort(new Error('the operator has ended'));
  });
  onOperator(operator);
  // A start that is interrupted is no failure; what else ends it is told by `ended`.
  const started = operator.start().catch(() => undefined);
  let end: 'stopped' | 'lost' = 'lost';
  try {
    end = await elect(env, operator, leadership, AbortSignal.any([stop, halted.signal]));
  } finally {
    onOperator(undefined);
    await operator.stop(end === 'lost' ? { graceMs: 0 } : {});
    await started;
  }
  return fault ?? end;
}

/** Works on what this process holds, until it is stopped or loses it. */
async function elect(
  { clock, random, kube, log, metrics }: OperatorEnv,
  operator: Operator,
  leadership: Leadership,
  stop: AbortSignal,
): Promise<'stopped' | 'lost'> {
  const { name, namespace, identity, shards } = leadership;
  const lease = `${namespace}/${name}`;
  const work = (term: Term, owns: (key: string) => boolean): Promise<void> =>
    operator.work({
      owns,
      epoch: () => term.epoch,
      permit: () => term.check(),
      signal: term.signal,
      graceMs: () => (term.lost.aborted ? 0 : Number.POSITIVE_INFINITY),
    });
  const options = { ...leadership, client: kube, clock, random };
  const told = {
    following: (holder: string) => log.info({ lease, holder }, 'another process leads'),
    failed: (error: unknown) => log.warn({ lease, err: error }, 'the Lease could not be read or renewed'),
  };
  if (shards === 1) {
    const observer = {
      ...told,
      leading: (epoch: number) => log.info({ lease, identity, epoch }, 'this process leads'),
      ended: (reason: string) => log.info({ lease, identity, reason }, 'this process no longer leads'),
    };
    const end = await runElector({ ...options, lead: (term) => work(term, () => true), observer }, stop);
    return end === 'lost' ? 'lost' : 'stopped';
  }
  const observer = {
    ...told,
    leading: (shard: number, epoch: number) => {
      metrics?.shards.inc();
      log.info({ lease, identity, shard, epoch }, 'this process works on a shard');
    },
    ended: (shard: number, reason: string) => {
      metrics?.shards.dec();
      log.info({ lease, identity, shard, reason }, 'this process no longer works on a shard');
    },
  };
  const lead = (shard: number, term: Term): Promise<void> => work(term, (key) => shardOf(key, shards) === shard);
  return runShardElector({ ...options, annotation: SHARDS_ANNOTATION, lead, observer }, stop);
}
