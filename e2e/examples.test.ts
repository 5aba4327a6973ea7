import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { localDistributions } from '@drey/devcluster';
import { systemDistribution } from '@drey/flink';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../scripts/process.ts';
import { hasKubectl, isStable, startDrey, type TestCluster } from './support/drey.ts';
import { flinkJob } from './support/flink-job.ts';
import { isSessionJobStable, sessionPair } from './support/session-job.ts';

/** Every file of examples/ as it stands, and with the image and version of a newer line; on real Flink. */

const FOLDER = join(root, 'examples');
const JAR = '/tmp/TopSpeedWindowing.jar';
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
/** Those that run a job of their own, and what shows that they do what they are there for. */
const APPLICATIONS: Readonly<Record<string, (cluster: TestCluster, name: string) => Promise<void> | void>> = {
  'basic.yaml': () => undefined,
  'standalone.yaml': (cluster, name) => {
    expect(cluster.kubectl('get', 'deployment', `${name}-taskmanager`, '-o', 'name')).toContain(name);
  },
  'high-availability.yaml': (cluster, name) => {
    const pods = cluster.kubectl('get', 'pods', '-l', `app=${name},component=jobmanager`, '-o', 'name');
    expect(pods.trim().split('\n')).toHaveLength(2);
  },
  'ingress.yaml': (cluster, name) => {
    const host = 'jsonpath={.spec.ingressClassName} {.spec.rules[0].host}';
    expect(cluster.kubectl('get', 'ingress', name, '-o', host)).toBe(`nginx ${name}.default.flink.example.com`);
  },
  'reactive.yaml': async (cluster, name) => {
    cluster.kubectl('scale', 'flinkdeployment', name, '--replicas', '2');
    cluster.kubectl('rollout', 'status', `deployment/${name}-taskmanager`, '--timeout=60s');
    await flinkJob(cluster, name).tasksRun();
  },
  'logging.yaml': (cluster, name) => {
    expect(cluster.kubectl('logs', `deployment/${name}`, '--tail=20')).toMatch(/INFO {2}org\.apache\.flink/);
  },
  'pod-template.yaml': (cluster, name) => {
    const jobManager = `deployment/${name}`;
    expect(cluster.kubectl('logs', jobManager, '-c', 'sidecar')).toContain('beside Flink');
    const greeting = ['exec', jobManager, '-c', 'flink-main-container', '--', 'sh', '-c', 'echo "$GREETING"'];
    expect(cluster.kubectl(...greeting).trim()).toBe('hello, JobManager');
  },
  // The last one: its job is the one that snapshots.yaml is about.
  'state-machine.yaml': () => undefined,
};
const VERSIONS = ['1.20', '2.3'] as const;
const find = localDistributions(systemDistribution());
const homes = new Map(await Promise.all(VERSIONS.map(async (line) => [line, (await find(line))?.home] as const)));
const possible = hasKubectl ? VERSIONS.filter((line) => homes.get(line) !== undefined) : [];

describe.skipIf(possible.length === 0)('examples/', () => {
  it('has one test for each file', () => {
    const others = ['canary.yaml', 'session-cluster.yaml', 'session-job.yaml', 'snapshots.yaml'];
    expect([...Object.keys(APPLICATIONS), ...others].sort()).toEqual(files.sort());
  });
});

describe.skipIf(possible.length === 0).each(possible)('the examples on Flink %s', (line) => {
  let cluster: TestCluster;
  const text = (file: string): string =>
    readFileSync(join(FOLDER, file), 'utf8')
      .replaceAll('flink:1.20', `flink:${line}`)
      .replaceAll('v1_20', `v${line.replace('.', '_')}`)
      // The state of this example in Flink 2 cannot be written in the canonical format.
      .replace('# formatType: NATIVE', line === '1.20' ? '#' : 'formatType: NATIVE');
  const nameIn = (file: string): string => /^ {2}name: (\S+)/m.exec(text(file))?.[1] ?? '';
  const remove = (file: string): void => {
    cluster.kubectl('delete', 'flinkdeployment', nameIn(file), '--timeout=60s');
  };

  beforeAll(async () => {
    rmSync('/tmp/drey', { recursive: true, force: true });
    cluster = await startDrey(`e2e-examples-${line.replace('.', '-')}`);
  });
  afterAll(async () => {
    await cluster?.stop();
    rmSync('/tmp/drey', { recursive: true, force: true });
    rmSync(JAR, { force: true });
  });

  it.each(Object.entries(APPLICATIONS))('%s runs and does what it is there for', async (file, shown) => {
    cluster.apply(text(file));
    const name = nameIn(file);
    await cluster.reach(name, 'running', isStable, 120_000);
    cluster.kubectl('wait', `flinkdeployment/${name}`, '--for=condition=Ready', '--timeout=10s');
    await flinkJob(cluster, name).tasksRun();
    await shown(cluster, name);
    if (file !== 'state-machine.yaml') remove(file);
  });

  it('snapshots.yaml takes a savepoint and a checkpoint of state-machine.yaml', () => {
    cluster.apply(text('snapshots.yaml'));
    cluster.kubectl('wait', 'flinksnp/before-the-change', 'flinksnp/now', '--for=condition=Ready', '--timeout=60s');
    cluster.kubectl('wait', 'flinksnp/from-elsewhere', '--for=condition=Ready', '--timeout=10s');
    cluster.kubectl('delete', 'flinksnp', '--all', '--timeout=60s');
    remove('state-machine.yaml');
  });

  it('session-job.yaml runs on session-cluster.yaml', async () => {
    copyFileSync(join(homes.get(line) ?? '', 'examples', 'streaming', 'TopSpeedWindowing.jar'), JAR);
    cluster.apply(`${text('session-cluster.yaml')}\n---\n${text('session-job.yaml')}`);
    await sessionPair(cluster, 'default', nameIn('session-cluster.yaml'), nameIn('session-job.yaml')).reach(
      'running',
      isSessionJobStable,
    );
    cluster.kubectl('delete', 'flinksessionjob', '--all', '--timeout=60s');
    remove('session-cluster.yaml');
  });

  it('canary.yaml is watched and never deployed', async () => {
    cluster.apply(text('canary.yaml'));
    const nonce = () => cluster.kubectl('get', 'flinkdeployment', 'canary', '-o', 'jsonpath={.spec.restartNonce}');
    await expect.poll(nonce, { timeout: 10_000 }).toBe('1');
    const { status } = cluster.deployment('canary');
    expect(status).toBeUndefined();
    const listed = spawnSync(
      process.execPath,
      [join(root, 'packages', 'cli', 'src', 'main.ts'), 'get', '--kubeconfig', cluster.kubeconfig],
      { encoding: 'utf8' },
    );
    expect(listed.stdout + listed.stderr).toContain('canary');
    expect(listed.status).toBe(0);
    remove('canary.yaml');
    expect(cluster.kubectl('get', 'deployments,pods', '-o', 'name')).toBe('');
  });
});
