import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FlinkSessionJob } from '@drey/api';
import { localDistributions } from '@drey/devcluster';
import { systemDistribution } from '@drey/flink';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../scripts/process.ts';
import { hasKubectl, startDrey, type TestCluster } from './support/drey.ts';
import {
  isSessionJobStable,
  type SessionPair,
  sessionCluster,
  sessionJob,
  sessionPair,
} from './support/session-job.ts';

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

  const jar = (name: string): string => join(distribution?.home ?? '', 'examples', 'streaming', `${name}.jar`);

  /** The state of this example in Flink 2 cannot be written in the canonical format. */
  const job = (name: string, wanted: FlinkSessionJob['spec']['job'] = {}, file = jar('StateMachineExample')) => {
    const made = sessionJob({ name, namespace: 'default' }, CLUSTER, file, wanted);
    const flinkConfiguration = { 'kubernetes.operator.savepoint.format.type': 'NATIVE' };
    return { ...made, spec: { ...made.spec, flinkConfiguration } };
  };

  const pair = (name: string): SessionPair => sessionPair(cluster, 'default', CLUSTER, name);

  const patch = (name: string, job: object): string =>
    cluster.kubectl('patch', 'sessionjob', name, '--type', 'merge', '-p', JSON.stringify({ spec: { job } }));

  const jobs = async (): Promise<readonly Job[]> =>
    (await cluster.flink<{ jobs: readonly Job[] }>(CLUSTER, '/jobs/overview')).jobs;

  const filesAt = (uri: string | null | undefined): boolean => existsSync((uri ?? '').replace(/^file:\/*/, '/'));

  it('wait for their cluster and say so, then run on it, both from files', async () => {
    cluster.apply(job('first', { upgradeMode: 'savepoint' }));
    cluster.apply(job('second', { upgradeMode: 'last-state' }));
    const waiting = await pair('first').reach('waiting', ({ status }) => status?.summary !== undefined);
    expect(waiting.status?.summary).toContain('Waiting for the FlinkDeployment session');
    cluster.apply(
      sessionCluster(CLUSTER, ({ spec }) => {
        spec.image = `flink:${version}`;
        spec.flinkVersion = version === '2.3' ? 'v2_3' : 'v1_20';
      }),
    );
    const [first, second] = [
      await pair('first').reach('stable', isSessionJobStable),
      await pair('second').reach('stable', isSessionJobStable),
    ];
    const listed = await jobs();
    expect(listed.map((one) => one.jid).sort()).toEqual(
      [first.status?.jobStatus?.jobId, second.status?.jobStatus?.jobId].sort(),
    );
    // The jobs have copies of their own; nothing of the jars is left.
    expect(await cluster.flink<{ files: readonly unknown[] }>(CLUSTER, '/jars')).toMatchObject({ files: [] });
    cluster.kubectl('wait', 'sessionjob/first', 'sessionjob/second', '--for=condition=Ready', '--timeout=10s');
  });

  it('are upgraded with a savepoint, one without the other', async () => {
    const before = pair('second').job().status?.jobStatus?.jobId;
    const old = pair('first').job().status?.jobStatus?.jobId;
    patch('first', { parallelism: 2 });
    const upgraded = await pair('first').reach(
      'upgraded',
      (object) => isSessionJobStable(object) && object.status?.jobStatus?.jobId !== old,
    );
    const path = upgraded.status?.jobStatus?.upgradeSavepointPath;
    expect(filesAt(path)).toBe(true);
    expect((await pair('first').restored()).external_path).toBe(path);
    expect(pair('second').job().status?.jobStatus?.jobId).toBe(before);
    const states = (await jobs()).map((one) => one.state).sort();
    expect(states).toEqual(['FINISHED', 'RUNNING', 'RUNNING']);
  });

  it('are suspended and resumed with their state', async () => {
    patch('first', { state: 'suspended' });
    const suspended = await pair('first').reach('suspended', ({ status }) => status?.lifecycleState === 'SUSPENDED');
    expect(suspended.status?.jobStatus?.state).toBe('FINISHED');
    expect(suspended.status?.jobStatus?.jobId ?? undefined).toBeUndefined();
    patch('first', { state: 'running' });
    await pair('first').reach('resumed', isSessionJobStable);
    expect((await pair('first').restored()).external_path).toBe(suspended.status?.jobStatus?.upgradeSavepointPath);
  });

  it('are started again from their last checkpoint when somebody else cancels them', async () => {
    const old = pair('second').job().status?.jobStatus?.jobId;
    const ip = cluster.kubectl('get', 'service', `${CLUSTER}-rest`, '-o', 'jsonpath={.spec.clusterIP}');
    await fetch(`http://${ip}:8081/jobs/${old}?mode=cancel`, { method: 'PATCH' });
    await pair('second').reach(
      'running again',
      (object) => isSessionJobStable(object) && object.status?.jobStatus?.jobId !== old,
    );
    expect((await pair('second').restored()).external_path).toMatch(new RegExp(`${old}/chk-\\d+$`));
  });

  it('heal when a wrong jar is corrected', async () => {
    cluster.apply(job('wrong', {}, jar('Missing')));
    const failed = await pair('wrong').reach('told', ({ status }) =>
      (status?.error ?? '').includes('E_ARTIFACT_NOT_FOUND'),
    );
    expect(failed.status?.lifecycleState).toBe('UPGRADING');
    patch('wrong', { jarURI: `file://${jar('WordCount')}` });
    const ended = await pair('wrong').reach('finished', ({ status }) => status?.jobStatus?.state === 'FINISHED');
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

  it('are named, with what becomes of their state, by the plan of a change of their cluster', () => {
    const { metadata, spec, ...rest } = cluster.deployment(CLUSTER);
    const taskManager = { ...spec.taskManager, resource: { cpu: 1, memory: '1600m' } };
    const changed = { ...rest, metadata: { name: metadata.name }, spec: { ...spec, taskManager } };
    const args = ['plan', '-f', '-', '-o', 'json', '--kubeconfig', cluster.kubeconfig];
    const main = join(root, 'packages', 'cli', 'src', 'main.ts');
    const done = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', input: JSON.stringify(changed) });
    expect(done.status, done.stderr).toBe(10);
    const text = JSON.stringify(JSON.parse(done.stdout));
    expect(text).toContain('"first"');
    expect(text).toContain('"second"');
    expect(text).not.toContain('"lost"');
  });

  it('are deleted with their jobs, and only then their cluster goes', async () => {
    cluster.kubectl('delete', 'flinkdeployment', CLUSTER, '--wait=false');
    cluster.kubectl('delete', 'sessionjob', 'first', 'wrong', '--timeout=60s');
    const running = (await jobs()).filter((one) => one.state === 'RUNNING');
    expect(running.map((one) => one.jid)).toEqual([pair('second').job().status?.jobStatus?.jobId]);
    cluster.kubectl('delete', 'sessionjob', 'second', '--timeout=60s');
    cluster.kubectl('wait', '--for=delete', `flinkdeployment/${CLUSTER}`, '--timeout=60s');
    expect(cluster.kubectl('get', 'pods', '-o', 'name')).toBe('');
  });
});
