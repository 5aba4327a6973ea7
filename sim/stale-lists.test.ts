import { FlinkDeployments, type FlinkSessionJob, FlinkSessionJobs } from '@drey/api';
import { sleep, type Transport } from '@drey/kube';
import { createOperator } from '@drey/operator';
import { expect, test } from 'vitest';
import { type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';

const startsOf = (sim: OperatorWorld): number =>
  sim.world.fabric.storage.history.filter(({ type }) => type === 'started').length;

const stateOf = (sim: OperatorWorld): unknown => {
  const found = sim.world.server.server.reader.get('flink.apache.org', 'flinkdeployments', 'default', 'app');
  return (found as { status?: { jobStatus?: { state?: unknown } } } | undefined)?.status?.jobStatus?.state;
};

/** An API server that is behind with a kind: its list is one from `revision`, and its watch says nothing for a while. */
const behind = (sim: OperatorWorld, plural: string, revision: number, asked: string[]) => {
  return (transport: Transport): Transport => ({
    request: async (request) => {
      if (request.method !== 'GET' && request.path.includes('/deployments'))
        asked.push(`${request.method} ${request.path.split('?')[0]}`);
      if (request.method !== 'GET' || !request.path.includes(`/${plural}`)) return transport.request(request);
      if (request.path.includes('watch=true')) await sleep(sim.clock, 30_000);
      const exact = `resourceVersion=${revision}&resourceVersionMatch=Exact`;
      return transport.request({ ...request, path: request.path.replace('resourceVersion=0', exact) });
    },
    close: () => transport.close(),
  });
};

test.each(['stateless', 'last-state', 'savepoint'] as const)(
  'A JobManager that a list from an API server behind the others does not have is not taken for lost (%s)',
  async (upgradeMode) => {
    const sim = await operatorWorld();
    const revision = sim.world.store.revision;
    const first = createOperator(sim.env('first'));
    await sim.drive(first.start());
    const { spec, ...rest } = statefulDeployment('default', 'app');
    await sim.drive(
      sim.admin.create(FlinkDeployments, { ...rest, spec: { ...spec, job: { ...spec.job, upgradeMode } } }),
    );
    expect(await sim.until(() => stateOf(sim) === 'RUNNING', 120_000)).toBe(true);
    await sim.drive(first.stop());

    const asked: string[] = [];
    const second = createOperator(sim.env('second', undefined, behind(sim, 'deployments', revision, asked)));
    await sim.drive(second.start());
    await sim.clock.advance(120_000, 500_000);
    expect(asked).toEqual([]);
    expect([startsOf(sim), stateOf(sim)]).toEqual([1, 'RUNNING']);
    await sim.drive(second.stop());
    sim.world.stop();
  },
);

test('A JobManager’s pod that such a list does not have is not taken for restarted, which without high availability loses the job', async () => {
  const sim = await operatorWorld();
  const revision = sim.world.store.revision;
  const first = createOperator(sim.env('first'));
  await sim.drive(first.start());
  const { spec, ...rest } = statefulDeployment('default', 'app');
  const { 'high-availability.type': _, ...flinkConfiguration } = spec.flinkConfiguration ?? {};
  await sim.drive(sim.admin.create(FlinkDeployments, { ...rest, spec: { ...spec, flinkConfiguration } }));
  const newest = (): unknown => {
    const found = sim.world.server.server.reader.get('flink.apache.org', 'flinkdeployments', 'default', 'app');
    return (found as { status?: { jobStatus?: { newestCheckpoint?: unknown } } } | undefined)?.status?.jobStatus
      ?.newestCheckpoint;
  };
  expect(await sim.until(() => newest() !== undefined && newest() !== null, 180_000)).toBe(true);
  await sim.drive(first.stop());

  const asked: string[] = [];
  const second = createOperator(sim.env('second', undefined, behind(sim, 'pods', revision, asked)));
  await sim.drive(second.start());
  await sim.clock.advance(120_000, 500_000);
  expect(asked).toEqual([]);
  expect([startsOf(sim), stateOf(sim)]).toEqual([1, 'RUNNING']);
  await sim.drive(second.stop());
  sim.world.stop();
});

test.each(['flinkdeployments', 'deployments'])(
  'A session job is cancelled when it is deleted, also where a list of %s does not have its cluster yet',
  async (plural) => {
    const sim = await operatorWorld();
    const revision = sim.world.store.revision;
    async function* jar(): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('a jar');
    }
    const artifacts = async () => jar();
    const first = createOperator({ ...sim.env('first'), artifacts });
    await sim.drive(first.start());
    const { spec, ...rest } = statefulDeployment('default', 'session');
    const { job: _, ...ofSession } = spec;
    const { 'high-availability.type': __, ...flinkConfiguration } = spec.flinkConfiguration ?? {};
    await sim.drive(sim.admin.create(FlinkDeployments, { ...rest, spec: { ...ofSession, flinkConfiguration } }));
    const sessionJob: FlinkSessionJob = {
      apiVersion: 'flink.apache.org/v1beta1',
      kind: 'FlinkSessionJob',
      metadata: { name: 'app', namespace: 'default' },
      spec: {
        deploymentName: 'session',
        job: { jarURI: 'https://example.com/job.jar', parallelism: 1, upgradeMode: 'stateless' },
      },
    };
    await sim.drive(sim.admin.create(FlinkSessionJobs, sessionJob));
    const read = (): FlinkSessionJob | undefined =>
      sim.world.server.server.reader.get('flink.apache.org', 'flinksessionjobs', 'default', 'app') as never;
    expect(await sim.until(() => read()?.status?.jobStatus?.state === 'RUNNING', 180_000)).toBe(true);
    await sim.drive(first.stop());
    await sim.drive(sim.admin.delete(FlinkSessionJobs, 'default', 'app'));

    const second = createOperator({ ...sim.env('second', undefined, behind(sim, plural, revision, [])), artifacts });
    await sim.drive(second.start());
    expect(await sim.until(() => read() === undefined, 120_000)).toBe(true);
    const jobs = [...(sim.world.fabric.leader('default/session')?.jobs.values() ?? [])];
    expect(jobs.map(({ state }) => state)).toEqual(['CANCELED']);
    await sim.drive(second.stop());
    sim.world.stop();
  },
);
