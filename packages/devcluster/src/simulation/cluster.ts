import type { FlinkTransport } from '@drey/flink';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../control-plane.ts';
import { startControllers } from '../controllers/index.ts';
import { type EventRecorder, eventRecorder } from '../event-recorder.ts';
import { Informers } from '../informers.ts';
import { simulatedBackend } from './backend.ts';
import { FlinkFabric } from './flink/fabric.ts';
import { flinkPrograms } from './flink/programs.ts';
import { quickTimings } from './flink/timings.ts';
import { simulatedFlinkTransport } from './flink/transport.ts';
import { SimulatedNode } from './node.ts';

/** A development cluster whose pods and whose Flink are simulated, in real time; nothing of it is kept. */
export interface SimulatedCluster extends Pick<ControlPlane, 'client' | 'url' | 'kubeconfig'> {
  /** Reaches the simulated JobManagers, under the addresses that {@link SimulatedCluster.endpoint} gives. */
  readonly flink: FlinkTransport;
  endpoint(target: { readonly service: string; readonly namespace: string }): string;
  stop(): Promise<void>;
}

const SERVICE_RANGE = '10.96.0.0/16';
const NODE_NAME = 'drey-simulated';

/** Starts API server, controllers and a simulated node. Rejects with a coded error when the port is taken. */
export async function startSimulatedCluster(options: ControlPlaneOptions): Promise<SimulatedCluster> {
  const { clock, random } = options;
  const plane = await startControlPlane(options, {
    dataDirectory: undefined,
    serviceRange: SERVICE_RANGE,
    backendOf: (node) => (node === NODE_NAME ? simulatedBackend : undefined),
  });
  const abort = new AbortController();
  const informers = new Informers({ client: plane.client, clock, random, signal: abort.signal });
  const recorders: EventRecorder[] = [];
  const controllers = startControllers(
    {
      ...{ client: informers.client, informers, clock, random },
      events: (component) => {
        const made = eventRecorder(plane.client, clock, component);
        recorders.push(made);
        return made;
      },
      failed: (what, key, error) => options.onProblem?.(`${what} ${key}`, error),
    },
    { authority: plane.authority },
    abort.signal,
  );
  const fabric = new FlinkFabric();
  const node = new SimulatedNode({
    ...{ name: NODE_NAME, clock, random, client: plane.client, podNetwork: '10.1' },
    programs: flinkPrograms(fabric, quickTimings),
    prepareMs: [20, 80],
    readyMs: [200, 400],
    terminateMs: [50, 200],
  });
  const stop = async (): Promise<void> => {
    node.stop();
    abort.abort();
    await Promise.all([controllers, informers.stopped()]);
    await Promise.all(recorders.map((made) => made.flush()));
    await plane.stop();
  };
  try {
    await node.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    client: plane.client,
    url: plane.url,
    kubeconfig: plane.kubeconfig,
    flink: (request) => simulatedFlinkTransport(() => fabric.leader(clusterAt(request.url)))(request),
    endpoint: addressOf,
    stop,
  };
}

/** The address of a REST Service in simulation; {@link clusterAt} reads it back. */
function addressOf(target: { readonly service: string; readonly namespace: string }): string {
  return `http://${target.service}.${target.namespace}`;
}

/** `namespace/cluster id`, as the fabric names clusters. */
function clusterAt(url: string): string {
  const [, cluster = '', namespace = ''] = /^(.+)-rest\.([^.]+)$/.exec(new URL(url).hostname) ?? [];
  return `${namespace}/${cluster}`;
}
