import { generateKeyPairSync } from 'node:crypto';
import { allCrds, type FlinkDeployment, FlinkDeployments } from '@drey/api';
import {
  createSimulatedWorld,
  fabricAddress,
  fabricTransport,
  type SimulatedWorld,
  type Timings,
  usualTimings,
} from '@drey/devcluster/testing';
import type { FlinkTransport } from '@drey/flink';
import { type AnyObject, createKubeClient, type HttpRequest, sleep, type Transport } from '@drey/kube';
import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { createOperator, type Operator, operatorLogger } from '@drey/operator';

const NAMESPACE = 'default';
const STEP_MS = 100;
/** A request's way to the server. Without it all passes of a burst would be one turn of the event loop. */
const NETWORK_MS = 1;
/** A thousand objects come within a tenth of a second. */
const BETWEEN_CREATES_MS = 0.1;
/** Deployments for each node: with their TaskManagers 200 pods. */
const PER_NODE = 100;
/** More timers than this within one step are a loop that re-arms itself. */
const MAX_TIMERS = 1_000_000;
const OPERATOR = { name: 'system:serviceaccount:drey:drey-operator', groups: ['system:masters'] };

/** Requests since the last reset. */
export interface Requests {
  kube: number;
  flink: number;
}

/** Many simulated deployments and one production operator in this process, in virtual time. */
export interface ScaleWorld {
  readonly clock: VirtualClock;
  readonly world: SimulatedWorld;
  readonly requests: Requests;
  /** How long savepoints take that are begun from now on. */
  savepointMs: readonly [number, number];
  create(names: readonly string[]): Promise<void>;
  change(name: string, spec: object): Promise<void>;
  stored(name: string): FlinkDeployment | undefined;
  /** Ends the operator, so that nothing of it is left in memory. */
  stopOperator(): Promise<void>;
  /** Lets virtual time pass. */
  pass(ms: number): Promise<void>;
  /** Lets virtual time pass until `condition` holds; rejects after `limitMs`. Returns the virtual time that passed. */
  until(what: string, condition: () => boolean, limitMs?: number): Promise<number>;
  close(): Promise<void>;
}

/** Awaits something that needs time to move. */
async function driven<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const ended = promise.finally(() => {
    settled = true;
  });
  ended.catch(() => undefined);
  await clock.advance(0, MAX_TIMERS);
  while (!settled) await clock.advance(1, MAX_TIMERS);
  return ended;
}

function counted(
  transport: Transport,
  {
    clock,
    requests,
    onRequest,
  }: { clock: VirtualClock; requests: Requests; onRequest: (request: HttpRequest) => void },
): Transport {
  return {
    ...transport,
    request: async (request) => {
      requests.kube++;
      onRequest(request);
      await sleep(clock, NETWORK_MS);
      return transport.request(request);
    },
  };
}

function countedFlink(transport: FlinkTransport, clock: VirtualClock, requests: Requests): FlinkTransport {
  return async (request) => {
    requests.flink++;
    await sleep(clock, NETWORK_MS);
    return transport(request);
  };
}

export interface ScaleWorldOptions {
  readonly seed: number;
  /** How many deployments there is room for. */
  readonly objects: number;
  /** False: no Deployment gets pods, so that nothing comes after its creation. */
  readonly workloads?: boolean;
  /** Hears of each of the operator's own requests to Kubernetes. */
  readonly onRequest?: (request: HttpRequest) => void;
}

/** Builds a world and starts an operator in it. */
export async function scaleWorld(options: ScaleWorldOptions): Promise<ScaleWorld> {
  const { seed, objects, onRequest = () => undefined, workloads = true } = options;
  const clock = new VirtualClock();
  const random = new SeededRandom(seed);
  const requests: Requests = { kube: 0, flink: 0 };
  let savepointMs: Timings['savepointMs'] = usualTimings.savepointMs;
  const installed = [
    ...(allCrds() as unknown as AnyObject[]),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'flink', namespace: NAMESPACE } } as AnyObject,
  ];
  const world = await driven(
    clock,
    createSimulatedWorld({
      ...{
        clock,
        random,
        objects: installed,
        nodes: Math.ceil(objects / PER_NODE),
        workloads,
        tokenKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      },
      timings: {
        ...usualTimings,
        get savepointMs() {
          return savepointMs;
        },
      },
      onFault: (where, error) => {
        throw new Error(`${where}: ${String(error)}`);
      },
    }),
  );
  const startOperator = async (): Promise<Operator> => {
    const operator = createOperator({
      ...{ clock, random, log: operatorLogger({ level: 'error' }), endpoints: fabricAddress },
      kube: createKubeClient({
        transport: counted(world.connect(OPERATOR), { clock, requests, onRequest }),
        clock,
        random,
      }),
      flink: countedFlink(fabricTransport(world.fabric), clock, requests),
    });
    await driven(clock, operator.start());
    return operator;
  };
  let operator: Operator | undefined = await startOperator();
  const stopOperator = async (): Promise<void> => {
    if (operator !== undefined) await driven(clock, operator.stop());
    operator = undefined;
    // Answers that are still on their way hold what asked for them.
    await clock.advance(100 * NETWORK_MS, MAX_TIMERS);
  };
  return {
    ...{ clock, world, requests },
    get savepointMs() {
      return savepointMs;
    },
    set savepointMs(range) {
      savepointMs = range;
    },
    create: (names) =>
      driven(
        clock,
        Promise.all(
          names.map(async (name, index) => {
            await sleep(clock, index * BETWEEN_CREATES_MS);
            await world.admin.create(FlinkDeployments, deployment(name));
          }),
        ),
      ).then(() => undefined),
    change: (name, spec) =>
      driven(clock, world.admin.patch(FlinkDeployments, NAMESPACE, name, 'merge', { spec })).then(() => undefined),
    stored: (name) =>
      world.server.server.reader.get('flink.apache.org', 'flinkdeployments', NAMESPACE, name) as
        | FlinkDeployment
        | undefined,
    stopOperator,
    pass: async (ms) => {
      for (let left = ms; left > 0; left -= 1_000) await clock.advance(Math.min(left, 1_000), MAX_TIMERS);
    },
    until: async (what, condition, limitMs = 3_600_000) => {
      const start = clock.monotonic();
      while (!condition()) {
        if (clock.monotonic() - start > limitMs) throw new Error(`${what} did not come within ${limitMs} virtual ms`);
        await clock.advance(STEP_MS, MAX_TIMERS);
      }
      return clock.monotonic() - start;
    },
    close: async () => {
      await stopOperator();
      world.stop();
    },
  };
}

/** A stateful job as people run it, with a checkpoint every minute. */
function deployment(name: string): FlinkDeployment {
  const state = `file:///state/${name}`;
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      ...{ image: 'flink:1.20', flinkVersion: 'v1_20', serviceAccount: 'flink' },
      flinkConfiguration: {
        'taskmanager.numberOfTaskSlots': '2',
        'execution.checkpointing.interval': '1 min',
        'execution.checkpointing.dir': `${state}/checkpoints`,
        'execution.checkpointing.savepoint-dir': `${state}/savepoints`,
      },
      jobManager: { resource: { memory: '1024m', cpu: 0.1 } },
      taskManager: { resource: { memory: '1536m', cpu: 0.1 } },
      job: { jarURI: 'local:///opt/flink/usrlib/job.jar', parallelism: 2, upgradeMode: 'savepoint' },
    },
  };
}
