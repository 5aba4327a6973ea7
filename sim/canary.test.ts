import { FlinkDeployments, FlinkSessionJobs } from '@drey/api';
import type { KubeObject, Resource, Transport } from '@drey/kube';
import { createOperator } from '@drey/operator';
import { describe, expect, test } from 'vitest';
import { operatorWorld } from './operator-world.ts';

const NS = 'default';
const LABELS = { 'flink.apache.org/canary': 'true' };
const CONFIG = { 'kubernetes.operator.health.canary.resource.timeout': '1 min' };

async function watched() {
  const sim = await operatorWorld();
  const network = { writes: true };
  const cutting = (transport: Transport): Transport => ({
    request: (request) =>
      network.writes || request.method === 'GET' ? transport.request(request) : Promise.reject(new Error('cut')),
    close: () => transport.close(),
  });
  const operator = createOperator(sim.env('drey', undefined, cutting), { config: CONFIG });
  await sim.drive(operator.start());
  const make = async (r: Resource<KubeObject>): Promise<void> => {
    const canary = {
      apiVersion: 'flink.apache.org/v1beta1',
      kind: r.kind,
      metadata: { name: 'canary', namespace: NS },
    };
    await sim.drive(sim.admin.create(r, { ...canary, metadata: { ...canary.metadata, labels: LABELS } }));
  };
  const get = (
    plural: string,
  ): { spec?: { restartNonce?: number }; status?: object; metadata: KubeObject['metadata'] } | undefined =>
    sim.world.server.server.reader.get('flink.apache.org', plural, NS, 'canary') as never;
  const end = async (): Promise<void> => {
    await sim.drive(operator.stop());
    sim.world.stop();
  };
  return { sim, operator, network, make, get, end };
}

describe('A canary', () => {
  test.each([
    ['FlinkDeployment', FlinkDeployments],
    ['FlinkSessionJob', FlinkSessionJobs],
  ])('of the kind %s is changed once a minute, and never deployed', async (_, r) => {
    const { sim, operator, make, get, end } = await watched();
    await make(r as unknown as Resource<KubeObject>);
    await sim.clock.advance(10 * 60_000 + 5_000, 500_000);
    expect(get(r.plural)?.spec?.restartNonce).toBe(11);
    expect(get(r.plural)?.status).toBeUndefined();
    expect(get(r.plural)?.metadata.finalizers).toBeUndefined();
    expect(operator.ready).toBe(true);
    await sim.drive(sim.admin.delete(r as unknown as Resource<KubeObject>, NS, 'canary'));
    expect(get(r.plural)).toBeUndefined();
    await sim.clock.advance(5 * 60_000, 500_000);
    expect(operator.ready).toBe(true);
    await end();
  });

  test('that cannot be changed makes the operator unhealthy, until it can', async () => {
    const { sim, operator, network, make, end } = await watched();
    await make(FlinkDeployments as unknown as Resource<KubeObject>);
    await sim.clock.advance(90_000, 500_000);
    expect(operator.ready).toBe(true);
    network.writes = false;
    await sim.clock.advance(150_000, 500_000);
    expect(operator.ready).toBe(false);
    network.writes = true;
    await sim.clock.advance(90_000, 500_000);
    expect(operator.ready).toBe(true);
    await end();
  });
});

test('a resource without a spec is told that it has none, and nothing is made of it', async () => {
  const { sim, operator, get, end } = await watched();
  for (const r of [FlinkDeployments, FlinkSessionJobs] as unknown as Resource<KubeObject>[]) {
    const object = {
      apiVersion: 'flink.apache.org/v1beta1',
      kind: r.kind,
      metadata: { name: 'canary', namespace: NS },
    };
    await sim.drive(sim.admin.create(r, object));
    await sim.clock.advance(30_000, 500_000);
    expect(JSON.stringify(get(r.plural)?.status)).toMatch(/E_|error/);
  }
  expect(operator.ready).toBe(true);
  await end();
});
