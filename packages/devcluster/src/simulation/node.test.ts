import { generateKeyPairSync } from 'node:crypto';
import { Node, Pod, type PodSpec } from '@drey/kube';
import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createSimulatedWorld, type SimulatedWorld } from './world.ts';

const tokenKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
let world: SimulatedWorld;
let clock: VirtualClock;

/** Awaits something that needs time to move. */
async function drive<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const ended = promise.finally(() => {
    settled = true;
  });
  ended.catch(() => undefined);
  for (let ms = 0; !settled && ms < 10_000; ms++) await clock.advance(ms === 0 ? 0 : 1);
  return ended;
}

async function open(): Promise<void> {
  clock = new VirtualClock();
  world = await drive(
    createSimulatedWorld({
      ...{ clock, random: new SeededRandom(3), tokenKey, objects: [] },
      onFault: (where, error) => {
        throw new Error(where, { cause: error });
      },
    }),
  );
}

afterEach(() => world?.stop());

async function createPod(name: string, spec: Partial<PodSpec> = {}): Promise<void> {
  const containers = [{ name: 'main', image: 'flink:1.20' }];
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers, ...spec },
  };
  await drive(world.admin.create(Pod, pod));
}

const pod = (name: string): Pod | undefined =>
  world.server.server.reader.get('', 'pods', 'default', name) as Pod | undefined;
const main = (name: string) => pod(name)?.status?.containerStatuses?.[0];

describe('A simulated node', () => {
  it('is ready, and has room', async () => {
    await open();
    const node = await drive(world.admin.get(Node, undefined, 'node-1'));
    expect(node.status?.conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
    expect(node.status?.allocatable).toMatchObject({ cpu: '64', 'ephemeral-storage': '1Ti' });
  });

  it('starts the containers of a pod, which are ready when their probe passes, and have an address', async () => {
    await open();
    const readinessProbe = { tcpSocket: { port: 8081 } };
    await createPod('a', { containers: [{ name: 'main', image: 'flink:1.20', readinessProbe }] });
    await clock.until(() => main('a')?.state?.running !== undefined, 2_000);
    expect(main('a')?.ready).toBe(false);
    await clock.until(() => main('a')?.ready === true, 5_000);
    expect(pod('a')?.status).toMatchObject({ phase: 'Running', podIP: expect.stringMatching(/^10\.1\.\d+\.\d+$/) });
  });

  it('restarts a container that was killed, later each time, and counts', async () => {
    await open();
    await createPod('a');
    await clock.until(() => main('a')?.ready === true, 10_000);
    const restarted = async (count: number): Promise<number> => {
      const killed = clock.monotonic();
      world.node.killContainer('default', 'a');
      await clock.until(() => main('a')?.restartCount === count && main('a')?.state?.running !== undefined, 120_000);
      return clock.monotonic() - killed;
    };
    const pauses = [await restarted(1), await restarted(2), await restarted(3)];
    expect(pauses[1]).toBeGreaterThan(pauses[0]!);
    expect(pauses[2]).toBeGreaterThan(pauses[1]!);
    expect(main('a')?.lastState?.terminated).toMatchObject({ exitCode: 137, reason: 'Error' });
  });

  it('does not restart a container that must not be', async () => {
    await open();
    await createPod('a', { restartPolicy: 'Never' });
    await clock.until(() => main('a')?.ready === true, 10_000);
    world.node.killContainer('default', 'a');
    await clock.until(() => pod('a')?.status?.phase === 'Failed', 5_000);
  });

  it('says which image it cannot pull, and goes on when it can', async () => {
    await open();
    world.node.imagesInReach = false;
    await createPod('a');
    await clock.until(() => main('a')?.state?.waiting?.reason === 'ErrImagePull', 5_000);
    expect(main('a')?.state?.waiting?.message).toContain('flink:1.20');
    world.node.imagesInReach = true;
    await clock.until(() => main('a')?.ready === true, 30_000);
  });

  it('ends a deleted pod and takes it away', async () => {
    await open();
    await createPod('a');
    await clock.until(() => main('a')?.ready === true, 10_000);
    await drive(world.admin.delete(Pod, 'default', 'a'));
    await clock.until(() => pod('a') === undefined, 5_000);
    expect(world.node.running()).toEqual([]);
  });
});
