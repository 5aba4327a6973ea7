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
  spawnSync('node', ['scripts/drey.mjs', 'flink', 'path', '1.18'], { cwd: join(import.meta.dirname, '..', '..') })
    .status === 0;
const missing = !classPath.found
  ? classPath.why
  : !hasFlink
    ? 'Flink 1.18 is not installed (drey flink install 1.18)'
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

/** Version 1.7.0 of the operator has no Java 17 options of its own, and the mounted configuration hides the image's. */
const java17Options = [
  'java.lang',
  'java.net',
  'java.io',
  'java.nio',
  'sun.nio.ch',
  'java.lang.reflect',
  'java.text',
  'java.time',
  'java.util',
  'java.util.concurrent',
  'java.util.concurrent.atomic',
  'java.util.concurrent.locks',
]
  .map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`)
  .join(' ');

describe.skipIf(missing !== undefined)('the Apache operator (Java), unchanged, on the embedded cluster', () => {
  let cluster: TestCluster;
  let operator: ChildProcess | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'drey-apache-'));
  const logFile = join(folder, 'operator.log');
  const hostsFile = join(folder, 'hosts');

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
    // The operator runs outside the cluster: it finds Services by name through a hosts file of its own.
    writeFileSync(hostsFile, '127.0.0.1 localhost\n');
    const nameOptions = [`-Djdk.net.hosts.file=${hostsFile}`, '-Dsun.net.inetaddr.negative.ttl=0'];
    const log = openSync(logFile, 'a');
    operator = spawn(
      'java',
      ['-Xmx512m', ...nameOptions, '-cp', jars.join(':'), 'org.apache.flink.kubernetes.operator.FlinkOperator'],
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

  /** Waits for a Service and writes its address into the hosts file, which Java reads at every look-up. */
  async function nameService(name: string): Promise<void> {
    for (const end = performance.now() + 60_000; performance.now() < end; ) {
      const address = cluster.kubectl(
        'get',
        'services',
        '-o',
        `jsonpath={.items[?(@.metadata.name=="${name}")].spec.clusterIP}`,
      );
      if (address !== '') return writeFileSync(hostsFile, `127.0.0.1 localhost\n${address} ${name}.default\n`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    throw new Error(`the operator made no Service ${name} within 60 s`);
  }

  afterAll(async () => {
    operator?.kill('SIGKILL');
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('deploys a job on real Flink 1.18 to RUNNING, and deletes it', async () => {
    cluster.apply(
      example('apache', (object) => {
        object.spec.image = 'flink:1.18';
        object.spec.flinkVersion = 'v1_18';
        object.spec.flinkConfiguration = {
          ...object.spec.flinkConfiguration,
          'env.java.opts.all': java17Options,
          // Before 1.19 a number of milliseconds, without a unit.
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
      await nameService('apache-rest');
      await cluster.reach(
        'apache',
        'RUNNING',
        (object) => {
          if (object.status?.jobManagerDeploymentStatus === 'ERROR')
            throw new Error(object.status.error ?? 'the JobManager failed');
          return object.status?.jobStatus?.state === 'RUNNING';
        },
        180_000,
      );
    } catch (error) {
      const jobManager = cluster
        .kubectl('logs', 'deployment/apache')
        .split('\n')
        .filter((line) => /ERROR|Caused by|Exception/.test(line))
        .slice(0, 30)
        .join('\n');
      throw new Error(
        `${String(error)}\nthe JobManager's log ends in:\n${jobManager}\nthe operator's log ends in:\n${readFileSync(logFile, 'utf8').slice(-2000)}`,
      );
    }
    const overview = await cluster.flink<{ jobs: { state: string }[] }>('apache', '/jobs/overview');
    expect(overview.jobs.map((one) => one.state)).toEqual(['RUNNING']);
    cluster.kubectl('delete', 'flinkdeployment', 'apache', '--timeout=120s');
    expect(cluster.kubectl('get', 'deployments,pods', '-o', 'name').trim()).toBe('');
  });
});
