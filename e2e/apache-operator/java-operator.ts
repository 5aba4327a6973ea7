import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlinkDeployment } from '@drey/api';
import { root } from '../../scripts/process.ts';
import { example, hasKubectl, type TestCluster } from '../support/drey.ts';
import { apacheOperatorClassPath } from './class-path.ts';

const MAIN_CLASS = 'org.apache.flink.kubernetes.operator.FlinkOperator';
const classPath = apacheOperatorClassPath();
const hasFlink = spawnSync('node', ['scripts/drey.mjs', 'flink', 'path', '1.18'], { cwd: root }).status === 0;

/** Why the Apache operator cannot be run here; undefined when it can. */
export const whyNoJavaOperator: string | undefined = !classPath.found
  ? classPath.why
  : !hasFlink
    ? 'Flink 1.18 is not installed (drey flink install 1.18)'
    : !hasKubectl
      ? 'kubectl is not installed'
      : undefined;

/** The Apache operator (Java) outside the cluster, as one process. */
export interface JavaOperator {
  /**
   * Waits for a Service, not the one that was named before, and tells the operator its address. To be called again after each
   * start of the cluster, which makes the Service anew with another address.
   */
  nameService(name: string): Promise<void>;
  /** The end of its log. */
  log(): string;
  /** Number of lines of its log so far that contain `text`. */
  logged(text: string): number;
  stop(): void;
}

/** Starts it with short intervals against the cluster. */
export async function startJavaOperator(cluster: TestCluster): Promise<JavaOperator> {
  const folder = mkdtempSync(join(tmpdir(), 'drey-apache-'));
  const logFile = join(folder, 'operator.log');
  const hostsFile = join(folder, 'hosts');
  const conf = join(folder, 'conf');
  mkdirSync(conf);
  mkdirSync(join(folder, 'plugins'));
  const settings = {
    'kubernetes.operator.health.probe.enabled': 'true',
    'kubernetes.operator.health.probe.port': String(await freePort()),
    'kubernetes.operator.reconcile.interval': '5 s',
    'kubernetes.operator.observer.progress-check.interval': '2 s',
    'kubernetes.operator.observer.rest-ready.delay': '1 s',
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`);
  writeFileSync(join(conf, 'flink-conf.yaml'), lines.join(''));
  // The operator runs outside the cluster: it finds Services by name through a hosts file of its own.
  const hosts = new Map([['localhost', '127.0.0.1']]);
  const writeHosts = (): void =>
    writeFileSync(hostsFile, [...hosts].map(([name, address]) => `${address} ${name}\n`).join(''));
  writeHosts();
  const namesAreNotKept = ['-Dsun.net.inetaddr.ttl=0', '-Dsun.net.inetaddr.negative.ttl=0'];
  const nameOptions = [`-Djdk.net.hosts.file=${hostsFile}`, ...namesAreNotKept];
  const named = new Map<string, string>();
  const log = openSync(logFile, 'a');
  const child = spawn('java', ['-Xmx512m', ...nameOptions, '-cp', operatorJars().join(':'), MAIN_CLASS], {
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
  });
  return {
    async nameService(name) {
      const one = `.items[?(@.metadata.name=="${name}")]`;
      const path = `jsonpath={${one}.spec.clusterIP} {${one}.metadata.uid}`;
      for (const end = performance.now() + 60_000; performance.now() < end; ) {
        const [address = '', uid = ''] = cluster.kubectl('get', 'services', '-o', path).split(' ');
        if (address !== '' && uid !== named.get(name)) {
          named.set(name, uid);
          hosts.set(`${name}.default`, address);
          return writeHosts();
        }
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
      throw new Error(`there was no Service ${name} within 60 s`);
    },
    log: () => readFileSync(logFile, 'utf8').slice(-2000),
    logged: (text) =>
      readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line.includes(text)).length,
    stop() {
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function operatorJars(): readonly string[] {
  return classPath.found ? classPath.jars : [];
}

/** Puts the definitions in place as that very version ships them. */
export function installItsCrds(cluster: TestCluster): void {
  const api = operatorJars().find((jar) => /flink-kubernetes-operator-api-[^/]*\.jar$/.test(jar)) ?? '';
  const python = (script: string, ...args: string[]): string =>
    execFileSync('python3', ['-c', script, ...args], { encoding: 'utf8', maxBuffer: 16 << 20 });
  const list = python('import sys,zipfile; print("\\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))', api);
  const folder = mkdtempSync(join(tmpdir(), 'drey-crds-'));
  for (const entry of list.split('\n').filter((name) => /META-INF\/fabric8\/.*-v1\.yml$/.test(name))) {
    const read = 'import sys,zipfile; sys.stdout.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode())';
    const file = join(folder, 'crd.yaml');
    writeFileSync(file, python(read, api, entry));
    cluster.kubectl('replace', '--force=false', '-f', file);
  }
  rmSync(folder, { recursive: true, force: true });
}

/** Flink's example as an operator of that version can run it. */
export function olderExample(name: string, change: (object: FlinkDeployment) => void): FlinkDeployment {
  return example(name, (object) => {
    object.spec.image = 'flink:1.18';
    object.spec.flinkVersion = 'v1_18';
    object.spec.flinkConfiguration = {
      ...object.spec.flinkConfiguration,
      'env.java.opts.all': java17Options,
      // Before 1.19 a number of milliseconds, without a unit.
      'cluster.registration.error-delay': '500',
    };
    change(object);
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

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
