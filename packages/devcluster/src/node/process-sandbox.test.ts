import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AnyObject,
  type Container,
  type KubeClient,
  KubeError,
  type Pod,
  type PodSpec,
  systemClock,
} from '@drey/kube';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { detectIsolation, type Isolation } from './isolation.ts';
import { ProcessSandbox, type SandboxEnv } from './process-sandbox.ts';
import { ProcessTable, sessionMembers } from './processes.ts';
import { StartError } from './runtime.ts';

const detected = await detectIsolation();
/** As root both kinds can be tried: plain mount namespaces, and those of a user without rights. */
const isolations =
  detected.type === 'namespaces' ? (detected.user ? [detected] : [detected, { ...detected, user: true }]) : [];
let isolation: Isolation = detected;

let directory: string;
let objects: Record<string, AnyObject>;
let sandboxes: ProcessSandbox[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drey-sandbox-'));
  objects = {};
  sandboxes = [];
});
afterEach(async () => {
  await Promise.all(sandboxes.map((sandbox) => sandbox.destroy({ keepFiles: false })));
  rmSync(directory, { recursive: true, force: true });
});

const client = {
  async get(resource: { plural: string }, _namespace: string, name: string) {
    const found = objects[`${resource.plural}/${name}`];
    if (found === undefined) throw new KubeError('E_KUBE_NOT_FOUND', 'not found', { status: 404 });
    return found;
  },
  raw: async () => ({ status: { token: 'token-of-the-pod' } }),
} as unknown as KubeClient;

async function sandboxOf(spec: Partial<PodSpec>, address = '127.77.0.1'): Promise<ProcessSandbox> {
  if (isolation.type !== 'namespaces') throw new Error('needs namespaces');
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns', uid: `uid-${sandboxes.length}` },
    spec: { containers: [], ...spec },
  };
  const env: SandboxEnv = {
    client,
    clock: systemClock,
    processes: new ProcessTable(join(directory, 'processes'), systemClock),
    isolation,
    images: {
      mappings: {},
      findDistribution: async (version) => ({
        version: version || '1.20.5',
        home: join(directory, 'dist'),
        javaHome: '/java',
        javaMajor: 17,
        archives: {},
      }),
    },
    dataDirectory: directory,
    hostAddress: '127.0.0.1',
    apiServer: { host: '127.0.0.1', port: 6443 },
    nodeAllocatable: {},
    fastStart: true,
    hostname: 'machine',
    services: () => [{ namespace: 'ns', name: 'svc', addresses: ['127.97.0.1'] }],
    ended: () => undefined,
  };
  const sandbox = new ProcessSandbox(env, pod, address);
  sandboxes.push(sandbox);
  await sandbox.prepare(new AbortController().signal);
  return sandbox;
}
const sh = (script: string, more: Partial<Container> = {}): Container => ({
  name: 'c',
  image: 'busybox',
  command: ['sh', '-c', script],
  ...more,
});
const logOf = async (sandbox: ProcessSandbox, container = 'c') => {
  const parts: Uint8Array[] = [];
  const log = sandbox.log(container, false);
  const options = { follow: false, previous: false, timestamps: false };
  for await (const part of log?.read(options, new AbortController().signal) ?? []) parts.push(part);
  return Buffer.concat(parts).toString();
};
const runToEnd = async (sandbox: ProcessSandbox, container: Container) => {
  const running = await sandbox.start(container, 0);
  const exit = await running.exited;
  return { exit, log: await logOf(sandbox) };
};

