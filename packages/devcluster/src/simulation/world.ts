import type { KeyObject } from 'node:crypto';
import { type AnyObject, type Clock, createKubeClient, type KubeClient, type Random, type Transport } from '@drey/kube';
import { MASTERS_GROUP } from '../apiserver/auth/rbac.ts';
import type { User } from '../apiserver/contract.ts';
import { inProcessTransport } from '../apiserver/front/in-process.ts';
import { createStandardServer, type StandardServer } from '../apiserver/front/standard-server.ts';
import { ObjectStore } from '../apiserver/storage/index.ts';
import { startControllers } from '../controllers/index.ts';
import type { EventRecorder } from '../event-recorder.ts';
import { Informers } from '../informers.ts';
import { FlinkFabric } from './flink/fabric.ts';
import { flinkPrograms } from './flink/programs.ts';
import { type Timings, usualTimings } from './flink/timings.ts';
import { SimulatedNode } from './node.ts';

export interface SimulatedWorldOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Signs tokens; nothing that is decided depends on it, so worlds may share one. */
  readonly tokenKey: KeyObject;
  /** CustomResourceDefinitions and other objects to create first. */
  readonly objects: readonly AnyObject[];
  readonly timings?: Timings;
  /** How many nodes there are; one by default. Each has room for about 300 small jobs. */
  readonly nodes?: number;
  /** False: objects stay as they are written; no Deployment gets pods, and no pod runs. */
  readonly workloads?: boolean;
  /** Hears of errors that no answer carries; a test should fail on them. */
  readonly onFault: (where: string, error: unknown) => void;
}

/** A whole cluster in one thread on one clock: API server, controllers, simulated nodes and simulated Flink. */
export interface SimulatedWorld {
  readonly server: StandardServer;
  readonly store: ObjectStore;
  readonly fabric: FlinkFabric;
  /** The first node, which is the only one unless more were asked for. */
  readonly node: SimulatedNode;
  /** A client of a cluster administrator, free of faults. */
  readonly admin: KubeClient;
  /** A connection to the API server as some user. */
  connect(user: User): Transport;
  stop(): void;
}

/** What workloads of Flink need; the network is simulated beside the API server, without endpoints. */
const CONTROLLERS = ['scheduler', 'replica-set', 'deployment', 'stateful-set', 'volume-claims'] as const;
const silentRecorder: EventRecorder = { record: () => undefined, flush: () => Promise.resolve() };
const ADMIN: User = { name: 'admin', groups: [MASTERS_GROUP] };

/** Builds the world and starts it. Resolves when its controllers and its nodes run. */
export async function createSimulatedWorld(options: SimulatedWorldOptions): Promise<SimulatedWorld> {
  const { clock, random, onFault } = options;
  const store = new ObjectStore({ clock });
  const server = await createStandardServer({
    ...{ store, clock, random, tokenKey: options.tokenKey, tokens: [], anonymous: false },
    serviceAccountAdmission: false,
    // Everybody here is an administrator.
    roles: false,
    onFault: (error, request) => onFault(`${request.method} ${request.path}`, error),
  });
  const connect = (user: User): Transport => inProcessTransport(server.server.handle, user);
  const client = (user: User): KubeClient => createKubeClient({ transport: connect(user), clock, random });
  const admin = client(ADMIN);
  const abort = new AbortController();
  const informers = new Informers({ client: admin, clock, random, signal: abort.signal });
  const context = {
    ...{ client: informers.client, informers, clock, random },
    // Nobody reads what controllers and nodes tell in a simulation; the operator's own events are real.
    events: () => silentRecorder,
    // Failed passes are conflicts with other writers, as in a real cluster; they are tried again.
    failed: () => undefined,
  };
  const workloads = options.workloads ?? true;
  if (workloads) {
    void startControllers(context, { authority: 'simulated', only: CONTROLLERS }, abort.signal).catch(
      (error: unknown) => onFault('controllers', error),
    );
  }
  const fabric = new FlinkFabric();
  const nodeAt = (number: number): SimulatedNode =>
    new SimulatedNode({
      ...{ name: `node-${number}`, clock, random, client: admin, podNetwork: `10.${number}` },
      programs: flinkPrograms(fabric, options.timings ?? usualTimings),
      prepareMs: [50, 400],
      readyMs: [1500, 3500],
      terminateMs: [50, 600],
    });
  const node = nodeAt(1);
  const nodes = [node, ...Array.from({ length: (options.nodes ?? 1) - 1 }, (_, index) => nodeAt(index + 2))];
  if (workloads) for (const one of nodes) await one.start();
  for (const object of options.objects) await admin.raw('POST', collectionOf(object), object);
  return {
    ...{ server, store, fabric, node, admin, connect },
    stop: () => {
      abort.abort();
      for (const one of nodes) one.stop();
      server.server.close();
    },
  };
}

/** Where an object of the few kinds that a world starts with is created. */
function collectionOf(object: AnyObject): string {
  if (object.kind === 'CustomResourceDefinition') return '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  if (object.kind === 'Namespace') return '/api/v1/namespaces';
  if (object.kind === 'ServiceAccount') return `/api/v1/namespaces/${object.metadata.namespace}/serviceaccounts`;
  throw new Error(`a simulated world cannot start with a ${object.kind}`);
}
