import { generateKeyPairSync } from 'node:crypto';
import { Deployment, Pod } from '@drey/kube';
import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSimulatedWorld, type SimulatedWorld } from '../world.ts';
import { WorkerPods } from './worker-pods.ts';

const tokenKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const SLOTS = 2;
let clock: VirtualClock;
let world: SimulatedWorld;
let workers: WorkerPods;
/** Who was released, and how many pods there were then. */
let released: string[];

async function drive<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const ended = promise.finally(() => {
    settled = true;
  });
  ended.catch(() => undefined);
  for (let ms = 0; !settled && ms < 10_000; ms++) await clock.advance(ms === 0 ? 0 : 1);
  return ended;
}

function follow(): WorkerPods {
  return new WorkerPods(
    {
      ...{ clock, random: new SeededRandom(5), client: world.admin, address: '10.1.0.9', exit: () => undefined },
      pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'job-0', namespace: 'default' } },
      container: { name: 'flink-main-container', image: 'flink:1.20', command: ['/docker-entrypoint.sh'] },
    },
    {
      ...{ namespace: 'default', clusterId: 'job', slotsEach: SLOTS },
      releases: (name) => released.push(`${name} of ${names().length}`),
    },
  );
}

beforeEach(async () => {
  released = [];
  clock = new VirtualClock();
  world = await drive(
    createSimulatedWorld({
      ...{ clock, random: new SeededRandom(3), tokenKey, objects: [] },
      onFault: (where, error) => {
        throw new Error(where, { cause: error });
      },
    }),
  );
  const labels = { app: 'job', component: 'jobmanager' };
  await drive(
    world.admin.create(Deployment, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'job', namespace: 'default' },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    }),
  );
  workers = follow();
});

afterEach(() => {
  workers.stop();
  world.stop();
});

const pods = (): Pod[] => world.server.server.reader.list('', 'pods', 'default') as unknown as Pod[];
const names = (): string[] => pods().map(({ metadata }) => metadata.name ?? '');

describe('The worker pods of a JobManager', () => {
  it('are as many as its jobs need slots for, owned by its Deployment', async () => {
    workers.need(3);
    await clock.until(() => pods().length === 2, 5_000);
    expect(names()).toEqual(['job-taskmanager-1-1', 'job-taskmanager-1-2']);
    expect(pods()[0]?.metadata.ownerReferences).toMatchObject([{ kind: 'Deployment', name: 'job', controller: true }]);
  });

  it('go when they are not needed any more', async () => {
    workers.need(4);
    await clock.until(() => pods().length === 2, 5_000);
    workers.need(1);
    await clock.until(() => pods().length === 1, 5_000);
    workers.need(0);
    await clock.until(() => pods().length === 0, 5_000);
    // No job gets the slots of one that is about to go.
    expect(released).toEqual(['job-taskmanager-1-2 of 2', 'job-taskmanager-1-1 of 1']);
  });

  it('are made anew when they end or are deleted', async () => {
    workers.need(2);
    await clock.until(() => pods()[0]?.status?.phase === 'Running', 10_000);
    world.node.killContainer('default', 'job-taskmanager-1-1');
    await clock.until(() => names().includes('job-taskmanager-1-2') && pods().length === 1, 10_000);
    await drive(world.admin.delete(Pod, 'default', 'job-taskmanager-1-2'));
    await clock.until(() => names().includes('job-taskmanager-1-3') && pods().length === 1, 10_000);
  });

  it('of an earlier process are taken over, and new ones are numbered after them', async () => {
    workers.need(2);
    await clock.until(() => pods().length === 1, 5_000);
    workers.stop();
    workers = follow();
    workers.need(4);
    await clock.until(() => pods().length === 2, 5_000);
    expect(names()).toEqual(['job-taskmanager-1-1', 'job-taskmanager-2-1']);
  });

  it('are not made by a process that is dead', async () => {
    workers.stop();
    workers.need(2);
    await clock.advance(5_000);
    expect(pods()).toEqual([]);
  });
});
