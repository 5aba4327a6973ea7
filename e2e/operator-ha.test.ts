import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allCrds, FlinkDeployments } from '@drey/api';
import {
  CustomResourceDefinition,
  createKubeClient,
  type KubeClient,
  Lease,
  loadKubeconfig,
  systemClock,
  systemRandom,
  UndiciTransport,
} from '@drey/kube';
import { goodResource } from '@drey/operator/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkshop, type Running, type Workshop } from './support/command.ts';

/** Two operators as processes, on the embedded API server: the scenario of the Apache operator's own test of high availability. */
let workshop: Workshop;
let transport: UndiciTransport;
let kube: KubeClient;
let kubeconfig = '';

beforeAll(async () => {
  workshop = openWorkshop();
  const server = workshop.start('apiserver', '--memory', '--port', '0');
  kubeconfig = (await server.said(/--kubeconfig (\S+)/))[1] ?? '';
  const { access } = await loadKubeconfig({ path: kubeconfig });
  transport = new UndiciTransport(access);
  kube = createKubeClient({ transport, clock: systemClock, random: systemRandom });
  for (const crd of allCrds()) await kube.apply(CustomResourceDefinition, crd as never, { fieldManager: 'test' });
  const election = [
    'kubernetes.operator.leader-election.enabled: true',
    'kubernetes.operator.leader-election.lease-name: flink-operator-lease',
    'kubernetes.operator.leader-election.lease-duration: 3 s',
    'kubernetes.operator.leader-election.renew-deadline: 2 s',
    'kubernetes.operator.leader-election.retry-period: 500 ms',
    'taskmanager.numberOfTaskSlots: 1',
  ];
  const configured = (folder: string, ...lines: string[]): void => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'flink-conf.yaml'), `${[...election, ...lines].join('\n')}\n`);
  };
  configured(workshop.folder);
  configured(workshop.path('shared'), 'kubernetes.operator.leader-election.shards: 4');
});

afterAll(async () => {
  await transport?.close();
  await workshop?.close();
});

const operator = (folder = workshop.folder): Running =>
  workshop.start('operator', 'run', '--kubeconfig', kubeconfig, '--config-dir', folder);

async function holder(): Promise<string> {
  const lease = await kube.get(Lease, 'default', 'flink-operator-lease');
  return lease.spec?.holderIdentity ?? '';
}

async function recorded(name: string): Promise<string> {
  const { status } = await kube.get(FlinkDeployments, 'default', name);
  return status?.reconciliationStatus?.lastReconciledSpec ?? '';
}

async function create(name: string): Promise<void> {
  const good = goodResource('FlinkDeployment');
  await kube.create(FlinkDeployments, { ...good, metadata: { name, namespace: 'default' } } as never);
}

describe('Two operators', () => {
  it('share the work by a Lease: when the leader is killed the other goes on', async () => {
    const first = operator();
    await first.said(/this process leads/);
    const second = operator();
    await second.said(/another process leads/);
    await create('one');
    await expect.poll(() => recorded('one'), { timeout: 10_000 }).not.toBe('');
    const before = await holder();

    await first.end('SIGKILL');
    await second.said(/this process leads/);
    expect(await holder()).not.toBe(before);
    await create('two');
    await expect.poll(() => recorded('two'), { timeout: 10_000 }).not.toBe('');

    const ended = await second.end('SIGTERM');
    expect(ended.code).toBe(0);
    expect(await holder()).toBe('');
  });

  it('end with a failure when the Lease is taken away, for their supervisor to start them again', async () => {
    const leader = operator();
    await leader.said(/this process leads/);
    const lease = await kube.get(Lease, 'default', 'flink-operator-lease');
    await kube.replace(Lease, { ...lease, spec: { ...lease.spec, holderIdentity: 'somebody' } });
    const ended = await leader.ended;
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/"reason":"lost"/);
  });

  it('work side by side on shards, and when one is killed the other takes all of them', async () => {
    await kube.delete(Lease, 'default', 'flink-operator-lease');
    const folder = workshop.path('shared');
    const both = [operator(folder), operator(folder)];
    const holders = async (): Promise<string[]> => {
      const { metadata } = await kube.get(Lease, 'default', 'flink-operator-lease');
      return (JSON.parse(metadata.annotations?.['flink.apache.org/shards'] ?? '{}') as { holders: string[] }).holders;
    };
    const halves = async (): Promise<number[]> => {
      const all = await holders().catch(() => []);
      return [...new Set(all)].map((one) => all.filter((other) => other === one).length);
    };
    await expect.poll(halves, { timeout: 20_000 }).toEqual([2, 2]);
    const names = Array.from({ length: 8 }, (_, i) => `shared-${i}`);
    for (const name of names) await create(name);
    for (const name of names) await expect.poll(() => recorded(name), { timeout: 10_000 }).not.toBe('');

    const [killed, left] = both as [Running, Running];
    await killed.end('SIGKILL');
    await expect.poll(halves, { timeout: 20_000 }).toEqual([4]);
    for (const name of names) {
      await create(`${name}-b`);
      await expect.poll(() => recorded(`${name}-b`), { timeout: 10_000 }).not.toBe('');
    }
    const ended = await left.end('SIGTERM');
    expect(ended.code).toBe(0);
    expect(await holder()).toBe('');
  });
});
