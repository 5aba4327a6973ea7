import { writeFileSync } from 'node:fs';
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
  writeFileSync(
    workshop.path('flink-conf.yaml'),
    [
      'kubernetes.operator.leader-election.enabled: true',
      'kubernetes.operator.leader-election.lease-name: flink-operator-lease',
      'kubernetes.operator.leader-election.lease-duration: 3 s',
      'kubernetes.operator.leader-election.renew-deadline: 2 s',
      'kubernetes.operator.leader-election.retry-period: 500 ms',
      'taskmanager.numberOfTaskSlots: 1\n',
    ].join('\n'),
  );
});

afterAll(async () => {
  await transport?.close();
  await workshop?.close();
});

const operator = (): Running =>
  workshop.start('operator', 'run', '--kubeconfig', kubeconfig, '--config-dir', workshop.folder);

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
    await first.said(/operator started/);
    const second = operator();
    await second.said(/another process leads/);
    await create('one');
    await expect.poll(() => recorded('one'), { timeout: 10_000 }).not.toBe('');
    const before = await holder();

    await first.end('SIGKILL');
    await second.said(/operator started/);
    expect(await holder()).not.toBe(before);
    await create('two');
    await expect.poll(() => recorded('two'), { timeout: 10_000 }).not.toBe('');

    const ended = await second.end('SIGTERM');
    expect(ended.code).toBe(0);
    expect(await holder()).toBe('');
  });

  it('end with a failure when the Lease is taken away, for their supervisor to start them again', async () => {
    const leader = operator();
    await leader.said(/operator started/);
    const lease = await kube.get(Lease, 'default', 'flink-operator-lease');
    await kube.replace(Lease, { ...lease, spec: { ...lease.spec, holderIdentity: 'somebody' } });
    const ended = await leader.ended;
    expect(ended.code).toBe(1);
    expect(ended.stdout).toMatch(/"reason":"lost"/);
  });
});