describe.each(isolations)('process sandbox, user namespace: $user', (kind) => {
  beforeEach(() => {
    isolation = kind;
  });

  it('runs a command with its volumes where it expects them', async () => {
    objects['configmaps/settings'] = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { a: 'A', b: 'B' } };
    const sandbox = await sandboxOf({
      volumes: [
        { name: 'conf', configMap: { name: 'settings' } },
        { name: 'work', emptyDir: {} },
        { name: 'sa', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
      ],
    });
    const { exit, log } = await runToEnd(
      sandbox,
      sh(
        'cat /drey-conf/a /etc/one; echo; cat /var/run/secrets/x/token; echo; echo data > /work-dir/f; cat /work-dir/f; hostname; pwd; grep svc /etc/hosts; ls /drey-conf; touch /usr/no 2>/dev/null || echo read-only; echo $GREETING > /tmp/x; cat /tmp/x',
        {
          workingDir: '/work-dir/sub',
          env: [{ name: 'GREETING', value: 'hello $(KUBERNETES_SERVICE_PORT)' }],
          volumeMounts: [
            { name: 'conf', mountPath: '/drey-conf' },
            { name: 'conf', mountPath: '/etc/one', subPath: 'b' },
            { name: 'work', mountPath: '/work-dir' },
            { name: 'sa', mountPath: '/var/run/secrets/x' },
          ],
        },
      ),
    );
    expect(log.split('\n')).toEqual([
      'AB',
      'token-of-the-pod',
      'data',
      'p',
      '/work-dir/sub',
      '127.97.0.1\tsvc.ns svc.ns.svc svc.ns.svc.cluster.local svc',
      'a',
      'b',
      ...(isolation.type === 'namespaces' && isolation.user ? [] : ['read-only']),
      'hello 6443',
      '',
    ]);
    expect(exit).toEqual({ exitCode: 0, signal: undefined, oomKilled: false, message: '' });
  });

  it('reports exit codes and signals', async () => {
    const sandbox = await sandboxOf({});
    expect((await runToEnd(sandbox, sh('exit 3'))).exit).toMatchObject({ exitCode: 3, signal: undefined });
    const running = await sandbox.start(sh('sleep 60'), 1);
    running.kill('SIGKILL');
    expect(await running.exited).toMatchObject({ exitCode: 137, signal: 9 });
  });

  it('runs arguments alone as the command of a shell image', async () => {
    const sandbox = await sandboxOf({});
    const { log } = await runToEnd(sandbox, { name: 'c', image: 'busybox', args: ['echo', 'hello'] });
    expect(log).toBe('hello\n');
  });

  it('says why a command cannot be run', async () => {
    const sandbox = await sandboxOf({});
    const start = sandbox.start({ name: 'c', image: 'busybox', command: ['no-such-program'] }, 0);
    await expect(start).rejects.toThrow('exec: "no-such-program": executable file not found in $PATH');
    await expect(sandbox.start(sh('true', { image: 'nginx' }), 0)).rejects.toThrow(StartError);
  });

  it('fails while a ConfigMap is missing and succeeds when it is there', async () => {
    const spec = { volumes: [{ name: 'conf', configMap: { name: 'late' } }] };
    await expect(sandboxOf(spec)).rejects.toThrow(
      'MountVolume.SetUp failed for volume "conf" : configmap "late" not found',
    );
    objects['configmaps/late'] = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { a: 'A' } };
    await sandboxes[0]?.prepare(new AbortController().signal);
  });

  it('runs probes and commands inside of the container', async () => {
    const sandbox = await sandboxOf({ volumes: [{ name: 'work', emptyDir: {} }] });
    const container = sh('touch /work-dir/up; sleep 60', {
      env: [{ name: 'WHO', value: 'me' }],
      volumeMounts: [{ name: 'work', mountPath: '/work-dir' }],
    });
    await sandbox.start(container, 0);
    let outcome = await sandbox.probe(container, { exec: { command: ['cat', '/work-dir/up'] } }, 5000);
    for (let i = 0; i < 20 && !outcome.ok; i++)
      outcome = await sandbox.probe(container, { exec: { command: ['cat', '/work-dir/up'] } }, 5000);
    expect(outcome).toEqual({ ok: true });
    expect(await sandbox.probe(container, { exec: { command: ['cat', '/work-dir/no'] } }, 5000)).toMatchObject({
      ok: false,
      message: expect.stringContaining('No such file'),
    });
    expect(await sandbox.probe(container, { exec: { command: ['sleep', '9'] } }, 100)).toMatchObject({ ok: false });
    expect(await sandbox.probe(container, { tcpSocket: { port: 1 } }, 500)).toMatchObject({ ok: false });
    const session = await sandbox.exec('c', ['sh', '-c', 'read x; echo "$WHO got $x"; exit 4'], {
      stdin: true,
      tty: false,
    });
    session.write(Buffer.from('mail\n'));
    session.closeStdin();
    const parts: Uint8Array[] = [];
    for await (const part of session.stdout) parts.push(part);
    expect(Buffer.concat(parts).toString()).toBe('me got mail\n');
    expect(await session.exit).toEqual({ code: 4 });
  });

  it('gives exec a terminal when asked', async () => {
    const sandbox = await sandboxOf({});
    await sandbox.start(sh('sleep 60'), 0);
    const session = await sandbox.exec('c', ['sh', '-c', 'test -t 0 && echo terminal; exit 5'], {
      stdin: true,
      tty: true,
    });
    const parts: Uint8Array[] = [];
    for await (const part of session.stdout) parts.push(part);
    expect(Buffer.concat(parts).toString()).toContain('terminal');
    expect(await session.exit).toEqual({ code: 5 });
  });

  it('leaves no process and no file behind', async () => {
    const sandbox = await sandboxOf({});
    const running = await sandbox.start(sh('sleep 67 & setsid sleep 68 & sleep 67'), 0);
    const pids = sandbox.running().map((r) => r.pid);
    expect(running.id).toBe('drey://uid-0/c/0');
    await sandbox.destroy({ keepFiles: false });
    expect(pids.flatMap(sessionMembers)).toEqual([]);
  });

  it('makes a Flink image of a distribution: entrypoint, own conf with the pod address, read-only lib', async () => {
    const dist = join(directory, 'dist');
    for (const name of ['bin', 'conf', 'lib', 'opt', 'plugins/metrics'])
      mkdirSync(join(dist, name), { recursive: true });
    writeFileSync(join(dist, 'conf/config.yaml'), 'jobmanager:\n  bind-host: localhost\n');
    writeFileSync(join(dist, 'lib/flink-dist.jar'), 'dist');
    writeFileSync(join(dist, 'opt/s3.jar'), 's3');
    writeFileSync(
      join(dist, 'bin/standalone-job.sh'),
      '#!/bin/sh\necho "$@"; pwd; cat /opt/flink/conf/config.yaml; cat /opt/flink/lib/*.jar; ls /opt/flink/plugins /opt/flink/plugins/s3; grep localhost /etc/hosts; echo $FLINK_HOME\n',
      { mode: 0o755 },
    );
    objects['configmaps/jars'] = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { 'my.jar': 'mine' } };
    const container: Container = {
      name: 'c',
      image: 'flink:1.20',
      args: ['standalone-job', '-c', 'X'],
      env: [{ name: 'ENABLE_BUILT_IN_PLUGINS', value: 's3.jar' }],
      volumeMounts: [{ name: 'jars', mountPath: '/opt/flink/lib/my.jar', subPath: 'my.jar' }],
    };
    const sandbox = await sandboxOf({
      containers: [container],
      volumes: [{ name: 'jars', configMap: { name: 'jars' } }],
    });
    const { log } = await runToEnd(sandbox, container);
    expect(log.split('\n')).toEqual([
      'start-foreground -c X',
      '/opt/flink',
      'jobmanager:',
      '  bind-host: localhost',
      'jobmanager.rpc.address: p',
      'blob.server.port: 6124',
      'query.server.port: 6125',
      'jobmanager.bind-host: 127.77.0.1',
      'rest.bind-address: 127.77.0.1',
      'cluster.registration.error-delay: 500 ms',
      'distmine/opt/flink/plugins:',
      'metrics',
      's3',
      '',
      '/opt/flink/plugins/s3:',
      's3.jar',
      '127.77.0.1\tlocalhost',
      '/opt/flink',
      '',
    ]);
  });
});
