import { exactInteger } from '@drey/api';
import { fabricAddress, fabricTransport, type SimulatedWorld } from '@drey/devcluster/testing';
import { type FlinkTransport, TransportFailure } from '@drey/flink';
import { createKubeClient } from '@drey/kube';
import { createOperator, operatorLogger, shardOf } from '@drey/operator';
import type { ProcessScope } from './scope.ts';

const OPERATOR_USER = { name: 'system:serviceaccount:drey:drey-operator', groups: ['system:masters'] };

/** How long Flink's answers take beyond the network; a fault raises it. */
export interface FlinkWeather {
  hangsMs: number;
}

/** The part of all objects that a process works on, and its term. */
export interface SimulatedShare {
  readonly shard: number;
  readonly shards: number;
  readonly epoch: number;
}

const NEVER = new AbortController().signal;

/** Starts the production operator inside a scope: its connections, clock and random numbers are the scope's. */
export async function startOperatorProcess(
  scope: ProcessScope,
  world: SimulatedWorld,
  weather: FlinkWeather,
  { shard, shards, epoch }: SimulatedShare,
): Promise<{ stop(): Promise<void> }> {
  const { clock, random } = scope;
  const transport = scope.transport(world.connect(OPERATOR_USER));
  const kube = createKubeClient({ transport, clock, random, exactInteger });
  const log = operatorLogger({ level: 'debug', stream: { write: scope.log } });
  const operator = createOperator(
    {
      ...{ clock, random, kube, log },
      artifacts: ({ signal }) => scope.flink(async () => jar(), 0, signal),
      flink: withWeather(fabricTransport(world.fabric), scope, weather),
      endpoints: fabricAddress,
    },
    { standby: true },
  );
  const owns = (key: string): boolean => shards === 1 || shardOf(key, shards) === shard;
  void operator.work({ owns, epoch: () => epoch, permit: () => undefined, signal: NEVER });
  await operator.start();
  return operator;
}

/** The simulated network between the operator and Flink. */
function withWeather(transport: FlinkTransport, scope: ProcessScope, weather: FlinkWeather): FlinkTransport {
  return async (request) => {
    const { timeoutMs, signal } = request;
    const hangsMs = Math.min(weather.hangsMs, timeoutMs + 1);
    try {
      const answer = await scope.flink(() => transport(scope.tampered(request)), hangsMs, signal);
      if (hangsMs <= timeoutMs) return answer;
      throw new TransportFailure('timeout', `no answer within ${timeoutMs} ms`, true);
    } catch (error) {
      const mistaken = scope.mistaken(request);
      if (mistaken !== undefined) return mistaken;
      if (error instanceof TransportFailure) throw error;
      if (signal?.aborted) throw new TransportFailure('aborted', 'the call was aborted', true);
      throw new TransportFailure('unreachable', error instanceof Error ? error.message : String(error), true);
    }
  };
}

/** What every artifact is. */
async function* jar(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('a jar');
}
