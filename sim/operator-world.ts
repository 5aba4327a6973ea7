import { generateKeyPairSync } from 'node:crypto';
import { allCrds, exactInteger, type FlinkDeployment } from '@drey/api';
import {
  createSimulatedWorld,
  fabricAddress,
  fabricTransport,
  type SimulatedWorld,
  type Timings,
} from '@drey/devcluster/testing';
import { type AnyObject, createKubeClient, type KubeClient, type Transport } from '@drey/kube';
import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { type OperatorEnv, operatorLogger } from '@drey/operator';

const tokenKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const MAX_TIMERS = 200_000;

/** A line of an operator's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly level: number };

/** A simulated cluster on a virtual clock for a test that writes its own story. */
export interface OperatorWorld {
  readonly clock: VirtualClock;
  readonly world: SimulatedWorld;
  readonly admin: KubeClient;
  readonly log: LogLine[];
  /** What an operator is made from, connected as `user`. */
  env(user: string, groups?: readonly string[], through?: (transport: Transport) => Transport): OperatorEnv;
  /** Moves time on until `promise` has settled. */
  drive<T>(promise: Promise<T>): Promise<T>;
  /** Moves time on until `holds`, for at most `ms`; false when it never did. */
  until(holds: () => boolean, ms: number): Promise<boolean>;
}

/** Makes the world, with the kinds of Flink (with or without the rules of their definitions) and a namespace `default` that has a job account. */
export async function operatorWorld(
  objects: readonly AnyObject[] = [],
  {
    workloads = true,
    timings,
    rules = true,
  }: { readonly workloads?: boolean; readonly timings?: Timings; readonly rules?: boolean } = {},
): Promise<OperatorWorld> {
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const log: LogLine[] = [];
  const made = drive(
    clock,
    createSimulatedWorld({
      ...{ clock, random, tokenKey, workloads },
      ...(timings === undefined ? {} : { timings }),
      objects: [...(allCrds({ rules }) as unknown as AnyObject[]), jobAccount('default'), ...objects],
      onFault: (where, error) => {
        throw new Error(`${where} failed`, { cause: error });
      },
    }),
  );
  const world = await made;
  return {
    ...{ clock, world, log, admin: world.admin },
    env(user, groups = ['system:masters'], through = (transport) => transport) {
      const transport = through(world.connect({ name: user, groups: [...groups] }));
      return {
        ...{ clock, random },
        kube: createKubeClient({ transport, clock, random, exactInteger }),
        log: operatorLogger({
          level: 'debug',
          stream: { write: (line) => log.push({ user, ...(JSON.parse(line) as LogLine) }) },
        }),
        flink: fabricTransport(world.fabric),
        endpoints: fabricAddress,
      };
    },
    drive: (promise) => drive(clock, promise),
    async until(holds, ms) {
      for (let passed = 0; passed < ms && !holds(); passed += 250) await clock.advance(250, MAX_TIMERS);
      return holds();
    },
  };
}

/** The account that Flink's pods run with. */
export function jobAccount(namespace: string): AnyObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'flink', namespace } } as AnyObject;
}

/** A deployment of the simplest kind that keeps its state: high availability and a directory for savepoints. */
export function statefulDeployment(namespace: string, name: string): FlinkDeployment {
  const state = `file:///state/${namespace}-${name}`;
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name, namespace },
    spec: {
      image: 'flink:1.20',
      flinkVersion: 'v1_20',
      serviceAccount: 'flink',
      flinkConfiguration: {
        'taskmanager.numberOfTaskSlots': '2',
        'high-availability.type': 'kubernetes',
        'high-availability.storageDir': `${state}/ha`,
        'execution.checkpointing.interval': '2s',
        'execution.checkpointing.dir': `${state}/checkpoints`,
        'execution.checkpointing.savepoint-dir': `${state}/savepoints`,
      },
      jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
      taskManager: { resource: { memory: '1024m', cpu: 0.5 } },
      job: { jarURI: 'local:///opt/flink/job.jar', parallelism: 2, upgradeMode: 'savepoint' },
    },
  };
}

async function drive<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const watched = promise.finally(() => {
    settled = true;
  });
  watched.catch(() => undefined);
  for (let i = 0; !settled; i++) {
    if (i > 200_000) throw new Error('a call on the simulated world does not end');
    await clock.advance(i === 0 ? 0 : 1, MAX_TIMERS);
  }
  return watched;
}
