import { FlinkDeployments } from '@drey/api';
import { FlinkConfig } from '@drey/flink';
import { Lease } from '@drey/kube';
import { leadershipOf } from '@drey/operator';
import { expect, test } from 'vitest';
import { type Candidate, candidate, electionConfig, LEASE } from './candidate.ts';
import { type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';

const CONFIG = electionConfig();

const stateOf = (sim: OperatorWorld, name: string): unknown => {
  const found = sim.world.server.server.reader.get('flink.apache.org', 'flinkdeployments', 'default', name);
  return (found as { status?: { jobStatus?: { state?: unknown } } } | undefined)?.status?.jobStatus?.state;
};

const holderOf = (sim: OperatorWorld): unknown => {
  const lease = sim.world.server.server.reader.get('coordination.k8s.io', 'leases', 'default', LEASE);
  return (lease as Lease | undefined)?.spec?.holderIdentity;
};

const writesOf = ({ writes }: Candidate, after: number): string[] =>
  writes.filter(({ at }) => at > after).map(({ method, path }) => `${method} ${path}`);

test('12.1 item 30: of two operators one works; when it dies the other takes over and goes on with what there is', async () => {
  const sim = await operatorWorld();
  const first = candidate(sim, 'first');
  expect(await sim.until(() => first.operator?.ready === true, 5_000)).toBe(true);
  const second = candidate(sim, 'second');
  await sim.drive(sim.admin.create(FlinkDeployments, statefulDeployment('default', 'app')));
  expect(await sim.until(() => stateOf(sim, 'app') === 'RUNNING', 120_000)).toBe(true);
  expect(holderOf(sim)).toBe('first');
  // It watches, so that it can go on at once, and writes nothing.
  expect(second.operator?.ready).toBe(true);
  expect(writesOf(second, 0)).toEqual([]);

  // Dead to the world: its process may go on, but reaches nobody.
  first.cut = true;
  const died = sim.clock.monotonic();
  expect(await sim.until(() => holderOf(sim) === 'second', 60_000)).toBe(true);
  expect(sim.clock.monotonic() - died).toBeLessThan(25_000);
  expect(await sim.drive(first.ended)).toBe('lost');
  expect(first.operator).toBeUndefined();

  const starts = sim.world.fabric.storage.history.filter(({ type }) => type === 'started').length;
  expect(starts).toBe(1);
  const patch = { spec: { job: { parallelism: 1 } } };
  await sim.drive(sim.admin.patch(FlinkDeployments, 'default', 'app', 'merge', patch));
  const upgraded = (): boolean =>
    sim.world.fabric.storage.history.filter(({ type }) => type === 'started').length === 2 &&
    stateOf(sim, 'app') === 'RUNNING';
  expect(await sim.until(upgraded, 120_000)).toBe(true);
  second.stop.abort();
  expect(await sim.drive(second.ended)).toBe('stopped');
  expect(holderOf(sim)).toBe('');
  sim.world.stop();
});

test('An operator that has lost the Lease writes nothing more, although the API server would take it', async () => {
  const sim = await operatorWorld();
  const first = candidate(sim, 'first');
  expect(await sim.until(() => first.operator?.ready === true, 5_000)).toBe(true);
  await sim.drive(sim.admin.create(FlinkDeployments, statefulDeployment('default', 'app')));
  await sim.until(() => stateOf(sim, 'app') !== undefined, 10_000);
  // Somebody takes the Lease away in the middle of the deployment.
  const lease = await sim.drive(sim.admin.get(Lease, 'default', LEASE));
  const spec = { ...lease.spec, holderIdentity: 'somebody', leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 };
  await sim.drive(sim.admin.replace(Lease, { ...lease, spec }));
  expect(await sim.drive(first.ended)).toBe('lost');
  const ended = sim.clock.monotonic();
  await sim.clock.advance(60_000);
  expect(writesOf(first, ended)).toEqual([]);
  expect(first.operator).toBeUndefined();
  sim.world.stop();
});

test('Leader election without a name for the Lease, or with terms that cannot be held, is refused with a code', () => {
  const who = { namespace: 'default', identity: 'a' };
  const on = { 'kubernetes.operator.leader-election.enabled': 'true' };
  expect(leadershipOf(FlinkConfig.of({}), who)).toBeUndefined();
  expect(() => leadershipOf(FlinkConfig.of(on), who)).toThrow(expect.objectContaining({ code: 'E_OPERATOR_LEASE' }));
  const shared = { 'kubernetes.operator.leader-election.shards': '4' };
  expect(() => leadershipOf(FlinkConfig.of(shared), who)).toThrow(/is to be shared, but leader election is off/);
  expect(leadershipOf(FlinkConfig.of({ ...CONFIG, ...shared }), who)).toMatchObject({ shards: 4 });
  const none = { ...CONFIG, 'kubernetes.operator.leader-election.shards': '0' };
  expect(() => leadershipOf(FlinkConfig.of(none), who)).toThrow(/into 0 shards/);
  const hasty = { ...CONFIG, 'kubernetes.operator.leader-election.renew-deadline': '20 s' };
  expect(() => leadershipOf(FlinkConfig.of(hasty), who)).toThrow(/cannot be held/);
});
