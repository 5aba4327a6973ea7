import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, hasKubectl, startDrey, type TestCluster } from '../support/drey.ts';
import { apacheOperatorClassPath } from './class-path.ts';

const classPath = apacheOperatorClassPath();
const hasFlink =
  spawnSync('node', ['scripts/drey.mjs', 'flink', 'path', '1.17'], { cwd: join(import.meta.dirname, '..', '..') })
    .status === 0;
const missing = !classPath.found
  ? classPath.why
  : !hasFlink
    ? 'Flink 1.17 is not installed (drey flink install 1.17)'
    : !hasKubectl
      ? 'kubectl is not installed'
      : undefined;
if (missing !== undefined) process.stdout.write(`SKIPPED, the Apache operator on the embedded cluster: ${missing}\n`);

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

describe.skipIf(missing !== undefined)('the Apache operator (Java), unchanged, on the embedded cluster', () => {
  let cluster: TestCluster;
  let operator: ChildProcess | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'drey-apache-'));
  const logFile = join(folder, 'operator.log');

  beforeAll(async () => {
    cluster = await startDrey('e2e-apache', '--no-operator');
    const jars = classPath.found ? classPath.jars : [];
    installCrds(jars);
    const health = await freePort();
    const conf = join(folder, 'conf');
    mkdirSync(conf);
    mkdirSync(join(folder, 'plugins'));
    const settings = {
      'kubernetes.operator.health.probe.enabled': 'true',
      'kubernetes.operator.health.probe.port': String(health),
      'kubernetes.operator.reconcile.interval': '5 s',
      'kubernetes.operator.observer.progress-check.interval': '2 s',
      'kubernetes.operator.observer.rest-ready.delay': '1 s',
    };
    writeFileSync(
      join(conf, 'flink-conf.yaml'),
      Object.entries(settings)
        .map(([key, value]) => `${key}: ${value}\n`)
        .join(''),
    );
    const log = openSync(logFile, 'a');
    operator = spawn(
      'java',
      ['-Xmx512m', '-cp', jars.join(':'), 'org.apache.flink.kubernetes.operator.FlinkOperator'],
      {
        stdio: ['ignore', log, log],
        env: {
          ...process.env,
          KUBECONFIG: cluster.kubeconfig,
          OPERATOR_NAMESPACE: 'default',
          OPERATOR_NAME: 'flink-kubernetes-operator',
          POD_NAME: 'operator',
          HOST_IP: '127.0.0.1',
          POD_IP: '127.0.0.1',
          FLINK_CONF_DIR: conf,
          FLINK_PLUGINS_DIR: join(folder, 'plugins'),
          KUBERNETES_SERVICE_HOST: '127.0.0.1',
        },
      },
    );
  });

  /** The definitions as that very version ships them. */
  function installCrds(jars: readonly string[]): void {
    const api = jars.find((jar) => /flink-kubernetes-operator-api-[^/]*\.jar$/.test(jar)) ?? '';
    const list = execFileSync(
      'python3',
      ['-c', 'import sys,zipfile; print("\\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))', api],
      { encoding: 'utf8' },
    );
    for (const entry of list.split('\n').filter((name) => /META-INF\/fabric8\/.*-v1\.yml$/.test(name))) {
      const text = execFileSync(
        'python3',
        [
          '-c',
          'import sys,zipfile; sys.stdout.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode())',
          api,
          entry,
        ],
        { encoding: 'utf8', maxBuffer: 16 << 20 },
      );
      const file = join(folder, 'crd.yaml');
      writeFileSync(file, text);
      cluster.kubectl('replace', '--force=false', '-f', file);
    }
  }

  afterAll(async () => {
    operator?.kill('SIGKILL');
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('deploys a job on real Flink 1.17 to RUNNING, and deletes it', async () => {
    cluster.apply(
      example('apache', (object) => {
        object.spec.image = 'flink:1.17';
        object.spec.flinkVersion = 'v1_17';
        object.spec.flinkConfiguration = {
          ...object.spec.flinkConfiguration,
          'cluster.registration.error-delay': '500',
        };
        object.spec.job = {
          ...object.spec.job,
          jarURI: 'local:///opt/flink/examples/streaming/StateMachineExample.jar',
          upgradeMode: 'stateless',
        };
      }),
    );
    try {
      await cluster.reach('apache', 'RUNNING', (object) => object.status?.jobStatus?.state === 'RUNNING', 180_000);
    } catch (error) {
      throw new Error(`${String(error)}\nthe operator's log ends in:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
    }
    const overview = await cluster.flink<{ jobs: { state: string }[] }>('apache', '/jobs/overview');
    expect(overview.jobs.map((one) => one.state)).toEqual(['RUNNING']);
    cluster.kubectl('delete', 'flinkdeployment', 'apache', '--timeout=120s');
    expect(cluster.kubectl('get', 'deployments,pods', '-o', 'name').trim()).toBe('');
  });
});
