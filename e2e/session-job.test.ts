import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FlinkSessionJob } from '@drey/api';
import { localDistributions } from '@drey/devcluster';
import { systemDistribution } from '@drey/flink';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../scripts/process.ts';
import { example, hasKubectl, startDrey, type TestCluster } from './support/drey.ts';

/**
 * Two session jobs on a real session cluster, through `drey up`: submitted from files, upgraded with a savepoint, suspended,
 * resumed, cancelled by somebody else, and deleted. Runs with every one of the versions that is installed (`drey flink install
 * 1.20`), and needs kubectl; skipped otherwise.
 */

const VERSIONS = ['1.20', '2.3'] as const;
const find = localDistributions(systemDistribution());
const installed = await Promise.all(VERSIONS.map(async (version) => ({ version, distribution: await find(version) })));
const CLUSTER = 'session';

interface Job {
  readonly jid: string;
  readonly state: string;
}

const possible = hasKubectl ? installed.filter(({ distribution }) => distribution !== undefined) : [];

describe.skipIf(possible.length === 0).each(possible)('Session jobs on Flink $version', ({ version, distribution }) => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await startDrey('session-job');
  });

  afterAll(() => cluster?.stop());

  const jar = (name: string): string =>
    `file://${join(distribution?.home ?? '', 'examples', 'streaming', `${name}.jar`)}`;

  function sessionJob(name: string, job: FlinkSessionJob['spec']['job']): FlinkSessionJob {
    return {
      apiVersion: 'flink.apache.org/v1beta1',
      kind: 'FlinkSessionJob',
      metadata: { name, namespace: 'default' },
      spec: {
        deploymentName: CLUSTER,
        // The state of this example in Flink 2 cannot be written in the canonical format.
        flinkConfiguration: { 'kubernetes.operator.savepoint.format.type': 'NATIVE' },
        job: { jarURI: jar('StateMachineExample'), parallelism: 1, ...job },
      },
    };
  }

  const get = (name: string): FlinkSessionJob =>
    JSON.parse(cluster.kubectl('get', 'sessionjob', name, '-o', 'json')) as FlinkSessionJob;

  async function reach(
    name: string,
    what: string,
    holds: (object: FlinkSessionJob) => boolean,
    timeoutMs = 120_000,
  ): Promise<FlinkSessionJob> {
    let last: FlinkSessionJob | undefined;
    for (const limit = performance.now() + timeoutMs; performance.now() < limit; ) {
      last = get(name);
      if (holds(last)) return last;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`${name} did not reach "${what}": ${JSON.stringify(last?.status, null, 1)}`);
  }

  const isStable = ({ status, metadata }: FlinkSessionJob): boolean =>
    status?.lifecycleState === 'STABLE' &&
    status.jobStatus?.state === 'RUNNING' &&
    status.observedGeneration === metadata.generation;

  const patch = (name: string, job: object): string =>
    cluster.kubectl('patch', 'sessionjob', name, '--type', 'merge', '-p', JSON.stringify({ spec: { job } }));

  const jobs = async (): Promise<readonly Job[]> =>
    (await cluster.flink<{ jobs: readonly Job[] }>(CLUSTER, '/jobs/overview')).jobs;

  async function restoredFrom(jobId: string | null | undefined): Promise<string | undefined> {
    const { latest } = await cluster.flink<{ latest: { restored?: { external_path?: string } | null } }>(
      CLUSTER,
      `/jobs/${jobId}/checkpoints`,
    );
    return latest.restored?.external_path;
  }

  const filesAt = (uri: string | null | undefined): boolean => existsSync((uri ?? '').replace(/^file:\/*/, '/'));

  it('wait for their cluster and say so, then run on it, both from files', async () => {
    cluster.apply(sessionJob('first', { upgradeMode: 'savepoint' }));
    cluster.apply(sessionJob('second', { upgradeMode: 'last-state' }));
    const waiting = await reach('first', 'waiting', ({ status }) => status?.summary !== undefined);
    expect(waiting.status?.summary).toContain('Waiting for the FlinkDeployment session');
    const session = example(CLUSTER);
    const { job: _, ...spec } = session.spec;
    const flinkVersion = version === '2.3' ? 'v2_3' : 'v1_20';
    cluster.apply({ ...session, spec: { ...spec, image: `flink:${version}`, flinkVersion } });
    const [first, second] = [await reach('first', 'stable', isStable), await reach('second', 'stable', isStable)];
    const listed = await jobs();
    expect(listed.map((one) => one.jid).sort()).toEqual(
      [first.status?.jobStatus?.jobId, second.status?.jobStatus?.jobId].sort(),
    );
    // The jobs have copies of their own; nothing of the jars is left.
    expect(await cluster.flink<{ files: readonly unknown[] }>(CLUSTER, '/jars')).toMatchObject({ files: [] });
    cluster.kubectl('wait', 'sessionjob/first', 'sessionjob/second', '--for=condition=Ready', '--timeout=10s');
  });

  it('are upgraded with a savepoint, one without the other', async () => {
    const before = get('second').status?.jobStatus?.jobId;
    const old = get('first').status?.jobStatus?.jobId;
    patch('first', { parallelism: 2 });
    const upgraded = await reach(
      'first',
      'upgraded',
      (object) => isStable(object) && object.status?.jobStatus?.jobId !== old,
    );
    const path = upgraded.status?.jobStatus?.upgradeSavepointPath;
    expect(filesAt(path)).toBe(true);
    expect(await restoredFrom(upgraded.status?.jobStatus?.jobId)).toBe(path);
    expect(get('second').status?.jobStatus?.jobId).toBe(before);
    const states = (await jobs()).map((one) => one.state).sort();
    expect(states).toEqual(['FINISHED', 'RUNNING', 'RUNNING']);
  });

  it('are suspended and resumed with their state', async () => {
    patch('first', { state: 'suspended' });
    const suspended = await reach('first', 'suspended', ({ status }) => status?.lifecycleState === 'SUSPENDED');
    expect(suspended.status?.jobStatus?.state).toBe('FINISHED');
    expect(suspended.status?.jobStatus?.jobId ?? undefined).toBeUndefined();
    patch('first', { state: 'running' });
    const resumed = await reach('first', 'resumed', isStable);
    expect(await restoredFrom(resumed.status?.jobStatus?.jobId)).toBe(
      suspended.status?.jobStatus?.upgradeSavepointPath,
    );
  });

  it('are started again from their last checkpoint when somebody else cancels them', async () => {
    const old = get('second').status?.jobStatus?.jobId;
    const ip = cluster.kubectl('get', 'service', `${CLUSTER}-rest`, '-o', 'jsonpath={.spec.clusterIP}');
    await fetch(`http://${ip}:8081/jobs/${old}?mode=cancel`, { method: 'PATCH' });
    const again = await reach(
      'second',
      'running again',
      (object) => isStable(object) && object.status?.jobStatus?.jobId !== old,
    );
    expect(await restoredFrom(again.status?.jobStatus?.jobId)).toMatch(new RegExp(`${old}/chk-\\d+$`));
  });

  it('heal when a wrong jar is corrected', async () => {
    cluster.apply(sessionJob('wrong', { jarURI: jar('Missing') }));
    const failed = await reach('wrong', 'told', ({ status }) => (status?.error ?? '').includes('E_ARTIFACT_NOT_FOUND'));
    expect(failed.status?.lifecycleState).toBe('UPGRADING');
    patch('wrong', { jarURI: jar('WordCount') });
    const ended = await reach('wrong', 'finished', ({ status }) => status?.jobStatus?.state === 'FINISHED');
    expect(ended.status?.lifecycleState).toBe('STABLE');
    expect(ended.status?.error ?? undefined).toBeUndefined();
  });

  it('are shown by drey get and drey status', () => {
    const drey = (...args: string[]): string =>
      spawnSync(process.execPath, [join(root, 'packages', 'cli', 'src', 'main.ts'), ...args], { encoding: 'utf8' })
        .stdout;
    const listed = drey('get', '--kubeconfig', cluster.kubeconfig);
    expect(listed).toMatch(/sessionjob\/first +STABLE +RUNNING/);
    expect(drey('status', '--name', cluster.name)).toMatch(/sessionjob\/second +STABLE +RUNNING/);
  });

  it('are deleted with their jobs, and only then their cluster goes', async () => {
    cluster.kubectl('delete', 'flinkdeployment', CLUSTER, '--wait=false');
    cluster.kubectl('delete', 'sessionjob', 'first', 'wrong', '--timeout=60s');
    const running = (await jobs()).filter((one) => one.state === 'RUNNING');
    expect(running.map((one) => one.jid)).toEqual([get('second').status?.jobStatus?.jobId]);
    cluster.kubectl('delete', 'sessionjob', 'second', '--timeout=60s');
    cluster.kubectl('wait', '--for=delete', `flinkdeployment/${CLUSTER}`, '--timeout=60s');
    expect(cluster.kubectl('get', 'pods', '-o', 'name')).toBe('');
  });
});
