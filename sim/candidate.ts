import { FlinkConfig } from '@drey/flink';
import type { Transport } from '@drey/kube';
import { type Leadership, leadershipOf, type Operator, runElected } from '@drey/operator';
import type { OperatorWorld } from './operator-world.ts';

/** The Lease that candidates share. */
export const LEASE = 'drey-lease';

/** An operator's configuration with leader election, its work divided into so many shards. */
export const electionConfig = (shards = 1): Record<string, string> => ({
  'kubernetes.operator.leader-election.enabled': 'true',
  'kubernetes.operator.leader-election.lease-name': LEASE,
  ...(shards === 1 ? {} : { 'kubernetes.operator.leader-election.shards': String(shards) }),
  'taskmanager.numberOfTaskSlots': '2',
});

/** One of several operators that share a Lease. */
export interface Candidate {
  readonly identity: string;
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
  /** What it wrote and when, but for the Lease. */
  readonly writes: { readonly at: number; readonly method: string; readonly path: string }[];
  operator: Operator | undefined;
  /** The network between it and the API server is cut. */
  cut: boolean;
}

/** Starts one. */
export function candidate(sim: OperatorWorld, identity: string, shards = 1): Candidate {
  const config = electionConfig(shards);
  const leadership = leadershipOf(FlinkConfig.of(config), { namespace: 'default', identity }) as Leadership;
  const counted = (transport: Transport): Transport => ({
    request: (request) => {
      const path = request.path.split('?', 1)[0] as string;
      if (request.method !== 'GET' && !path.includes('/leases'))
        made.writes.push({ at: sim.clock.monotonic(), method: request.method, path });
      // A cut network answers nothing at all.
      if (made.cut)
        return new Promise((_, reject) => request.signal?.addEventListener('abort', () => reject(new Error('cut'))));
      return transport.request(request);
    },
    close: () => transport.close(),
  });
  const stop = new AbortController();
  const made: Candidate = {
    ...{ identity, stop, writes: [], operator: undefined, cut: false },
    ended: Promise.resolve().then(() =>
      runElected(sim.env(identity, undefined, counted), { config }, leadership, stop.signal, (operator) => {
        made.operator = operator;
      }),
    ),
  };
  return made;
}
