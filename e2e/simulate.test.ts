import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { createKubeClient, loadKubeconfig, systemClock, systemRandom, UndiciTransport } from '@drey/kube';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { root } from '../scripts/process.ts';
import { openWorkshop, type Running, type Workshop } from './support/command.ts';
import { processesWith } from './support/drey.ts';

let workshop: Workshop;
let up: Running;

beforeAll(async () => {
  workshop = openWorkshop();
  up = workshop.start('up', '--simulate', '--name', 'simulated', '--kubeconfig', workshop.path('kubeconfig'));
  await up.said(/is ready at/);
});

afterAll(() => workshop.close());

it('runs a FlinkDeployment through its life in seconds, without a JVM', async () => {
  const { access } = await loadKubeconfig({ path: workshop.path('kubeconfig') });
  const transport = new UndiciTransport(access);
  const client = createKubeClient({ transport, clock: systemClock, random: systemRandom });
  const example = parse(readFileSync(join(root, 'examples', 'state-machine.yaml'), 'utf8')) as FlinkDeployment;
  const object: FlinkDeployment = { ...example, metadata: { ...example.metadata, namespace: 'default' } };
  const read = (): Promise<FlinkDeployment> => client.get(FlinkDeployments, 'default', 'state-machine');
  const started = performance.now();
  await client.apply(FlinkDeployments, object, { fieldManager: 'test' });
  const stable = async (): Promise<string> => {
    const { metadata, status } = await read();
    const current = status?.observedGeneration === metadata.generation ? '' : ' of an older generation';
    return `${status?.lifecycleState} ${status?.jobStatus?.state}${current}`;
  };
  await expect.poll(stable, { timeout: 20_000, interval: 50 }).toBe('STABLE RUNNING');
  console.log(`simulated cluster: RUNNING ${Math.round(performance.now() - started)} ms after apply`);
  expect(processesWith(workshop.folder).length).toBe(1);

  expect(await workshop.drey('logs', 'state-machine', '--name', 'simulated')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('simulated'),
  });

  await client.patch(FlinkDeployments, 'default', 'state-machine', 'merge', { spec: { job: { parallelism: 1 } } });
  await expect.poll(stable, { timeout: 20_000, interval: 50 }).toBe('STABLE RUNNING');
  expect((await read()).status?.jobStatus?.upgradeSavepointPath).toContain('/savepoints/savepoint-');

  await client.delete(FlinkDeployments, 'default', 'state-machine');
  const left = async (): Promise<number> =>
    (await client.list(FlinkDeployments, { namespace: 'default' })).items.length;
  await expect.poll(left, { timeout: 20_000 }).toBe(0);
  await transport.close();
});

it('shows in drey status, and ends with drey down', async () => {
  expect((await workshop.drey('status')).stdout).toContain('cluster simulated: https://127.0.0.1:');
  expect(await workshop.drey('down', '--name', 'simulated')).toMatchObject({ code: 0 });
  expect((await up.ended).code).toBe(0);
});
