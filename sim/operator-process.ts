import type { SimulatedWorld } from '@drey/devcluster/testing';
import { type FlinkTransport, TransportFailure } from '@drey/flink';
import { createKubeClient } from '@drey/kube';
import { createOperator, operatorLogger } from '@drey/operator';
import type { ProcessScope } from './scope.ts';

const OPERATOR_USER = { name: 'system:serviceaccount:drey:drey-operator', groups: ['system:masters'] };

/** How long Flink's answers take beyond the network; a fault raises it. */
export interface FlinkWeather {
  hangsMs: number;
}

/** Starts the production operator inside a scope: its connections, clock and random numbers are the scope's. */
export async function startOperatorProcess(
  scope: ProcessScope,
  world: SimulatedWorld,
  weather: FlinkWeather,
  epoch: number,
): Promise<{ stop(): Promise<void> }> {
  const { clock, random } = scope;
  const kube = createKubeClient({ transport: scope.transport(world.connect(OPERATOR_USER)), clock, random });
  const log = operatorLogger({ level: 'debug', stream: { write: scope.log } });
  const operator = createOperator(
    {
      ...{ clock, random, kube, log },
      flink: flinkTransport(scope, world, weather),
      endpoints: ({ service, namespace, port }) => `http://${service}.${namespace}:${port}`,
    },
    { epoch: () => epoch },
  );
  await operator.start();
  return operator;
}

/** Flink's REST API over the simulated network: `http://<cluster id>-rest.<namespace>:8081/…`. */
function flinkTransport(scope: ProcessScope, world: SimulatedWorld, weather: FlinkWeather): FlinkTransport {
  return async (request) => {
    const url = new URL(request.url);
    const [, cluster = '', namespace = ''] = /^(.+)-rest\.([^.]+)$/.exec(url.hostname) ?? [];
    const body = typeof request.body === 'string' && request.body !== '' ? (JSON.parse(request.body) as unknown) : null;
    const hangsMs = Math.min(weather.hangsMs, request.timeoutMs + 1);
    try {
      const answer = await scope.flink(
        () => world.fabric.rest(`${namespace}/${cluster}`, request.method, url.pathname + url.search, body),
        hangsMs,
        request.signal,
      );
      if (hangsMs > request.timeoutMs)
        throw new TransportFailure('timeout', `no answer within ${request.timeoutMs} ms`, true);
      return { status: answer.status, body: JSON.stringify(answer.body) };
    } catch (error) {
      if (error instanceof TransportFailure) throw error;
      if (request.signal?.aborted) throw new TransportFailure('aborted', 'the call was aborted', true);
      throw new TransportFailure('unreachable', error instanceof Error ? error.message : String(error), true);
    }
  };
}
